package breaker_test

import (
	"reflect"
	"testing"
	"time"

	"redrive/pipeline/breaker"
)

var (
	settings = breaker.Settings{FailureRate: 0.5, MinimumCalls: 20, Window: 30 * time.Second, OpenFor: 30 * time.Second, Probes: 3}
	start    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func after(d time.Duration) time.Time { return start.Add(d) }

// The fixtures are reached by commands alone, as a stored breaker would be.
func open(t *testing.T) breaker.Snapshot {
	t.Helper()
	b, tr := settings.Trip(breaker.New(start), 20, 14, start)
	if tr == nil {
		t.Fatal("14 of 20 did not open it")
	}
	return b
}

func halfOpen(t *testing.T) breaker.Snapshot {
	t.Helper()
	b, tr := settings.Tick(open(t), after(30*time.Second))
	if tr == nil {
		t.Fatal("open for OpenFor did not half-open it")
	}
	return b
}

func held(to breaker.State) breaker.Snapshot {
	b, _ := settings.Force(breaker.New(start), to, after(time.Hour), "ada", "deploy", start)
	return b
}

func TestTrip(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		from          breaker.Snapshot
		calls, failed int
		want          breaker.State
		reason        string
	}{
		{"enough failures open it", breaker.New(start), 20, 14, breaker.Open, "14 of 20 calls failed in 30 s (70 %); opens at 50 %"},
		{"exactly the rate opens it", breaker.New(start), 20, 10, breaker.Open, "10 of 20 calls failed in 30 s (50 %); opens at 50 %"},
		{"an odd share is rounded", breaker.New(start), 30, 20, breaker.Open, "20 of 30 calls failed in 30 s (66.7 %); opens at 50 %"},
		{"the zero breaker is closed", breaker.Snapshot{}, 20, 20, breaker.Open, "20 of 20 calls failed in 30 s (100 %); opens at 50 %"},
		{"just below the rate", breaker.New(start), 100, 49, breaker.Closed, ""},
		{"too few calls", breaker.New(start), 19, 19, breaker.Closed, ""},
		{"no calls", breaker.New(start), 0, 0, breaker.Closed, ""},
		{"held closed", held(breaker.Closed), 100, 100, breaker.Closed, ""},
		{"held open", held(breaker.Open), 100, 100, breaker.Open, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, tr := settings.Trip(tt.from, tt.calls, tt.failed, after(time.Second))
			if got.State != tt.want {
				t.Errorf("state %s, want %s", got.State, tt.want)
			}
			if tt.reason == "" {
				unchanged(t, tt.from, got, tr)
				return
			}
			want := breaker.Transition{At: after(time.Second), From: breaker.Closed, To: breaker.Open, By: breaker.Program, Reason: tt.reason}
			moved(t, tt.from, got, tr, want)
			if want := after(31 * time.Second); !got.NextProbeAt.Equal(want) {
				t.Errorf("next probe at %s, want %s", got.NextProbeAt, want)
			}
		})
	}
}

func TestTick(t *testing.T) {
	t.Parallel()
	noTime := open(t)
	noTime.NextProbeAt = time.Time{}
	endless := held(breaker.Open)
	endless.HeldUntil = time.Time{}
	tests := []struct {
		name   string
		from   breaker.Snapshot
		at     time.Duration
		want   breaker.State
		reason string
	}{
		{"closed stays", breaker.New(start), time.Hour, breaker.Closed, ""},
		{"open before its time", open(t), 30*time.Second - 1, breaker.Open, ""},
		{"open at its time", open(t), 30 * time.Second, breaker.HalfOpen, "was open for 30 s; 3 probes decide"},
		{"open long after", open(t), time.Hour, breaker.HalfOpen, "was open for 1 h; 3 probes decide"},
		{"open without a time is not open for ever", noTime, 30 * time.Second, breaker.HalfOpen, "was open for 30 s; 3 probes decide"},
		{"half-open stays", halfOpen(t), time.Hour, breaker.HalfOpen, ""},
		{"held open just before the end", held(breaker.Open), time.Hour - 1, breaker.Open, ""},
		{"held open at the end", held(breaker.Open), time.Hour, breaker.HalfOpen, "the hold by ada ran out; 3 probes decide"},
		{"held closed just before the end", held(breaker.Closed), time.Hour - 1, breaker.Closed, ""},
		{"held closed at the end", held(breaker.Closed), time.Hour, breaker.Closed, "the hold by ada ran out; calls are counted afresh"},
		{"a hold without an end is over", endless, 0, breaker.HalfOpen, "the hold by ada ran out; 3 probes decide"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, tr := settings.Tick(tt.from, after(tt.at))
			if got.State != tt.want {
				t.Errorf("state %s, want %s", got.State, tt.want)
			}
			if tt.reason == "" {
				unchanged(t, tt.from, got, tr)
				return
			}
			want := breaker.Transition{At: after(tt.at), From: tt.from.State, To: tt.want, By: breaker.Program, Reason: tt.reason}
			moved(t, tt.from, got, tr, want)
			if got.Held || got.HeldBy != "" || !got.HeldUntil.IsZero() {
				t.Errorf("still held: %+v", got)
			}
		})
	}
}

