package aws

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
)

// TestTwoProcessesOnOneTable work off a hundred rows together, each step of each
// row once.
func TestTwoProcessesOnOneTable(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{false, true} {
		t.Run(map[bool]string{true: "with claims", false: "without"}[exclusive], func(t *testing.T) {
			w := newWorks(t)
			w.strict, w.exclusive, w.lease = true, exclusive, time.Minute
			first, second := w.start().ready(), w.start().ready()
			var both sync.WaitGroup
			for _, m := range []*machine{first, second} {
				both.Go(func() {
					for range 5 {
						m.submit(10)
					}
				})
			}
			both.Wait()
			w.within(time.Minute, "twenty rows are dead", func() bool { return first.letters() == 20 })
			w.down.change(func(l *ledger) { l.mended = true })
			second.redriveAll()
			w.reconcile(leeway{})
			w.bothWorked()
		})
	}
}

// bothWorked looks into the attempts for who made them.
func (w *works) bothWorked() {
	w.t.Helper()
	s := w.aside(w.emulators, w.newWire())
	by := map[string]int{}
	for _, r := range w.rows(s) {
		for _, f := range r.Steps {
			by[f.Worker]++
		}
	}
	if len(by) < 2 {
		w.t.Errorf("steps were done by %v", by)
	}
}

// TestABreakerIsSeenByAll: opened by what one process calls, or forced in one, it
// is known to the other within two seconds.
func TestABreakerIsSeenByAll(t *testing.T) {
	w := newWorks(t)
	w.shape = func(c *pipeline.Config) {
		c.Breakers = []pipeline.BreakerConfig{{Name: "bank", FailureRate: 0.5, MinimumCalls: 5, Window: time.Minute, OpenFor: time.Hour, Probes: 1}}
		c.Pipelines[0].Steps[1].Breaker = "bank"
		c.Pipelines[0].Steps[1].Retry.Attempts = 0
	}
	w.down.script = func(c pipeline.Call, _ int) pipeline.Answer {
		if c.Step == "bill" && !w.down.isMended() {
			return pipeline.Answer{Kind: pipeline.AnswerTransient, StatusCode: 503, Error: "503 from the bank"}
		}
		return pipeline.Answer{StatusCode: 200}
	}
	first, second := w.start().ready(), w.start().ready()
	first.submit(8)
	opened := w.sawState("open", first, second)
	w.wantSoon("open", opened)

	calls := w.calls("bill")
	time.Sleep(2 * time.Second)
	if more := w.calls("bill"); more != calls {
		t.Errorf("%d calls were made behind an open breaker", more-calls)
	}
	w.down.change(func(l *ledger) { l.mended = true })
	for _, force := range []struct{ to, seen string }{{"closed", "closed"}, {"open", "open"}, {"closed", "closed"}} {
		if _, err := first.engine.Breakers.Force(t.Context(), "bank", pipeline.ForceRequest{State: force.to, Reason: "a test"}); err != nil {
			t.Fatal(err)
		}
		w.wantSoon(force.seen, w.sawState(force.seen, first, second))
	}
	w.reconcile(leeway{})
}

func (w *works) calls(step string) (n int) {
	w.down.mu.Lock()
	defer w.down.mu.Unlock()
	for key, e := range w.down.of {
		if key.step == step {
			n += e.calls
		}
	}
	return n
}

// sawState is when each process saw the breaker in a state. How long the table
// took to answer meanwhile is kept: on a busy machine nobody sees anything sooner.
func (w *works) sawState(state string, of ...*machine) []time.Time {
	w.t.Helper()
	at := make([]time.Time, len(of))
	var all sync.WaitGroup
	for i, m := range of {
		all.Go(func() {
			for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				if b, err := m.engine.Breakers.Get(w.t.Context(), "bank"); err == nil && b.State == state {
					at[i] = time.Now()
					return
				}
				asked := time.Now()
				_, _ = m.store.table.get(w.t.Context(), countersPK, "nothing", true)
				w.mu.Lock()
				w.slowest = max(w.slowest, time.Since(asked))
				w.mu.Unlock()
			}
		})
	}
	all.Wait()
	return at
}

func (w *works) wantSoon(what string, at []time.Time) {
	w.t.Helper()
	within := 2*time.Second + 4*w.slowest
	if apart := at[0].Sub(at[1]).Abs(); at[0].IsZero() || at[1].IsZero() || apart > within {
		w.t.Errorf("%s was seen %s apart, more than %s: %v", what, apart, within, at)
	}
}

// TestASlotOfTheSweepRunsOnce, whichever of the processes runs it.
func TestASlotOfTheSweepRunsOnce(t *testing.T) {
	w := newWorks(t)
	w.shape = sweepOften
	began := time.Now().Truncate(sweepEach)
	first := w.start().ready()
	w.start().ready()
	w.start().ready()
	first.submit(3)
	var sweeps []pipeline.Sweep
	w.within(10*time.Second, "four slots were swept", func() bool {
		page, err := first.engine.Sweeps.List(t.Context(), "", 100)
		sweeps = page.Items
		return err == nil && len(sweeps) >= 4
	})
	if slots := int(time.Since(began) / sweepEach); len(sweeps) > slots {
		t.Errorf("%d sweeps ran in %d slots: %+v", len(sweeps), slots, sweeps)
	}
	w.reconcile(leeway{})
}

// TestARateHoldsOverAllProcesses, once they know of each other.
func TestARateHoldsOverAllProcesses(t *testing.T) {
	const rate, rows = 10, 60
	w := newWorks(t)
	w.shape = func(c *pipeline.Config) { c.Pipelines[0].Steps[0].Rate = rate }
	first, second := w.start().ready(), w.start().ready()
	var mu sync.Mutex
	var at []time.Time
	w.down.script = func(c pipeline.Call, _ int) pipeline.Answer {
		if c.Step == "check" {
			mu.Lock()
			at = append(at, time.Now())
			mu.Unlock()
		}
		return pipeline.Answer{StatusCode: 200}
	}
	first.submit(rows / 2)
	second.submit(rows / 2)
	w.finished(leeway{})
	slices.SortFunc(at, time.Time.Compare)
	for i := range at {
		if j := i + rate + rate/2; j < len(at) && at[j].Sub(at[i]) < time.Second {
			t.Errorf("%d calls in %s", j-i+1, at[j].Sub(at[i]))
			break
		}
	}
	if took := at[len(at)-1].Sub(at[0]); took < (rows-2*rate)*time.Second/rate || len(at) != rows {
		t.Error(fmt.Sprint(len(at), " calls in ", took))
	}
	w.reconcile(leeway{})
}
