package pipeline_test

import (
	"sync/atomic"
	"testing"
	"time"

	"redrive/pipeline"
)

// guarded is a pipeline of two steps behind one breaker.
func guarded(w *world) pipeline.Config {
	c := diamond(w)
	c.Breakers = []pipeline.BreakerConfig{{Name: "downstream", FailureRate: 0.5, MinimumCalls: 4, Window: 30 * time.Second, OpenFor: 30 * time.Second, Probes: 3}}
	c.Pipelines[0].Steps[1].Breaker, c.Pipelines[0].Steps[2].Breaker = "downstream", "downstream"
	return c
}

func (w *world) breaker() pipeline.BreakerDetail {
	w.t.Helper()
	return must(w.engine.Breakers.Get(w.t.Context(), "downstream"))(w.t)
}

func behind(c call) bool { return c.Step == "index" || c.Step == "notify" }

// trip breaks everything behind the breaker until it opens, with many rows
// waiting behind it.
func (w *world) trip() []string {
	w.t.Helper()
	w.answer(func(c pipeline.Call) pipeline.Answer {
		if c.Step == "index" || c.Step == "notify" {
			return broken(c)
		}
		return ok(c)
	})
	ids := w.submit(4)
	w.pass(10 * time.Millisecond)
	if b := w.breaker(); b.State != "open" {
		w.t.Fatalf("the breaker is %s after %d failed calls", b.State, len(w.made(behind)))
	}
	return append(ids, w.submit(20)...)
}

func TestOpenBreakerStopsCallsAndBurnsNothing(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		ids := w.trip()
		before := len(w.made(behind))
		w.pass(25 * time.Second)
		if n := len(w.made(behind)); n != before {
			t.Fatalf("%d calls while the breaker was open", n-before)
		}
		b := w.breaker()
		if b.Waiting != 48 || b.NextProbeAt.IsZero() || len(b.History) != 1 || b.History[0].To != "open" || b.History[0].By != pipeline.Program {
			t.Errorf("breaker = %+v", b)
		}
		w.answer(ok)
		w.pass(2 * time.Minute)
		w.wantStatus(pipeline.StatusDone, ids...)
		if b := w.breaker(); b.State != "closed" || len(b.Probed) != 3 {
			t.Errorf("after the downstream came back: %s, %d probes", b.State, len(b.Probed))
		}
	})
}

func TestHalfOpenLetsOnlyProbesThrough(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		w.trip()
		var flying, most atomic.Int64
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if !behind(call{Call: c}) {
				return ok(c)
			}
			most.Store(max(most.Load(), flying.Add(1)))
			defer flying.Add(-1)
			time.Sleep(3 * time.Second)
			return broken(c)
		})
		before := len(w.made(behind))
		w.pass(32 * time.Second)
		if n := len(w.made(behind)) - before; n != 3 || most.Load() > 3 {
			t.Fatalf("%d probes, %d at once, want 3", n, most.Load())
		}
		w.pass(3 * time.Second)
		if b := w.breaker(); b.State != "open" {
			t.Errorf("after failed probes it is %s", b.State)
		}
	})
}

func TestFewerWaitingThanProbesDecide(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if c.Step == "index" {
				return broken(c)
			}
			return ok(c)
		})
		must(w.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: "open", Reason: "maintenance"}))(t)
		id := w.submit(1)[0]
		w.pass(time.Second)
		w.answer(ok)
		must(w.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: "half-open", Reason: "back"}))(t)
		w.pass(10 * time.Second)
		if b := w.breaker(); b.State != "closed" {
			t.Errorf("two rows were waiting and passed; the breaker is %s", b.State)
		}
		w.wantStatus(pipeline.StatusDone, id)
	})
}

