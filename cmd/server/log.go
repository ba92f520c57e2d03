package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"redrive/pipeline/redact"
)

const valueMost = 8 << 10 // bytes of one value of a log line

// newLogger writes one line a record, whatever the values hold: names, errors and
// headers come from outside, and a terminal obeys what it is shown.
func newLogger(w io.Writer, format string) *slog.Logger {
	options := &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr { return inert(groups, redact.Attr(groups, a)) }}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// inert makes a value plain text on one line; the message is one of them. Numbers
// and times stay what they are.
func inert(_ []string, a slog.Attr) slog.Attr {
	if a.Key == "stack" { // of the runtime alone; its lines are escaped and can be read again
		return a
	}
	a.Key = plainLine(a.Key)
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(plainLine(a.Value.String()))
	case slog.KindAny:
		a.Value = inertAny(a.Value.Any())
	}
	return a
}

// inertAny keeps lists of texts; anything else becomes what it is as a text.
func inertAny(v any) slog.Value {
	switch v := v.(type) {
	case nil, slog.Level, time.Time:
		return slog.AnyValue(v)
	case []string:
		list := make([]string, len(v))
		for i, s := range v {
			list[i] = plainLine(s)
		}
		return slog.AnyValue(list)
	case json.RawMessage:
		return slog.StringValue(plainLine(string(v)))
	case []byte:
		return slog.StringValue(plainLine(string(v)))
	}
	return slog.StringValue(plainLine(fmt.Sprintf("%+v", v)))
}

// plainLine puts a blank for what breaks a line, moves a cursor or turns the
// writing around, and cuts off what is too long to be read.
func plainLine(s string) string {
	cut := len(s)
	if cut > valueMost {
		cut = valueMost
		for cut > valueMost-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
	}
	line := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, s[:cut])
	if cut < len(s) {
		line += fmt.Sprintf("… (%d bytes more)", len(s)-cut)
	}
	return line
}
