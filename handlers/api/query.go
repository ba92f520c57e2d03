package api

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

const (
	defaultLimit = 50
	maxLimit     = 500
	maxValue     = 1024 // bytes of one query parameter, unless it says less
)

// Param is a query parameter that an operation knows.
type Param struct {
	Name  string
	About string
	Enum  []string // the values allowed; empty: any
	check func(value string) error
}

func text(name, about string) Param { return Param{Name: name, About: about} }

func oneOf(name, about string, values ...string) Param {
	return Param{Name: name, About: about, Enum: values}
}

func timeParam(name, about string) Param {
	return Param{Name: name, About: about + ", RFC 3339", check: func(value string) error {
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return problem.Invalid(name, name+` must be an RFC 3339 time such as 2026-05-14T03:24:10Z.`)
		}
		return nil
	}}
}

// paging are the parameters of every list.
func paging() []Param {
	return []Param{
		{Name: "limit", About: "how many, 1 to 500, 50 if left out", check: func(value string) error {
			_, err := limitOf(value)
			return err
		}},
		text("cursor", "next_cursor of the page before"),
	}
}

func reveal() Param {
	return oneOf("reveal", "true: secrets too; with auth it needs the role operator, and the audit notes it", "true", "false")
}

func statuses() []string { return words(pipeline.Statuses()) }

func states() []string { return words(pipeline.States()) }

func words[S ~string](values []S) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}

func limitOf(value string) (int, error) {
	if value == "" {
		return defaultLimit, problem.Invalid("limit", "limit must be a whole number from 1 to 500.")
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxLimit || strings.HasPrefix(value, "+") {
		return defaultLimit, problem.Invalid("limit", "limit must be a whole number from 1 to 500.")
	}
	return n, nil
}

// readQuery takes only what is known, each once and well-formed. An empty text
// counts as not given.
func readQuery(raw string, known []Param) (map[string]string, error) {
	if raw == "" {
		return nil, nil
	}
	if strings.ContainsRune(raw, ';') {
		return nil, problem.New(http.StatusBadRequest, "The query is malformed: a semicolon must be written %3B.")
	}
	given, err := url.ParseQuery(raw)
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "The query is malformed: every % must be followed by two hexadecimal digits.")
	}
	values := make(map[string]string, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(known, func(p Param) bool { return p.Name == name })
		if i < 0 {
			return nil, unknownParam(name, known)
		}
		if err := known[i].accept(given[name]); err != nil {
			return nil, err
		}
		values[name] = given[name][0]
	}
	return values, nil
}

func (p Param) accept(given []string) error {
	value := given[0]
	switch {
	case len(given) > 1:
		return problem.Invalid(p.Name, p.Name+" is given more than once.")
	case len(value) > maxValue:
		return problem.Invalid(p.Name, p.Name+" is longer than 1024 bytes.")
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return problem.Invalid(p.Name, p.Name+" is not valid UTF-8 text.")
	case len(p.Enum) > 0 && !slices.Contains(p.Enum, value):
		return problem.Invalid(p.Name, p.Name+" must be one of "+strings.Join(p.Enum, ", ")+".")
	case p.check != nil:
		return p.check(value)
	}
	return nil
}

func unknownParam(name string, known []Param) error {
	names := make([]string, len(known))
	for i, p := range known {
		names[i] = p.Name
	}
	sentence := "There is no query parameter " + problem.Quote(name) + " here"
	if len(names) > 0 {
		sentence += "; known are " + strings.Join(names, ", ")
	}
	return named(name, sentence+".")
}

// named is a 400 for a name the caller made up, cut to what is worth repeating.
func named(name, sentence string) error {
	field := strings.ToValidUTF8(name, "�")
	if runes := []rune(field); len(runes) > 64 {
		field = string(runes[:64])
	}
	return &problem.Error{Problem: problem.Problem{Status: http.StatusBadRequest, Detail: sentence, Field: field}}
}