func TestSinceIsTheTimeOfTheStateNotOfTheHold(t *testing.T) {
	t.Parallel()
	b, _ := settings.Force(open(t), breaker.Open, after(time.Hour), "ada", "stay", after(time.Minute))
	if !b.Since.Equal(start) {
		t.Errorf("since %s, want %s", b.Since, start)
	}
}

func TestForce(t *testing.T) {
	t.Parallel()
	at := after(time.Minute)
	for _, from := range []breaker.Snapshot{breaker.New(start), open(t), halfOpen(t), held(breaker.Open), held(breaker.Closed)} {
		for _, to := range []breaker.State{breaker.Closed, breaker.Open, breaker.HalfOpen} {
			t.Run(string(from.State)+" to "+string(to), func(t *testing.T) {
				t.Parallel()
				got, tr := settings.Force(from, to, at.Add(time.Hour), "ada", "deploy", at)
				moved(t, from, got, tr, breaker.Transition{At: at, From: from.State, To: to, By: "ada", Reason: "deploy"})
				if want := to != breaker.HalfOpen; got.Held != want || (got.HeldBy == "ada") != want {
					t.Errorf("held %v by %q, want held %v", got.Held, got.HeldBy, want)
				}
				if !got.NextProbeAt.IsZero() {
					t.Errorf("next probe at %s, want none", got.NextProbeAt)
				}
			})
		}
	}
	t.Run("to nonsense changes nothing", func(t *testing.T) {
		t.Parallel()
		got, tr := settings.Force(open(t), "ajar", at, "ada", "deploy", at)
		unchanged(t, open(t), got, tr)
	})
}

func TestAutomatic(t *testing.T) {
	t.Parallel()
	at := after(time.Minute)
	t.Run("held open probes after OpenFor", func(t *testing.T) {
		t.Parallel()
		got, tr := settings.Automatic(held(breaker.Open), "bob", "fixed", at)
		moved(t, held(breaker.Open), got, tr, breaker.Transition{At: at, From: breaker.Open, To: breaker.Open, By: "bob", Reason: "fixed"})
		if got.Held || !got.NextProbeAt.Equal(at.Add(settings.OpenFor)) {
			t.Errorf("held %v, next probe at %s", got.Held, got.NextProbeAt)
		}
	})
	t.Run("held closed is closed", func(t *testing.T) {
		t.Parallel()
		got, tr := settings.Automatic(held(breaker.Closed), "bob", "fixed", at)
		moved(t, held(breaker.Closed), got, tr, breaker.Transition{At: at, From: breaker.Closed, To: breaker.Closed, By: "bob", Reason: "fixed"})
		if got.Held {
			t.Error("still held")
		}
	})
	t.Run("not held changes nothing", func(t *testing.T) {
		t.Parallel()
		got, tr := settings.Automatic(open(t), "bob", "fixed", at)
		unchanged(t, open(t), got, tr)
	})
}

// moved checks what holds for every transition.
func moved(t *testing.T, from, got breaker.Snapshot, tr *breaker.Transition, want breaker.Transition) {
	t.Helper()
	if tr == nil {
		t.Fatal("no transition")
	}
	if want.From == "" {
		want.From = breaker.Closed
	}
	if *tr != want {
		t.Errorf("transition %+v, want %+v", *tr, want)
	}
	if got.Round != from.Round+1 || got.Version <= from.Version || got.Reason != tr.Reason {
		t.Errorf("after it %+v, before %+v", got, from)
	}
	if got.Granted != 0 || got.Succeeded != 0 || got.Out != nil {
		t.Errorf("probes of the old round are left: %+v", got)
	}
}

func unchanged(t *testing.T, from, got breaker.Snapshot, tr *breaker.Transition) {
	t.Helper()
	if tr != nil || !reflect.DeepEqual(got, from) {
		t.Errorf("changed to %+v by %+v", got, tr)
	}
}
