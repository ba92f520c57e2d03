package backoff_test

import (
	"strings"
	"testing"
	"time"

	"redrive/pipeline/backoff"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name, header string
		want         time.Duration
		ok           bool
	}{
		{"seconds", "120", 2 * time.Minute, true},
		{"zero", "0", 0, true},
		{"blanks around", " 7 ", 7 * time.Second, true},
		{"negative", "-5", 0, true},
		{"longer than an hour", "7200", time.Hour, true},
		{"more digits than a number holds", strings.Repeat("9", 400), time.Hour, true},
		{"leading zeros", "0000000000000000000000003", 3 * time.Second, true},
		{"date", "Sun, 01 Mar 2026 12:00:30 GMT", 30 * time.Second, true},
		{"older date form", "Sunday, 01-Mar-26 12:00:30 GMT", 30 * time.Second, true},
		{"date in the past", "Sun, 01 Mar 2020 12:00:30 GMT", 0, true},
		{"date far ahead", "Sun, 01 Mar 2099 12:00:30 GMT", time.Hour, true},
		{"empty", "", 0, false},
		{"a lone minus", "-", 0, false},
		{"a fraction", "1.5", 0, false},
		{"a plus", "+5", 0, false},
		{"words", "soon", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := backoff.RetryAfter(tt.header, now)
			if got != tt.want || ok != tt.ok {
				t.Errorf("RetryAfter(%q) = %s, %v, want %s, %v", tt.header, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "1", "-1", "99999999999999999999", "Sun, 01 Mar 2026 12:00:30 GMT"} {
		f.Add(seed)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		got, ok := backoff.RetryAfter(header, now)
		if got < 0 || got > backoff.MaxRetryAfter || !ok && got != 0 {
			t.Errorf("RetryAfter(%q) = %s, %v", header, got, ok)
		}
	})
}
