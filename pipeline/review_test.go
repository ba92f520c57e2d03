package pipeline_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline"
)

// flaky is a record store that fails when its test says so.
type flaky struct {
	pipeline.RecordStore
	mu   sync.Mutex
	fail func(method, kind string) bool
}

var errDown = &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the store is down"}

func (f *flaky) fails(method, kind string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fail != nil && f.fail(method, kind)
}

func (f *flaky) when(fail func(method, kind string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *flaky) Get(ctx context.Context, kind, id string) (pipeline.Record, error) {
	if f.fails("Get", kind) {
		return pipeline.Record{}, errDown
	}
	return f.RecordStore.Get(ctx, kind, id)
}

func (f *flaky) List(ctx context.Context, kind, cursor string, limit int) (pipeline.Page[pipeline.Record], error) {
	if f.fails("List", kind) {
		return pipeline.Page[pipeline.Record]{}, errDown
	}
	return f.RecordStore.List(ctx, kind, cursor, limit)
}

func (f *flaky) Put(ctx context.Context, entry *pipeline.Entry, records ...pipeline.Record) error {
	for _, r := range records {
		if f.fails("Put", r.Kind) {
			return errDown
		}
	}
	return f.RecordStore.Put(ctx, entry, records...)
}

func withFlaky(f *flaky, config func(*world) pipeline.Config) func(*world) pipeline.Config {
	return func(w *world) pipeline.Config {
		w.wrap = func(b pipeline.Backend) pipeline.Backend {
			f.RecordStore = b.Records
			b.Records = f
			return b
		}
		return config(w)
	}
}

// nth fails the n-th call of a method for a kind.
func nth(n int, method, kind string) func(string, string) bool {
	return func(m, k string) bool {
		if m == method && k == kind {
			n--
			return n == 0
		}
		return false
	}
}

func TestReviewNotReadyWhileItDrains(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.hang = "validate"
		w.submit(1)
		w.pass(time.Second)
		if err := w.engine.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.stop()
		synctest.Wait()
		if w.engine.Ready(t.Context()) == nil {
			t.Error("ready while it ends")
		}
	})
}

func TestReviewOperationsFoundAfterAStoreDownAtStart(t *testing.T) {
	f := &flaky{}
	newWorld(t, withFlaky(f, diamond), func(t *testing.T, w *world) {
		w.die(10)
		w.answer(ok)
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}, Rate: 0.5})
		w.pass(5 * time.Second)
		w.close()
		f.when(nth(1, "List", "operation"))
		w.open()
		w.pass(time.Minute)
		if op = w.operation(op.ID); op.State != pipeline.OpDone || op.Moved != 10 {
			t.Errorf("operation = %+v", op)
		}
	})
}

func TestReviewSlotNotMissed(t *testing.T) {
	f := &flaky{}
	enabled := func(w *world) pipeline.Config {
		c := diamond(w)
		c.Sweep.Enabled = true
		return c
	}
	newWorld(t, withFlaky(f, enabled), func(t *testing.T, w *world) {
		w.pass(59*time.Minute + 58*time.Second)
		f.when(func(_, kind string) bool { return kind == "sweep-settings" || kind == "sweep-slot" })
		w.pass(10 * time.Second)
		f.when(nil)
		w.pass(10 * time.Second)
		if page := must(w.engine.Sweeps.List(t.Context(), "", 50))(t); len(page.Items) != 1 {
			t.Errorf("%d sweeps", len(page.Items))
		}
		w.pass(time.Hour)
		if page := must(w.engine.Sweeps.List(t.Context(), "", 50))(t); len(page.Items) != 2 {
			t.Errorf("%d sweeps", len(page.Items))
		}
	})
}