func TestHeldBreakerNeverDrifts(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		ctx := pipeline.WithActor(t.Context(), pipeline.Actor{Name: "ada"})
		must(w.engine.Breakers.Force(ctx, "downstream", pipeline.ForceRequest{State: "open", For: 6 * time.Minute, Reason: "maintenance"}))(t)
		ids := w.submit(5)
		w.pass(3 * time.Minute)
		w.restart(nil)
		w.pass(170 * time.Second)
		b := w.breaker()
		if b.State != "open" || !b.Held || b.HeldBy != "ada" || b.BreakerView.Reason != "maintenance" || len(w.made(behind)) != 0 {
			t.Fatalf("held open: %+v, %d calls", b.BreakerView, len(w.made(behind)))
		}
		w.pass(time.Minute)
		if b := w.breaker(); b.Held || b.State != "closed" {
			t.Errorf("after the hold: %s, held %v", b.State, b.Held)
		}
		w.wantStatus(pipeline.StatusDone, ids...)

		must(w.engine.Breakers.Force(ctx, "downstream", pipeline.ForceRequest{State: "closed", Reason: "let it through"}))(t)
		w.answer(broken)
		w.submit(30)
		w.pass(3 * time.Minute)
		if b := w.breaker(); b.State != "closed" || !b.Held {
			t.Errorf("held closed it went %s", b.State)
		}
	})
}

func TestBreakerSurvivesARestart(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		w.trip()
		before := len(w.made(behind))
		w.restart(nil)
		w.pass(20 * time.Second)
		if b := w.breaker(); b.State != "open" || len(b.History) != 1 || len(w.made(behind)) != before {
			t.Errorf("after a restart it is %s with %d transitions, %d calls", b.State, len(b.History), len(w.made(behind))-before)
		}
	})
}

func TestForceIsAudited(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		ctx := pipeline.WithActor(t.Context(), pipeline.Actor{Name: "ada"})
		must(w.engine.Breakers.Force(ctx, "downstream", pipeline.ForceRequest{State: "half-open", Reason: "looks fine again"}))(t)
		page := must(w.engine.Audit.List(ctx, pipeline.AuditFilter{Action: "breaker.force", Limit: 10}))(t)
		if len(page.Items) != 1 || page.Items[0].Actor != "ada" || page.Items[0].Reason != "looks fine again" || page.Items[0].Object != "breakers/downstream" {
			t.Errorf("audit = %+v", page.Items)
		}
		for name, req := range map[string]pipeline.ForceRequest{
			"no reason": {State: "open"}, "no such state": {State: "ajar", Reason: "x"}, "too long": {State: "open", For: 9000 * time.Hour, Reason: "x"},
		} {
			if _, err := w.engine.Breakers.Force(ctx, "downstream", req); err == nil {
				t.Errorf("%s was taken", name)
			}
		}
	})
}

// A pause while a long poll is under way counts at once.
func TestPauseEndsTheLongPoll(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.pass(time.Second)
		yes := true
		must(w.engine.Steps.Change(t.Context(), "p", "validate", pipeline.StepChange{Paused: &yes}))(t)
		w.pass(time.Millisecond)
		id := w.submit(1)[0]
		w.pass(time.Minute)
		row := w.row(id)
		if len(w.made(at("validate"))) != 0 || row.Status != pipeline.StatusAccepted || row.Steps[0].Attempts != 0 {
			t.Errorf("a paused step took a row: %+v", row.Steps[0])
		}
	})
}

func TestProbesOutliveADownStore(t *testing.T) {
	f := &flaky{}
	newWorld(t, withFlaky(f, guarded), func(t *testing.T, w *world) {
		ids := w.trip()
		w.answer(func(c pipeline.Call) pipeline.Answer {
			time.Sleep(3 * time.Second)
			return ok(c)
		})
		w.pass(31 * time.Second)
		if b := w.breaker(); b.State != "half-open" || b.Granted != 3 {
			t.Fatalf("%+v", b.BreakerView)
		}
		f.when(func(_, kind string) bool { return kind == "breaker" })
		w.pass(20 * time.Second)
		f.when(nil)
		w.pass(2 * time.Minute)
		if b := w.breaker(); b.State != "closed" {
			t.Errorf("%+v", b.BreakerView)
		}
		w.wantStatus(pipeline.StatusDone, ids...)
	})
}

