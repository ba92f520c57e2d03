package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"redrive/handlers/peek"
	"redrive/handlers/problem"
)

// body reads the JSON of a call into a struct, strictly: an unknown or doubled
// field, a value of the wrong type, and anything after the object are refused by
// name. No body at all counts as {}; null counts as left out.
func (c *Call) body(into any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err != nil {
		return err
	}
	if err := contentType(c.r.Header, len(raw) > 0); err != nil {
		return err
	}
	return decode(raw, into)
}

func contentType(h http.Header, needed bool) error {
	given := h.Values("Content-Type")
	if len(given) == 0 && !needed {
		return nil
	}
	if coding := h.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return problem.New(http.StatusUnsupportedMediaType, "The body must be sent without a Content-Encoding.")
	}
	wrong := problem.New(http.StatusUnsupportedMediaType, "The body must be JSON, sent with Content-Type: application/json.")
	if len(given) != 1 {
		return wrong
	}
	kind, params, err := mime.ParseMediaType(given[0])
	if err != nil || kind != "application/json" {
		return wrong
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return problem.New(http.StatusUnsupportedMediaType, "The body must be JSON in UTF-8.")
	}
	return nil
}

// decode fills the struct that into points to from one JSON object.
func decode(raw []byte, into any) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = []byte("{}")
	}
	if err := wellFormed(raw); err != nil {
		return err
	}
	fields := fieldsOf(reflect.ValueOf(into).Elem())
	dec := json.NewDecoder(bytes.NewReader(raw))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return problem.New(http.StatusBadRequest, "The body must be a JSON object.")
	}
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return notJSON()
		}
		name, _ := key.(string)
		field, known := fields[name]
		switch {
		case !known:
			return named(name, "There is no field "+problem.Quote(name)+" here; known are "+strings.Join(namesOf(into), ", ")+".")
		case seen[name]:
			return problem.Invalid(name, name+" is given more than once.")
		}
		seen[name] = true
		if err := dec.Decode(field.Addr().Interface()); err != nil {
			return wrongType(name, field.Type(), err)
		}
	}
	return nil
}

func wellFormed(raw []byte) error {
	if !utf8.Valid(raw) {
		return problem.New(http.StatusBadRequest, "The body is not valid UTF-8.")
	}
	if big := peek.TooBig(raw); big != "" {
		return problem.New(http.StatusBadRequest, "The JSON of the body "+big+".")
	}
	if !json.Valid(raw) {
		return notJSON()
	}
	return nil
}

func notJSON() error {
	return problem.New(http.StatusBadRequest, "The body is not valid JSON: one object is expected and nothing after it.")
}

// wrongType says what a field must be. A field's own sentence wins.
func wrongType(name string, t reflect.Type, err error) error {
	if own, ok := errors.AsType[*valueError](err); ok {
		return problem.Invalid(name, name+" must be "+own.want+".")
	}
	return problem.Invalid(name, name+" must be "+kindOf(t)+".")
}

func kindOf(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list of strings"
	case reflect.Struct:
		return "an RFC 3339 time such as 2026-05-14T03:24:10Z"
	default:
		return "a JSON value"
	}
}

func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := make(map[string]reflect.Value, v.NumField())
	for i := range v.NumField() {
		if v.Type().Field(i).Anonymous {
			for name, field := range fieldsOf(v.Field(i)) {
				fields[name] = field
			}
			continue
		}
		fields[jsonName(v.Type().Field(i))] = v.Field(i)
	}
	return fields
}

func namesOf(into any) []string {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(into).Elem()) {
		if !f.Anonymous {
			names = append(names, jsonName(f))
		}
	}
	return names
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