func TestReviewSweepEndsInTheStore(t *testing.T) {
	f := &flaky{}
	newWorld(t, withFlaky(f, diamond), func(t *testing.T, w *world) {
		f.when(nth(3, "Put", "sweep"))
		if s := w.sweep(false); s.State != pipeline.SweepDone {
			w.pass(time.Minute)
			if s := must(w.engine.Sweeps.Get(t.Context(), s.ID))(t); s.State == pipeline.SweepRunning {
				t.Errorf("sweep = %+v", s)
			}
		}
	})
}

func TestReviewStuckRowsByPipeline(t *testing.T) {
	config := func(w *world) pipeline.Config {
		c := diamond(w)
		c.Alarms = []pipeline.AlarmConfig{{Name: "stuck", Metric: pipeline.MetricStuckRows, Dimensions: pipeline.Dimensions{Pipeline: "p"}, Statistic: "max",
			Comparison: ">=", Threshold: 1, Period: time.Minute, Periods: 1, Datapoints: 1, Missing: "not_breaching"}}
		return c
	}
	newWorld(t, config, func(t *testing.T, w *world) {
		w.lose(3)
		w.pass(2 * time.Minute)
		w.sweep(false)
		w.pass(5 * time.Second)
		if a := w.alarm("stuck"); a.State != pipeline.AlarmOn {
			t.Errorf("alarm = %+v", a.AlarmView)
		}
	})
}

func TestReviewDiscardOldestTakesNoMore(t *testing.T) {
	f := &flaky{}
	newWorld(t, withFlaky(f, diamond), func(t *testing.T, w *world) {
		yes := true
		must(w.engine.Steps.Change(t.Context(), "p", "validate", pipeline.StepChange{Paused: &yes}))(t)
		w.submit(30)
		w.pass(time.Second)
		f.when(nth(2, "Put", "operation"))
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpDiscard, Selector: pipeline.Selector{Step: "validate", Oldest: 10}})
		w.pass(10 * time.Second)
		if op = w.operation(op.ID); op.State != pipeline.OpDone || op.Moved != 10 {
			t.Errorf("operation = %+v", op)
		}
		if c := must(w.engine.Counts(t.Context()))(t); c.Rows["p"][pipeline.StatusDiscarded] != 10 {
			t.Errorf("discarded %d", c.Rows["p"][pipeline.StatusDiscarded])
		}
	})
}

func TestReviewReplayCountsOnce(t *testing.T) {
	f := &flaky{}
	newWorld(t, withFlaky(f, diamond), func(t *testing.T, w *world) {
		w.die(3)
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if c.Step == "index" && c.Attempt == 2 {
				return pipeline.Answer{Kind: pipeline.AnswerThrottled, RetryAfter: 20 * time.Second}
			}
			return ok(c)
		})
		f.when(nth(2, "Put", "operation"))
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpReplay})
		w.pass(time.Minute)
		if op = w.operation(op.ID); op.State != pipeline.OpDone || op.Moved != 3 || op.Succeeded != 3 {
			t.Errorf("operation = %+v", op)
		}
	})
}

func TestReviewRecoveryIsToldAfterARestart(t *testing.T) {
	slack := &mailbox{}
	newWorld(t, alarmed(slack, &mailbox{}), func(t *testing.T, w *world) {
		w.die(8)
		w.pass(time.Minute)
		w.close()
		time.Sleep(5 * time.Minute)
		w.open()
		w.answer(ok)
		w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}})
		w.pass(2 * time.Minute)
		told := map[string]int{}
		for _, n := range slack.notices() {
			for _, a := range n.Alarms {
				told[a.Name+" "+a.To]++
			}
		}
		if told["dead-letters alarm"] != 1 || told["dead-letters ok"] != 1 {
			t.Errorf("told %v; history %+v", told, w.alarm("dead-letters").History)
		}
	})
}

