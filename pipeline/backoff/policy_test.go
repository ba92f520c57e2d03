package backoff_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"redrive/pipeline/backoff"
)

func TestCeiling(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		base, cap time.Duration
		n         int
		want      time.Duration
	}{
		{"the first wait is the base", time.Second, time.Minute, 1, time.Second},
		{"each wait doubles", time.Second, time.Minute, 4, 8 * time.Second},
		{"the cap holds", time.Second, time.Minute, 7, time.Minute},
		{"a power of two lands on the cap", time.Second, 64 * time.Second, 7, 64 * time.Second},
		{"below one counts as one", time.Second, time.Minute, -3, time.Second},
		{"a base above the cap is the cap", time.Hour, time.Minute, 1, time.Minute},
		{"no base, no wait", 0, time.Minute, 9, 0},
		{"no cap grows on", time.Second, 0, 11, 1024 * time.Second},
		{"no cap, many failures", time.Second, 0, 64, math.MaxInt64},
		{"the largest n there is", time.Nanosecond, time.Hour, math.MaxInt, time.Hour},
		{"the smallest n there is", time.Second, time.Hour, math.MinInt, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := backoff.Policy{Base: tt.base, Cap: tt.cap}
			if got := p.Ceiling(tt.n); got != tt.want {
				t.Errorf("Ceiling(%d) = %s, want %s", tt.n, got, tt.want)
			}
		})
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		jitter backoff.Jitter
		random float64
		want   time.Duration
	}{
		{"full starts at nothing", backoff.Full, 0, 0},
		{"full in the middle", backoff.Full, 0.5, 4 * time.Second},
		{"equal keeps half", backoff.Equal, 0, 4 * time.Second},
		{"equal in the middle", backoff.Equal, 0.5, 6 * time.Second},
		{"none is the ceiling", backoff.None, 0.5, 8 * time.Second},
		{"left out means full", "", 0.25, 2 * time.Second},
		{"a source that answers 1", backoff.Full, 1, 8 * time.Second},
		{"a source that answers nonsense", backoff.Full, math.NaN(), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := backoff.Policy{Base: time.Second, Cap: time.Minute, Jitter: tt.jitter}
			if got := p.Wait(4, func() float64 { return tt.random }); got != tt.want {
				t.Errorf("Wait(4) = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestExhausted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		attempts, calls int
		want            bool
	}{{5, 4, false}, {5, 5, true}, {5, 6, true}, {1, 1, true}, {0, 1_000_000, false}} {
		if got := (backoff.Policy{Attempts: tt.attempts}).Exhausted(tt.calls); got != tt.want {
			t.Errorf("%d attempts, %d calls: exhausted = %v, want %v", tt.attempts, tt.calls, got, tt.want)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		policy backoff.Policy
		ok     bool
	}{
		{"the usual one", backoff.Policy{Attempts: 5, Base: time.Second, Cap: time.Minute, Jitter: backoff.Full}, true},
		{"the zero one", backoff.Policy{}, true},
		{"negative attempts", backoff.Policy{Attempts: -1}, false},
		{"negative base", backoff.Policy{Base: -1}, false},
		{"negative cap", backoff.Policy{Cap: -1}, false},
		{"cap below base", backoff.Policy{Base: time.Minute, Cap: time.Second}, false},
		{"unknown jitter", backoff.Policy{Jitter: "some"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := tt.policy.Validate(); (err == nil) != tt.ok {
				t.Errorf("Validate() = %v, want ok %v", err, tt.ok)
			}
		})
	}
}

// Every wait lies between the floor its jitter promises and the ceiling, the ceiling
// never falls as n grows and never passes the cap.
func TestWaitStaysInBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := backoff.Policy{
			Base:   time.Duration(rapid.Int64Min(0).Draw(t, "base")),
			Cap:    time.Duration(rapid.Int64Min(0).Draw(t, "cap")),
			Jitter: rapid.SampledFrom([]backoff.Jitter{backoff.Full, backoff.Equal, backoff.None, ""}).Draw(t, "jitter"),
		}
		n := rapid.IntRange(-2, 200).Draw(t, "n")
		r := rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "random")

		ceiling, wait := p.Ceiling(n), p.Wait(n, func() float64 { return r })
		if ceiling < 0 || p.Cap > 0 && ceiling > p.Cap {
			t.Fatalf("ceiling %s outside [0, %s]", ceiling, p.Cap)
		}
		if next := p.Ceiling(n + 1); next < ceiling {
			t.Fatalf("ceiling falls from %s to %s", ceiling, next)
		}
		floor := map[backoff.Jitter]time.Duration{backoff.Equal: ceiling / 2, backoff.None: ceiling}[p.Jitter]
		if wait < floor || wait > ceiling {
			t.Fatalf("wait %s outside [%s, %s]", wait, floor, ceiling)
		}
	})
}

// Rows that failed in the same instant come back spread out: no second of the window
// gets more than twice its even share (of 6000 rows, 8 deviations away from chance).
func TestJitterSpreadsAThunderingHerd(t *testing.T) {
	t.Parallel()
	const rows = 6000
	rapid.Check(t, func(t *rapid.T) {
		jitter := rapid.SampledFrom([]backoff.Jitter{backoff.Full, backoff.Equal}).Draw(t, "jitter")
		n := rapid.IntRange(5, 12).Draw(t, "n")
		seed := rapid.Uint64().Draw(t, "seed")
		p := backoff.Policy{Base: time.Second, Cap: time.Minute, Jitter: jitter}
		source := rand.New(rand.NewPCG(seed, 1))

		buckets := map[time.Duration]int{}
		for range rows {
			buckets[p.Wait(n, source.Float64)/time.Second]++
		}
		seconds := int(p.Ceiling(n) / time.Second)
		if jitter == backoff.Equal {
			seconds /= 2
		}
		largest := 0
		for _, count := range buckets {
			largest = max(largest, count)
		}
		if share := 2 * rows / seconds; largest > share {
			t.Fatalf("%d of %d rows in one second of %d, more than %d", largest, rows, seconds, share)
		}
	})
}
