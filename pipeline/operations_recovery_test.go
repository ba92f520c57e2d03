package pipeline_test

import (
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline"
)

func TestOperationGoesOnAfterAFailedStart(t *testing.T) {
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

func TestEvictTakesNoMoreAfterAFailedWrite(t *testing.T) {
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

func TestReplayCountsOnceAfterAFailedWrite(t *testing.T) {
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

func TestResumedIsNoLongerHeld(t *testing.T) {
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

func TestPauseWhileItMovesLosesNoCount(t *testing.T) {
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

func TestEvictTakesMoreThanASlice(t *testing.T) {
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

func TestOperationStartedWhileItDrains(t *testing.T) {
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

func TestRedriveIsHeldInTheMiddle(t *testing.T) {
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

func TestOperationsAlwaysEnd(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		ids := w.die(6)
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if c.Step == "index" && c.Attempt < 4 {
				return pipeline.Answer{Kind: pipeline.AnswerThrottled, RetryAfter: time.Minute}
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
		w.pass(6 * time.Minute)
		for _, op := range []pipeline.Operation{w.operation(a.ID), w.operation(b.ID), w.operation(c.ID)} {
			if !op.State.Final() || op.Pending() != 0 {
				t.Errorf("operation = %+v", op)
			}
		}
		w.wantStatus(pipeline.StatusDone, ids[1:]...)
	})
}