func TestReviewLowerRateCountsAtOnce(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.submit(1)
		w.pass(2500 * time.Millisecond)
		rate := 1.0
		must(w.engine.Steps.Change(t.Context(), "p", "validate", pipeline.StepChange{Rate: &rate}))(t)
		before := len(w.made(at("validate")))
		must(w.engine.Intake.SubmitBatch(t.Context(), "p", make([]pipeline.Message, 8)))(t)
		w.pass(100 * time.Millisecond)
		if n := len(w.made(at("validate"))) - before; n > 2 {
			t.Errorf("%d calls in a tenth of a second at one a second", n)
		}
	})
}

func TestReviewResumedIsNotHeld(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		w.die(20)
		w.pass(time.Minute)
		force := func(state string) {
			must(w.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: state, Reason: "x"}))(t)
		}
		force("open")
		w.answer(ok)
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}, Rate: 1})
		if op.State != pipeline.OpHeld {
			t.Fatalf("op = %+v", op)
		}
		must(w.engine.Operations.Pause(t.Context(), op.ID, "x"))(t)
		force("closed")
		w.pass(time.Second)
		must(w.engine.Operations.Resume(t.Context(), op.ID, nil, "x"))(t)
		w.pass(3 * time.Second)
		if op = w.operation(op.ID); op.State != pipeline.OpRunning || op.HeldBy != "" || op.Moved == 0 {
			t.Errorf("op = %+v", op)
		}
	})
}

func TestReviewProbesSurviveAStoreDown(t *testing.T) {
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

func TestReviewPauseWhileItMoves(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		yes := true
		must(w.engine.Steps.Change(t.Context(), "p", "validate", pipeline.StepChange{Paused: &yes}))(t)
		ids := w.submit(500)
		w.pass(time.Second)
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpDiscard, Selector: pipeline.Selector{Step: "validate", OlderThan: time.Nanosecond}})
		for range 20 {
			_, _ = w.engine.Operations.Pause(t.Context(), op.ID, "x")
			_, _ = w.engine.Operations.Resume(t.Context(), op.ID, nil, "x")
		}
		w.pass(10 * time.Second)
		if op = w.operation(op.ID); op.State != pipeline.OpDone || op.Moved != int64(len(ids)) {
			t.Errorf("operation = %+v", op)
		}
		back := must(w.engine.Operations.Restore(t.Context(), op.ID, "x"))(t)
		for range 20 {
			_, _ = w.engine.Operations.Pause(t.Context(), back.ID, "x")
			_, _ = w.engine.Operations.Resume(t.Context(), back.ID, nil, "x")
		}
		w.pass(10 * time.Second)
		if op = w.operation(back.ID); op.State != pipeline.OpDone || op.Moved != int64(len(ids)) {
			t.Errorf("operation = %+v", op)
		}
	})
}

func TestReviewDiscardsMoreThanASlice(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		yes := true
		must(w.engine.Steps.Change(t.Context(), "p", "validate", pipeline.StepChange{Paused: &yes}))(t)
		must(w.engine.Intake.SubmitBatch(t.Context(), "p", make([]pipeline.Message, 450)))(t)
		w.pass(time.Minute)
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpDiscard, Selector: pipeline.Selector{Step: "validate", OlderThan: time.Second}})
		w.pass(10 * time.Second)
		if op = w.operation(op.ID); op.Matched != 450 || op.State != pipeline.OpDone || op.Moved != 450 {
			t.Errorf("operation = %+v", op)
		}
		again := w.start(pipeline.OperationRequest{Kind: pipeline.OpDiscard, Selector: pipeline.Selector{Step: "validate", OlderThan: time.Second}})
		if again.Matched != 0 {
			t.Errorf("discarded rows are discarded again: %+v", again)
		}
	})
}

func TestReviewStartedWhileItDrains(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.die(5)
		w.answer(ok)
		w.hang = "validate"
		w.submit(1)
		w.pass(time.Second)
		w.stop()
		synctest.Wait()
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}})
		w.hang = ""
		w.restart(nil)
		w.pass(time.Minute)
		if op = w.operation(op.ID); op.State != pipeline.OpDone || op.Succeeded != 5 {
			t.Errorf("operation = %+v", op)
		}
	})
}

