package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode"

	"redrive/cmd/server/config"
)

// hostileValues are what a name, a header or an error from outside may hold.
var hostileValues = map[string]string{
	"a line of its own":   "x\ntime=2026-01-01T00:00:00Z level=ERROR msg=forged",
	"a line of JSON":      "x\r\n{\"level\":\"ERROR\",\"msg\":\"forged\"}",
	"terminal codes":      "\x1b[2J\x1b]0;owned\x07",
	"C1 codes":            "\u009b2J\u0085next",
	"direction marks":     "a\u202eb\u2066c\u200f",
	"line separators":     "a\u2028b\u2029c",
	"invisible":           "a\u200bb\ufeffc\u00adD",
	"tags":                "a\U000e0041b",
	"a null byte":         "a\x00b",
	"broken UTF-8":        "a\xffb\xc3",
	"a header of 1 MB":    strings.Repeat("x", 1<<20),
	"long, many of bytes": strings.Repeat("é", 1<<19),
	"quotes":              `" level=ERROR msg="forged`,
}

type shown struct{ Name string }

type named string

func (n named) String() string { return string(n) }

func TestLogLinesAreInert(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		for name, value := range hostileValues {
			t.Run(format+" "+name, func(t *testing.T) {
				var out bytes.Buffer
				log := newLogger(&out, format)
				log.With("with", value).WithGroup("group").Warn(value, "text", value, "error", fmt.Errorf("wrapped: %w", errors.New(value)), "struct", shown{value},
					"pointer", &shown{value}, "stringer", named(value), "list", []string{value, "b"}, "bytes", []byte(value), "raw", json.RawMessage(value),
					slog.Group("inner", "deep", value), value[:min(len(value), 20)], 1)
				line, rest, _ := strings.Cut(out.String(), "\n")
				if rest != "" || line == "" {
					t.Fatalf("more than a line: %.300q", out.String())
				}
				for _, r := range line {
					if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
						t.Fatalf("%U is left in %.300q", r, line)
					}
				}
				if len(line) > 14*(valueMost+100) {
					t.Errorf("a line of %d bytes", len(line))
				}
				if len(value) > valueMost && !strings.Contains(line, " bytes more)") {
					t.Errorf("nothing says that something is cut off: %.300q", line)
				}
				if strings.HasPrefix(line, "level=ERROR") || strings.Contains(line, ` level=ERROR msg=forged "`) {
					t.Errorf("forged: %.300q", line)
				}
				var fields map[string]any
				if format == "json" && (json.Unmarshal([]byte(line), &fields) != nil || fields["level"] != "WARN") {
					t.Errorf("no JSON of ours: %.300q", line)
				}
			})
		}
	}
}

func TestLogValuesStayWhatTheyAre(t *testing.T) {
	var out bytes.Buffer
	newLogger(&out, "json").Info("plain", "number", 7, "share", 0.5, "yes", true, "for", 2*time.Second, "at", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		"text", "größe <&> 漢字", "withheld", config.NewSecret("hunter2"), "none", nil, "error", error(nil), "list", []string{"a", "b"})
	got := out.String()
	for _, want := range []string{`"level":"INFO"`, `"msg":"plain"`, `"number":7`, `"share":0.5`, `"yes":true`, `"for":2000000000`, `"at":"2026-01-02T03:04:05Z"`, `"text":"größe <&> 漢字"`,
		`"withheld":"[hidden]"`, `"none":null`, `"error":null`, `"list":["a","b"]`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	out.Reset()
	newLogger(&out, "text").Info("plain words", "number", 7, "stack", "goroutine 1:\n\tmain.go:7")
	if got := out.String(); !strings.Contains(got, `level=INFO msg="plain words" number=7 stack="goroutine 1:\n\tmain.go:7"`) {
		t.Error(got)
	}
}
