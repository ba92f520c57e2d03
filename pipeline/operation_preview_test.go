package pipeline_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
)

// What somebody looked at is what is done, or nothing: neither letters that came
// since, nor another selection, nor fewer letters under the same name.
func TestOperationIsWhatWasPreviewed(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.die(5)
		all := pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{Pipeline: "p", All: true}, Reason: "x"}
		plan := all
		plan.DryRun = true
		seen := must(w.engine.Operations.Start(t.Context(), plan))(t)
		if seen.Matched != 5 || seen.Preview() == "" {
			t.Fatalf("plan = %+v", seen)
		}
		more := w.die(2)
		refuse := func(what string, req pipeline.OperationRequest, code pipeline.Code) {
			t.Helper()
			var e *pipeline.Error
			if op, err := w.engine.Operations.Start(t.Context(), req); !errors.As(err, &e) || e.Code != code || op.ID != "" {
				t.Errorf("%s: %+v, %v", what, op, err)
			}
		}
		all.Previewed = seen.Preview()
		other := all
		other.All, other.Query = false, "5"
		refuse("another selection", other, pipeline.CodeConflict)
		other = all
		other.Step = "index"
		refuse("a narrower selection", other, pipeline.CodeConflict)
		for _, text := range []string{"5", "x.5.a.0.", strings.Repeat("1", 400), "....", "5.5.a.0"} {
			other = all
			other.Previewed = text
			refuse("a plan "+text, other, pipeline.CodeInvalid)
		}
		w.answer(ok)
		again := all
		again.DryRun = true
		if op := must(w.engine.Operations.Start(t.Context(), again))(t); op.Matched != 5 {
			t.Errorf("held against the plan it is about %d", op.Matched)
		}
		op := must(w.engine.Operations.Start(t.Context(), all))(t)
		w.pass(time.Minute)
		if op = w.operation(op.ID); op.Matched != 5 || op.Moved != 5 || op.State != pipeline.OpDone {
			t.Errorf("operation = %+v", op)
		}
		w.wantStatus(pipeline.StatusDead, more...)
		refuse("the same once more", all, pipeline.CodeConflict)
	})
}

// A replay is about the rows of its plan: those that came since are no part of
// it, and one that runs meanwhile is not run twice.
func TestReplayIsWhatWasPreviewed(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.die(4)
		window := pipeline.OperationRequest{Kind: pipeline.OpReplay, Selector: pipeline.Selector{Pipeline: "p"}, Reason: "x"}
		plan := window
		plan.DryRun = true
		seen := must(w.engine.Operations.Start(t.Context(), plan))(t)
		w.pass(time.Second)
		more := w.die(3)
		window.Previewed = seen.Preview()
		other := window
		other.Since = time.Now().Add(-time.Hour)
		var e *pipeline.Error
		if _, err := w.engine.Operations.Start(t.Context(), other); !errors.As(err, &e) || e.Code != pipeline.CodeConflict {
			t.Errorf("another window: %v", err)
		}
		w.answer(ok)
		op := must(w.engine.Operations.Start(t.Context(), window))(t)
		w.pass(time.Minute)
		if op = w.operation(op.ID); op.Matched != 4 || op.Moved != 4 {
			t.Errorf("operation = %+v", op)
		}
		w.wantStatus(pipeline.StatusDead, more...)
	})
}