func TestReviewRecoveryIsToldAfterSilence(t *testing.T) {
	slack := &mailbox{}
	config := func(w *world) pipeline.Config {
		c := alarmed(slack, &mailbox{})(w)
		for i := range c.Alarms {
			c.Alarms[i].Missing = "missing"
		}
		return c
	}
	newWorld(t, config, func(t *testing.T, w *world) {
		w.die(8)
		w.pass(10 * time.Minute)
		w.answer(ok)
		w.submit(50)
		w.pass(2 * time.Minute)
		told := map[string]int{}
		for _, n := range slack.notices() {
			for _, a := range n.Alarms {
				told[a.Name+" "+a.To]++
			}
		}
		if told["errors alarm"] != 1 || told["errors ok"] != 1 {
			t.Errorf("told %v; history %+v", told, w.alarm("errors").History)
		}
	})
}

func TestReviewHeldInTheMiddle(t *testing.T) {
	config := func(w *world) pipeline.Config {
		c := guarded(w)
		c.Pipelines[0].Steps[2].Breaker = ""
		return c
	}
	newWorld(t, config, func(t *testing.T, w *world) {
		dead := func(step string) {
			w.answer(func(c pipeline.Call) pipeline.Answer {
				if c.Step == step {
					return pipeline.Answer{Kind: pipeline.AnswerPermanent, StatusCode: 422, Error: "422 no"}
				}
				return ok(c)
			})
			w.submit(5)
			w.pass(time.Second)
		}
		dead("notify")
		dead("index")
		dead("notify")
		must(w.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: "open", Reason: "x"}))(t)
		w.answer(ok)
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}})
		w.pass(5 * time.Second)
		if op = w.operation(op.ID); op.State != pipeline.OpHeld || op.HeldBy != "downstream" || op.Moved != 5 {
			t.Errorf("operation = %+v", op)
		}
		must(w.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: "closed", Reason: "x"}))(t)
		w.pass(5 * time.Second)
		if op = w.operation(op.ID); op.State != pipeline.OpDone || op.HeldBy != "" || op.Succeeded != 15 {
			t.Errorf("operation = %+v", op)
		}
	})
}

func TestReviewProbeCutOffByTheEnd(t *testing.T) {
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

func TestReviewProbedRowIsDiscarded(t *testing.T) {
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

// A redrive whose rows are discarded, replayed by hand or redriven by another
// still ends.
func TestReviewOperationsAlwaysEnd(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		ids := w.die(6)
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if c.Step == "index" && c.Attempt < 4 {
				return pipeline.Answer{Kind: pipeline.AnswerThrottled, RetryAfter: 10 * time.Minute}
			}
			return ok(c)
		})
		a := w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}})
		w.pass(5 * time.Second)
		must(w.engine.Rows.Discard(t.Context(), ids[0], "x"))(t)
		must(w.engine.Rows.Replay(t.Context(), ids[1], pipeline.ReplayRequest{Step: "index", Downstream: true, Reason: "x"}))(t)
		b := w.start(pipeline.OperationRequest{Kind: pipeline.OpReplay, Selector: pipeline.Selector{Step: "index"}})
		w.pass(5 * time.Second)
		must(w.engine.Operations.Cancel(t.Context(), a.ID, "x"))(t)
		c := w.start(pipeline.OperationRequest{Kind: pipeline.OpReplay})
		w.pass(time.Hour)
		for _, op := range []pipeline.Operation{w.operation(a.ID), w.operation(b.ID), w.operation(c.ID)} {
			if !op.State.Final() || op.Pending() != 0 {
				t.Errorf("operation = %+v", op)
			}
		}
		w.wantStatus(pipeline.StatusDone, ids[1:]...)
	})
}
