package handlers

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
)

func TestFormReadsTypedValues(t *testing.T) {
	t.Parallel()
	f := &form{values: url.Values{"n": {" 7 "}, "rate": {"2.5/s"}, "p": {"30 %"}, "for": {"1 h"}, "days": {"3d"}, "at": {"2026-05-14T03:20"}, "box": {"on"}, "reason": {" why "}}}
	if f.whole("n", 1, 1, 10) != 7 || f.whole("none", 4, 1, 10) != 4 {
		t.Error("whole")
	}
	if f.decimal("rate", 0, 0, 10) != 2.5 || f.percent("p") != 0.3 || f.percent("none") != 0 {
		t.Error("decimal or percent")
	}
	if f.duration("for", 0) != time.Hour || f.duration("days", 0) != 72*time.Hour || f.duration("none", time.Minute) != time.Minute {
		t.Error("duration")
	}
	if want := time.Date(2026, 5, 14, 3, 20, 0, 0, time.UTC); !f.moment("at").Equal(want) || !f.moment("none").IsZero() {
		t.Error("moment")
	}
	if !f.is("box") || f.is("none") || f.reason() != " why " {
		t.Error("a box or the reason, word for word")
	}
	if err := f.err(); err != nil {
		t.Error(err)
	}
}

func TestFormRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		field, value string
		read         func(*form)
	}{
		{"n", "11", func(f *form) { f.whole("n", 0, 1, 10) }},
		{"n", "1.5", func(f *form) { f.whole("n", 0, 1, 10) }},
		{"rate", "NaN", func(f *form) { f.decimal("rate", 0, 0, 10) }},
		{"rate", "-1", func(f *form) { f.decimal("rate", 0, 0, 10) }},
		{"p", "101", func(f *form) { f.percent("p") }},
		{"for", "soon", func(f *form) { f.duration("for", 0) }},
		{"for", "-1h", func(f *form) { f.duration("for", 0) }},
		{"for", "1e9d", func(f *form) { f.duration("for", 0) }},
		{"at", "yesterday", func(f *form) { f.moment("at") }},
		{"reason", "  ", func(f *form) { f.reason() }},
		{"reason", strings.Repeat("x", 4001), func(f *form) { f.reason() }},
	}
	for _, tt := range tests {
		f := &form{values: url.Values{tt.field: {tt.value}}}
		tt.read(f)
		no, ok := refused(f.err())
		if !ok || no.Field != tt.field || no.Status != http.StatusBadRequest || no.Text == "" {
			t.Errorf("%s=%.20q: %+v, %v", tt.field, tt.value, no, ok)
		}
	}
}

func TestReadFormRefusesTooMuch(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x="+strings.Repeat("y", formBytes)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, err := readForm(httptest.NewRecorder(), r)
	if e, ok := errors.AsType[*pipeline.Error](err); !ok || e.Code != pipeline.CodeTooLarge {
		t.Errorf("error %v", err)
	}
}

func TestInertCells(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "plain": "plain", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "a=1": "a=1"} {
		if got := inert(in); got != want {
			t.Errorf("inert(%q) = %q, want %q", in, got, want)
		}
	}
}
