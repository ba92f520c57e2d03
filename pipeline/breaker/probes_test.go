package breaker_test

import (
	"reflect"
	"testing"
	"time"

	"redrive/pipeline/breaker"
)

func TestGrant(t *testing.T) {
	t.Parallel()
	one := halfOpen(t)
	one, _ = settings.Grant(one, "a", 1, start)
	all, _ := settings.Grant(halfOpen(t), "a", 3, start)
	lowered, _ := breaker.Settings{Probes: 9}.Grant(halfOpen(t), "a", 9, start)
	tests := []struct {
		name    string
		from    breaker.Snapshot
		n, want int
	}{
		{"closed lets all through", breaker.New(start), 100, 100},
		{"the zero breaker lets all through", breaker.Snapshot{}, 100, 100},
		{"open lets none through", open(t), 100, 0},
		{"held open lets none through", held(breaker.Open), 1, 0},
		{"half-open lets the probes through", halfOpen(t), 100, 3},
		{"half-open lets fewer through when asked for fewer", halfOpen(t), 2, 2},
		{"the rest of the round", one, 100, 2},
		{"the round is used up", all, 100, 0},
		{"the probes were lowered meanwhile", lowered, 100, 0},
		{"nothing asked for", halfOpen(t), 0, 0},
		{"less than nothing asked for", halfOpen(t), -5, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, n := settings.Grant(tt.from, "b", tt.n, start)
			if n != tt.want {
				t.Errorf("granted %d, want %d", n, tt.want)
			}
			if recorded := got.Version != tt.from.Version; recorded != (n > 0 && tt.from.State == breaker.HalfOpen) {
				t.Errorf("granted %d in %s, recorded %v", n, tt.from.State, recorded)
			}
		})
	}
}

func TestProbes(t *testing.T) {
	t.Parallel()
	granted := func(n int) breaker.Snapshot {
		b, _ := settings.Grant(halfOpen(t), "a", n, after(30*time.Second))
		return b
	}
	at := after(31 * time.Second)

	t.Run("all succeed and it closes", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		var tr *breaker.Transition
		for range 2 {
			if b, tr = settings.ProbeResult(b, "a", b.Round, true, at); tr != nil || b.State != breaker.HalfOpen {
				t.Fatalf("decided early: %+v", tr)
			}
		}
		b, tr = settings.ProbeResult(b, "a", b.Round, true, at)
		if tr == nil || b.State != breaker.Closed || tr.Reason != "3 of 3 probes succeeded" || tr.By != breaker.Program {
			t.Errorf("%+v by %+v", b, tr)
		}
	})
	t.Run("one fails and it opens again", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		b, _ = settings.ProbeResult(b, "a", b.Round, true, at)
		b, tr := settings.ProbeResult(b, "a", b.Round, false, at)
		if tr == nil || b.State != breaker.Open || !b.NextProbeAt.Equal(at.Add(settings.OpenFor)) {
			t.Fatalf("%+v by %+v", b, tr)
		}
		if want := "a probe failed after 1 of 3 had succeeded; probes again in 30 s"; tr.Reason != want {
			t.Errorf("reason %q, want %q", tr.Reason, want)
		}
	})
	t.Run("an outcome of an earlier round is ignored", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		old := b.Round
		b, _ = settings.ProbeResult(b, "a", old, false, at)
		b, _ = settings.Tick(b, at.Add(settings.OpenFor))
		for _, ok := range []bool{true, false} {
			got, tr := settings.ProbeResult(b, "a", old, ok, at.Add(settings.OpenFor))
			unchanged(t, b, got, tr)
		}
	})
	t.Run("an outcome after a force is ignored", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		round := b.Round
		b, _ = settings.Force(b, breaker.Closed, after(time.Hour), "ada", "deploy", at)
		got, tr := settings.ProbeResult(b, "a", round, false, at)
		unchanged(t, b, got, tr)
	})
	t.Run("a slot given back is granted again", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		b = settings.GiveBack(b, "a", b.Round, 2)
		if _, n := settings.Grant(b, "b", 3, at); n != 2 {
			t.Errorf("granted %d, want 2", n)
		}
	})
	t.Run("a success is not given back", func(t *testing.T) {
		t.Parallel()
		b := granted(2)
		b, _ = settings.ProbeResult(b, "a", b.Round, true, at)
		b = settings.GiveBack(b, "a", b.Round, 100)
		if b.Granted != 1 || b.Succeeded != 1 {
			t.Errorf("granted %d, succeeded %d", b.Granted, b.Succeeded)
		}
	})
	t.Run("a success whose slot was given back does not count", func(t *testing.T) {
		t.Parallel()
		b := settings.GiveBack(granted(1), "a", halfOpen(t).Round, 1)
		got, tr := settings.ProbeResult(b, "a", b.Round, true, at)
		unchanged(t, b, got, tr)
	})
	t.Run("a slot of an earlier round is not given back", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		if got := settings.GiveBack(b, "a", b.Round-1, 3); !reflect.DeepEqual(got, b) {
			t.Errorf("changed to %+v", got)
		}
	})
	t.Run("probes lowered below what succeeded close it", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		b, _ = settings.ProbeResult(b, "a", b.Round, true, at)
		lowered := settings
		lowered.Probes = 1
		if b, tr := lowered.Tick(b, at); tr == nil || b.State != breaker.Closed {
			t.Errorf("%+v by %+v", b, tr)
		}
	})
}

