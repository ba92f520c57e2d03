package config

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// duration reads what time.ParseDuration reads, between two bounds.
func duration(least, most time.Duration) parse[time.Duration] {
	return func(text string) (time.Duration, *fault) {
		d, err := time.ParseDuration(text)
		switch {
		case err != nil:
			return 0, &fault{"is not a duration", "write it as 500ms, 5s, 1m30s or 720h"}
		case d < least:
			return 0, &fault{"is too short", "give at least " + spell(least)}
		case d > most:
			return 0, &fault{"is too long", "give at most " + spell(most)}
		}
		return d, nil
	}
}

// spell writes a duration without the zeros that follow its last unit.
func spell(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func whole(least, most int) parse[int] {
	return func(text string) (int, *fault) {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, &fault{"is not a whole number", fmt.Sprintf("give one from %d to %d", least, most)}
		}
		if n < least || n > most {
			return 0, &fault{"is out of range", fmt.Sprintf("give a whole number from %d to %d", least, most)}
		}
		return n, nil
	}
}

// number reads a plain decimal number. above leaves the lower bound itself out.
func number(least, most float64, above bool) parse[float64] {
	right := fmt.Sprintf("give a number from %g to %g", least, most)
	if above {
		right = fmt.Sprintf("give a number above %g and at most %g", least, most)
	}
	return func(text string) (float64, *fault) {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || strings.ContainsAny(text, "xX_") {
			return 0, &fault{"is not a number", right}
		}
		if n < least || n > most || above && n == least {
			return 0, &fault{"is out of range", right}
		}
		return n, nil
	}
}

// oneOf reads one of a few words.
func oneOf(words ...string) parse[string] {
	return func(text string) (string, *fault) {
		if slices.Contains(words, text) {
			return text, nil
		}
		return "", &fault{"is not known", fmt.Sprintf("write one of %s; the nearest is %q", strings.Join(words, ", "), nearest(text, words))}
	}
}

func boolean(text string) (bool, *fault) {
	switch strings.ToLower(text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, &fault{"is neither true nor false", "write one of them"}
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// name reads what pipelines, steps, breakers and alarms are called: it stands in
// addresses, in metrics and in the names of queues.
func name(text string) (string, *fault) {
	if !nameForm.MatchString(text) {
		return "", &fault{"is not a name", "use letters, digits, - and _, a letter or digit first, at most 63 of them"}
	}
	return text, nil
}

// optional lets an empty text stand for a key left out.
func optional(into parse[string]) parse[string] {
	return func(text string) (string, *fault) {
		if text == "" {
			return "", nil
		}
		return into(text)
	}
}

// and writes words as a sentence has them.
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// line reads a short text for people.
func line(text string) (string, *fault) {
	switch {
	case strings.TrimSpace(text) == "":
		return "", &fault{"is empty", "write a few letters"}
	case len(text) > 200:
		return "", &fault{"is too long", "use at most 200 bytes"}
	case strings.ContainsFunc(text, func(c rune) bool { return !strconv.IsPrint(c) }):
		return "", &fault{"has characters that cannot be seen", "use plain letters"}
	}
	return text, nil
}
