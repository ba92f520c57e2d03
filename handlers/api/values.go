package api

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"redrive/handlers/problem"
)

// optional is a string that is null when there is nothing.
type optional string

func (s optional) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(s))
}

// stamp is a time to the millisecond, null when there is none.
type stamp time.Time

func (t stamp) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return time.Time(t).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
}

// figure is a number that is null when it was never measured.
type figure float64

func (f figure) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

// count is a number that is null when it is zero, because zero means "none": a
// status code, a rate that was not asked for.
type count float64

func (n count) MarshalJSON() ([]byte, error) {
	if n == 0 {
		return []byte("null"), nil
	}
	return figure(n).MarshalJSON()
}

// span is a duration, written as Go does without the parts that are zero:
// "15m", "1h30m".
type span time.Duration

func (d span) MarshalJSON() ([]byte, error) {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return json.Marshal(text)
}

func (d *span) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return &valueError{`a duration such as "15m"`}
	}
	value, err := time.ParseDuration(text)
	if err != nil {
		return &valueError{`a duration such as "15m"`}
	}
	if value < 0 {
		return &valueError{`a duration above zero such as "15m"`}
	}
	*d = span(value)
	return nil
}

// duration of an optional field; 0 when left out.
func (d *span) duration() time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}

// valueError is a value of the right JSON type that still says nothing.
type valueError struct{ want string }

func (e *valueError) Error() string { return "must be " + e.want }

// list converts the items of a list; never nil, so that JSON shows [].
func list[T, U any](items []T, convert func(T) U) []U {
	out := make([]U, len(items))
	for i, item := range items {
		out[i] = convert(item)
	}
	return out
}

// value returns what a pointer points to, zero for nil.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// required refuses text that is empty or only blanks.
func required(name, given string) error {
	if strings.TrimSpace(given) == "" {
		return problem.Invalid(name, name+" is required.")
	}
	return nil
}

// between refuses a number outside of a range.
func between(name string, given *float64, low, high float64, sentence string) error {
	if given != nil && (*given < low || *given > high) {
		return problem.Invalid(name, sentence)
	}
	return nil
}