func TestProbeCutOffByTheEndIsGivenBack(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		ids := w.trip()
		w.mu.Lock()
		w.hang = "index"
		w.mu.Unlock()
		w.answer(ok)
		w.pass(33 * time.Second)
		w.mu.Lock()
		w.hang = ""
		w.mu.Unlock()
		w.restart(nil)
		w.pass(2 * time.Minute)
		if b := w.breaker(); b.State != "closed" {
			t.Errorf("%+v", b.BreakerView)
		}
		w.wantStatus(pipeline.StatusDone, ids...)
	})
}

func TestProbeOfADiscardedRowDecides(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		ids := w.trip()
		w.answer(func(c pipeline.Call) pipeline.Answer {
			time.Sleep(2 * time.Second)
			return ok(c)
		})
		w.pass(31 * time.Second)
		if b := w.breaker(); b.State != "half-open" || b.Granted != 3 {
			t.Fatalf("%+v", b.BreakerView)
		}
		for _, id := range ids {
			must(w.engine.Rows.Discard(t.Context(), id, "x"))(t)
		}
		w.pass(time.Minute)
		if b := w.breaker(); b.State != "closed" {
			t.Errorf("%+v", b.BreakerView)
		}
		for _, id := range ids {
			must(w.engine.Rows.Restore(t.Context(), id, "x"))(t)
		}
		w.pass(time.Minute)
		w.wantStatus(pipeline.StatusDone, ids...)
	})
}

// A row that makes no valid request says nothing about the downstream.
func TestProbeWithoutACallDecidesNothing(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		w.trip()
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if behind(call{Call: c}) {
				return pipeline.Answer{Kind: pipeline.AnswerPermanent, Cause: pipeline.CauseRequest, Error: "no call made: no such address"}
			}
			return ok(c)
		})
		w.pass(time.Minute)
		if b := w.breaker(); b.State != "half-open" || len(b.Probed) != 0 || b.Granted != 0 {
			t.Errorf("breaker = %+v with %d probes", b.BreakerView, len(b.Probed))
		}
	})
}

// An address that is not called is no fault of the rows: the breaker opens before
// they have used up their attempts, and holds them until it is called again.
func TestRefusedAddressesOpenTheBreaker(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if behind(call{Call: c}) {
				return pipeline.Answer{Kind: pipeline.AnswerTransient, Cause: pipeline.CauseAddress, Error: "no call made: x stands for 169.254.169.254"}
			}
			return ok(c)
		})
		ids := w.submit(4)
		w.pass(time.Second)
		if b := w.breaker(); b.State != "open" {
			t.Fatalf("the breaker is %s", b.State)
		}
		w.answer(ok)
		w.pass(5 * time.Minute)
		w.wantStatus(pipeline.StatusDone, ids...)
	})
}

// A half-open breaker in front of rows that all wait out a backoff must probe
// with them once it is over.
func TestRetryingRowsAreProbed(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if behind(call{Call: c}) {
				return broken(c)
			}
			return ok(c)
		})
		ids := w.submit(4)
		w.pass(time.Second)
		if b := w.breaker(); b.State != "open" {
			t.Fatalf("the breaker is %s", b.State)
		}
		w.answer(ok)
		w.pass(time.Minute)
		w.wantStatus(pipeline.StatusDone, ids...)
		if b := w.breaker(); b.State != "closed" {
			t.Errorf("it stayed %s", b.State)
		}
	})
}

// The call that opens the breaker is the last one: a freed slot is not used
// before the breaker has heard of the outcome.
func TestTheCallThatOpensIsTheLast(t *testing.T) {
	one := func(w *world) pipeline.Config {
		c := guarded(w)
		c.Pipelines[0].Steps = []pipeline.Step{w.step("index")}
		c.Pipelines[0].Steps[0].Breaker, c.Pipelines[0].Steps[0].Concurrency = "downstream", 1
		return c
	}
	for range 10 {
		newWorld(t, one, func(t *testing.T, w *world) {
			w.answer(broken)
			w.submit(20)
			w.pass(time.Second)
			if n := len(w.made(at("index"))); n != 4 {
				t.Errorf("%d calls, the breaker opens at 4", n)
			}
		})
	}
}
