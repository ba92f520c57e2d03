package breaker_test

import (
	"testing"
	"time"

	"redrive/pipeline/breaker"
)

func TestGrant(t *testing.T) {
	t.Parallel()
	one := halfOpen(t)
	one, _ = settings.Grant(one, 1, start)
	all, _ := settings.Grant(halfOpen(t), 3, start)
	lowered, _ := breaker.Settings{Probes: 9}.Grant(halfOpen(t), 9, start)
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
			got, n := settings.Grant(tt.from, tt.n, start)
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
		b, _ := settings.Grant(halfOpen(t), n, after(30*time.Second))
		return b
	}
	at := after(31 * time.Second)

	t.Run("all succeed and it closes", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		var tr *breaker.Transition
		for range 2 {
			if b, tr = settings.ProbeResult(b, b.Round, true, at); tr != nil || b.State != breaker.HalfOpen {
				t.Fatalf("decided early: %+v", tr)
			}
		}
		b, tr = settings.ProbeResult(b, b.Round, true, at)
		if tr == nil || b.State != breaker.Closed || tr.Reason != "3 of 3 probes succeeded" || tr.By != breaker.Program {
			t.Errorf("%+v by %+v", b, tr)
		}
	})
	t.Run("one fails and it opens again", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		b, _ = settings.ProbeResult(b, b.Round, true, at)
		b, tr := settings.ProbeResult(b, b.Round, false, at)
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
		b, _ = settings.ProbeResult(b, old, false, at)
		b, _ = settings.Tick(b, at.Add(settings.OpenFor))
		for _, ok := range []bool{true, false} {
			got, tr := settings.ProbeResult(b, old, ok, at.Add(settings.OpenFor))
			unchanged(t, b, got, tr)
		}
	})
	t.Run("an outcome after a force is ignored", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		round := b.Round
		b, _ = settings.Force(b, breaker.Closed, after(time.Hour), "ada", "deploy", at)
		got, tr := settings.ProbeResult(b, round, false, at)
		unchanged(t, b, got, tr)
	})
	t.Run("a slot given back is granted again", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		b = settings.GiveBack(b, b.Round, 2)
		if _, n := settings.Grant(b, 3, at); n != 2 {
			t.Errorf("granted %d, want 2", n)
		}
	})
	t.Run("a success is not given back", func(t *testing.T) {
		t.Parallel()
		b := granted(2)
		b, _ = settings.ProbeResult(b, b.Round, true, at)
		b = settings.GiveBack(b, b.Round, 100)
		if b.Granted != 1 || b.Succeeded != 1 {
			t.Errorf("granted %d, succeeded %d", b.Granted, b.Succeeded)
		}
	})
	t.Run("a success whose slot was given back does not count", func(t *testing.T) {
		t.Parallel()
		b := settings.GiveBack(granted(1), halfOpen(t).Round, 1)
		got, tr := settings.ProbeResult(b, b.Round, true, at)
		unchanged(t, b, got, tr)
	})
	t.Run("a slot of an earlier round is not given back", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		if got := settings.GiveBack(b, b.Round-1, 3); got != b {
			t.Errorf("changed to %+v", got)
		}
	})
	t.Run("probes lowered below what succeeded close it", func(t *testing.T) {
		t.Parallel()
		b := granted(3)
		b, _ = settings.ProbeResult(b, b.Round, true, at)
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
		b, _ := settings.Grant(halfOpen(t), granted, after(30*time.Second))
		for range succeeded {
			b, _ = settings.ProbeResult(b, b.Round, true, after(31*time.Second))
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
			got, tr := settings.Settle(tt.from, tt.waiting, tt.inFlight, after(tt.at))
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
