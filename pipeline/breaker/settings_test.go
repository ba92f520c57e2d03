package breaker_test

import (
	"math"
	"testing"
	"time"

	"redrive/pipeline/breaker"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*breaker.Settings)
		ok     bool
	}{
		{"the usual ones", func(*breaker.Settings) {}, true},
		{"every call must fail", func(s *breaker.Settings) { s.FailureRate = 1 }, true},
		{"rate 0", func(s *breaker.Settings) { s.FailureRate = 0 }, false},
		{"rate above 1", func(s *breaker.Settings) { s.FailureRate = 50 }, false},
		{"rate that is no number", func(s *breaker.Settings) { s.FailureRate = math.NaN() }, false},
		{"no minimum", func(s *breaker.Settings) { s.MinimumCalls = 0 }, false},
		{"no window", func(s *breaker.Settings) { s.Window = 0 }, false},
		{"negative open_for", func(s *breaker.Settings) { s.OpenFor = -time.Second }, false},
		{"no probes", func(s *breaker.Settings) { s.Probes = 0 }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := settings
			tt.change(&s)
			if err := s.Validate(); (err == nil) != tt.ok {
				t.Errorf("Validate() = %v, want ok %v", err, tt.ok)
			}
		})
	}
}

func TestParseState(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"closed", "open", "half-open"} {
		if got, err := breaker.ParseState(s); err != nil || string(got) != s {
			t.Errorf("ParseState(%q) = %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "Open", "half_open", "automatic"} {
		if got, err := breaker.ParseState(s); err == nil {
			t.Errorf("ParseState(%q) = %q, want an error", s, got)
		}
	}
}

// The reasons people read carry durations of any size.
func TestReasonsSpellDurations(t *testing.T) {
	t.Parallel()
	for window, want := range map[time.Duration]string{
		250 * time.Millisecond:                "1 of 1 calls failed in 250 ms (100 %); opens at 50 %",
		1500 * time.Millisecond:               "1 of 1 calls failed in 1.5 s (100 %); opens at 50 %",
		90 * time.Second:                      "1 of 1 calls failed in 1 min 30 s (100 %); opens at 50 %",
		time.Hour + 5*time.Second:             "1 of 1 calls failed in 1 h 5 s (100 %); opens at 50 %",
		time.Minute - 10*time.Millisecond:     "1 of 1 calls failed in 60 s (100 %); opens at 50 %",
		2*time.Hour + 3*time.Minute + 1234567: "1 of 1 calls failed in 2 h 3 min (100 %); opens at 50 %",
	} {
		s := breaker.Settings{FailureRate: 0.5, MinimumCalls: 1, Window: window, OpenFor: time.Second, Probes: 1}
		if _, tr := s.Trip(breaker.New(start), 1, 1, start); tr.Reason != want {
			t.Errorf("reason %q, want %q", tr.Reason, want)
		}
	}
}