func TestSettle(t *testing.T) {
	t.Parallel()
	probed := func(granted, succeeded int) breaker.Snapshot {
		b, _ := settings.Grant(halfOpen(t), "a", granted, after(30*time.Second))
		for range succeeded {
			b, _ = settings.ProbeResult(b, "a", b.Round, true, after(31*time.Second))
		}
		return b
	}
	tests := []struct {
		name              string
		from              breaker.Snapshot
		waiting, inFlight int
		at                time.Duration
		want              breaker.State
		granted           int
	}{
		{"one success and nothing else waits", probed(1, 1), 0, 0, 31 * time.Second, breaker.Closed, 0},
		{"one success and another row waits", probed(1, 1), 1, 0, 31 * time.Second, breaker.HalfOpen, 1},
		{"one success and another probe is called", probed(2, 1), 0, 1, 31 * time.Second, breaker.HalfOpen, 2},
		{"one success and another slot is out", probed(2, 1), 0, 0, 31 * time.Second, breaker.HalfOpen, 2},
		{"one success and the other slot got lost", probed(2, 1), 0, 0, time.Minute, breaker.Closed, 0},
		{"no success and nothing waits", probed(0, 0), 0, 0, time.Hour, breaker.HalfOpen, 0},
		{"slots got lost and rows wait", probed(3, 0), 9, 0, time.Minute, breaker.HalfOpen, 0},
		{"one slot of three got lost", probed(3, 0), 9, 2, time.Minute, breaker.HalfOpen, 2},
		{"slots may still turn up", probed(3, 0), 9, 0, time.Minute - 1, breaker.HalfOpen, 3},
		{"slow probes are not lost", probed(3, 0), 9, 3, time.Hour, breaker.HalfOpen, 3},
		{"closed", breaker.New(start), 0, 0, time.Hour, breaker.Closed, 0},
		{"open", open(t), 0, 0, time.Hour, breaker.Open, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			crew := breaker.Crew{Waiting: tt.waiting, By: "a", InFlight: tt.inFlight, Gone: nobody}
			got, tr := settings.Settle(tt.from, crew, after(tt.at))
			if got.State != tt.want || got.Granted != tt.granted {
				t.Errorf("%s with %d granted, want %s with %d", got.State, got.Granted, tt.want, tt.granted)
			}
			if (tr != nil) != (got.State != tt.from.State) {
				t.Errorf("transition %+v", tr)
			}
			if tr != nil && tr.Reason != "1 of 3 probes succeeded and nothing else waits" {
				t.Errorf("reason %q", tr.Reason)
			}
		})
	}
}

func nobody(string) bool { return false }

// A caller knows its own calls alone; those of others are out for as long as the others are there.
func TestSettleBesideAnotherCaller(t *testing.T) {
	t.Parallel()
	b, _ := settings.Grant(halfOpen(t), "a", 1, after(30*time.Second))
	b, _ = settings.Grant(b, "b", 2, after(31*time.Second))
	b, _ = settings.ProbeResult(b, "a", b.Round, true, after(32*time.Second))
	for _, tt := range []struct {
		name    string
		by      string
		gone    string
		at      time.Duration
		want    breaker.State
		granted int
	}{
		{"its probes are slow and it is there", "a", "", time.Hour, breaker.HalfOpen, 3},
		{"it is gone", "a", "b", 33 * time.Second, breaker.Closed, 0},
		{"a third looks and both are there", "c", "", time.Hour, breaker.HalfOpen, 3},
		{"a third looks and it is gone", "c", "b", time.Hour, breaker.Closed, 0},
		{"its own slots got lost", "b", "", 2 * time.Minute, breaker.Closed, 0},
		{"its own slots may still turn up", "b", "", time.Minute, breaker.HalfOpen, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			crew := breaker.Crew{By: tt.by, Gone: func(by string) bool { return by == tt.gone }}
			if got, _ := settings.Settle(b, crew, after(tt.at)); got.State != tt.want || got.Granted != tt.granted {
				t.Errorf("%s with %d granted, want %s with %d", got.State, got.Granted, tt.want, tt.granted)
			}
		})
	}
	t.Run("rows wait and the slots of one that is gone are granted again", func(t *testing.T) {
		t.Parallel()
		crew := breaker.Crew{Waiting: 1, By: "a", Gone: func(by string) bool { return by == "b" }}
		got, _ := settings.Settle(b, crew, after(33*time.Second))
		if _, n := settings.Grant(got, "a", 9, after(33*time.Second)); got.State != breaker.HalfOpen || n != 2 {
			t.Errorf("%s, granted %d more, want 2", got.State, n)
		}
		late, tr := settings.ProbeResult(got, "b", got.Round, true, after(34*time.Second))
		unchanged(t, got, late, tr)
	})
	t.Run("slots that nobody has are given back", func(t *testing.T) {
		t.Parallel()
		lost := b
		lost.Out = nil
		if got, _ := settings.Settle(lost, breaker.Crew{Waiting: 1, By: "a", Gone: nobody}, after(33*time.Second)); got.Granted != 1 {
			t.Errorf("%d granted", got.Granted)
		}
	})
}
