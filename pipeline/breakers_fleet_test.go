package pipeline_test

import (
	"sync/atomic"
	"testing"
	"time"

	"redrive/pipeline"
)

// probing answers what is behind the breaker after a while, and counts how many
// calls are under way at once in all processes.
func (f *fleet) probing(takes time.Duration, answer func(pipeline.Call) pipeline.Answer) *atomic.Int64 {
	var flying, most atomic.Int64
	f.answer(func(c pipeline.Call) pipeline.Answer {
		if !behind(call{Call: c}) {
			return ok(c)
		}
		n := flying.Add(1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		defer flying.Add(-1)
		time.Sleep(takes)
		return answer(c)
	})
	return &most
}

// trip opens the breaker with rows waiting behind it.
func (f *fleet) trip() []string {
	f.t.Helper()
	m := f.members[0]
	f.answer(func(c pipeline.Call) pipeline.Answer {
		if behind(call{Call: c}) {
			return broken(c)
		}
		return ok(c)
	})
	ids := m.submit(30)
	m.pass(2 * time.Second)
	for _, m := range f.members {
		if b := m.breaker(); b.State != "open" {
			f.t.Fatalf("the breaker is %s", b.State)
		}
	}
	return ids
}

// slow lets calls take long.
func slow(config func(*world) pipeline.Config) func(*world) pipeline.Config {
	return func(w *world) pipeline.Config {
		c := config(w)
		for i := range c.Pipelines[0].Steps {
			c.Pipelines[0].Steps[i].Timeout = 10 * time.Minute
		}
		return c
	}
}

func TestProbesAreCountedOverAllProcesses(t *testing.T) {
	newFleet(t, 3, slow(guarded), func(t *testing.T, f *fleet) {
		ids := f.trip()
		most := f.probing(2*time.Minute, ok) // longer than a slot is waited for
		before := len(f.calls(behind))
		f.until(2*time.Minute + 20*time.Second)
		if n := len(f.calls(behind)) - before; n != 3 || most.Load() != 3 {
			t.Errorf("%d probes, %d at once, want 3", n, most.Load())
		}
		if b := f.members[0].breaker(); b.State != "half-open" || b.Granted != 3 {
			t.Errorf("with three slow probes out it is %s, %d granted", b.State, b.Granted)
		}
		f.until(2*time.Minute + 45*time.Second)
		for _, m := range f.members {
			if b := m.breaker(); b.State != "closed" || len(b.Probed) != 3 {
				t.Errorf("after they succeeded it is %s, %d probes", b.State, len(b.Probed))
			}
		}
		f.answer(ok)
		f.until(5 * time.Minute)
		f.members[0].wantStatus(pipeline.StatusDone, ids...)
	})
}

// One probe is back and nothing else waits: while another process makes one,
// the round is not over.
func TestARoundWaitsForTheProbesOfOthers(t *testing.T) {
	newFleet(t, 2, slow(guarded), func(t *testing.T, f *fleet) {
		a, b := f.members[0], f.members[1]
		must(a.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: "open", Reason: "x"}))(t)
		a.pass(2 * time.Second)
		a.submit(1)
		a.pass(2 * time.Second)
		f.answer(func(c pipeline.Call) pipeline.Answer {
			if c.Step == "notify" {
				time.Sleep(3 * time.Minute)
			}
			return ok(c)
		})
		must(b.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: "half-open", Reason: "x"}))(t)
		a.pass(2 * time.Minute)
		for _, m := range f.members {
			if b := m.breaker(); b.State != "half-open" || b.Granted != 2 {
				t.Errorf("with a probe out it is %s, %d granted", b.State, b.Granted)
			}
		}
		a.pass(2 * time.Minute)
		if b := b.breaker(); b.State != "closed" {
			t.Errorf("with both back it is %s", b.State)
		}
	})
}

func TestAProbeOfADeadProcessIsGivenBack(t *testing.T) {
	newFleet(t, 2, slow(guarded), func(t *testing.T, f *fleet) {
		ids := f.trip()
		a, b := f.members[0], f.members[1]
		f.probing(9*time.Minute, ok)
		f.until(40 * time.Second)
		dead, other := a, b
		if len(a.made(behind)) == 0 {
			dead, other = b, a
		}
		f.answer(ok)
		out := dead.breaker().Granted
		dead.kill()
		f.until(45 * time.Second)
		if got := other.breaker(); got.State != "half-open" || got.Granted != out {
			t.Errorf("before anybody can know: %s, %d granted", got.State, got.Granted)
		}
		f.until(10 * time.Minute)
		if got := other.breaker(); got.State != "closed" {
			t.Errorf("it stayed %s with %d granted", got.State, got.Granted)
		}
		other.wantStatus(pipeline.StatusDone, ids...)
	})
}

func TestWhatOperatorsSetIsSeenByAllWithinTwoSeconds(t *testing.T) {
	newFleet(t, 2, guarded, func(t *testing.T, f *fleet) {
		a, b := f.members[0], f.members[1]
		for _, state := range []string{"open", "half-open", "closed"} {
			a.pass(777 * time.Millisecond)
			must(a.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: state, Reason: "x"}))(t)
			within(t, 2*time.Second, state, func() bool { return b.breaker().State == state })
		}
		paused, rate, off := true, 3.0, false
		must(a.engine.Steps.Change(t.Context(), "p", "index", pipeline.StepChange{Paused: &paused, Rate: &rate, Reason: "x"}))(t)
		within(t, 2*time.Second, "paused", func() bool {
			s := must(b.engine.Steps.Get(t.Context(), "p", "index"))(t).Settings
			return s.Paused && s.Rate == 3
		})
		after := 5 * time.Minute
		must(a.engine.Sweeps.SetSchedule(t.Context(), pipeline.ScheduleChange{StuckAfter: &after, Enabled: &off, Reason: "x"}))(t)
		within(t, 2*time.Second, "the schedule", func() bool {
			s := must(b.engine.Sweeps.Schedule(t.Context()))(t)
			return !s.Enabled && s.StuckAfter == after
		})
		a.submit(5)
		a.pass(5 * time.Second)
		if n := len(f.calls(at("index"))); n != 0 {
			t.Errorf("a step paused in one process was called %d times", n)
		}
	})
}

// An open breaker stops the calls of every process, and their windows add up:
// none of the four sees enough calls to judge alone.
func TestFailuresOfAllProcessesOpenABreaker(t *testing.T) {
	one := func(w *world) pipeline.Config {
		c := guarded(w)
		c.Breakers[0].MinimumCalls = 20
		c.Pipelines[0].Steps = []pipeline.Step{w.step("index")}
		c.Pipelines[0].Steps[0].Breaker, c.Pipelines[0].Steps[0].Concurrency = "downstream", 1
		return c
	}
	newFleet(t, 4, one, func(t *testing.T, f *fleet) {
		f.answer(func(c pipeline.Call) pipeline.Answer { time.Sleep(3 * time.Second); return broken(c) })
		f.members[0].submit(60)
		f.until(17 * time.Second)
		for _, m := range f.members {
			if n := len(m.made(at("index"))); n >= 20 {
				t.Fatalf("one process alone made %d calls", n)
			}
		}
		f.until(30 * time.Second)
		n := len(f.calls(at("index")))
		for _, m := range f.members {
			if b := m.breaker(); b.State != "open" {
				t.Errorf("after %d failed calls it is %s, %d of them counted", n, b.State, b.Calls)
			}
		}
		if n > 32 {
			t.Errorf("%d calls before it opened at 20", n)
		}
	})
}
