package pipeline_test

import (
	"errors"
	"testing"
	"time"

	"redrive/pipeline"
)

// die sends n rows of which index dies, and waits until all are dead.
func (w *world) die(n int) []string {
	w.t.Helper()
	w.answer(func(c pipeline.Call) pipeline.Answer {
		if c.Step == "index" {
			return pipeline.Answer{Kind: pipeline.AnswerPermanent, StatusCode: 422, Error: "422 no such index " + c.Row}
		}
		return ok(c)
	})
	ids := w.submit(n)
	w.pass(10 * time.Second)
	w.wantStatus(pipeline.StatusDead, ids...)
	return ids
}

func (w *world) start(req pipeline.OperationRequest) pipeline.Operation {
	w.t.Helper()
	req.Pipeline, req.Reason = "p", "mended"
	return must(w.engine.Operations.Start(w.t.Context(), req))(w.t)
}

func (w *world) operation(id string) pipeline.Operation {
	w.t.Helper()
	return must(w.engine.Operations.Get(w.t.Context(), id))(w.t)
}

func TestRedriveTellsWhatCameBack(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		ids := w.die(30)
		bad := map[string]bool{ids[3]: true, ids[17]: true}
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if c.Step == "index" && bad[c.Row] {
				return pipeline.Answer{Kind: pipeline.AnswerPermanent, StatusCode: 410, Error: "410 gone"}
			}
			return ok(c)
		})
		groups := must(w.engine.Letters.Groups(t.Context(), "p", "index"))(t)
		if len(groups) != 1 || groups[0].Count != 30 {
			t.Fatalf("groups = %+v", groups)
		}
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{Group: groups[0].Group}})
		if op.Matched != 30 || op.Eligible != 30 || len(op.Skipped) != 0 {
			t.Errorf("started as %+v", op)
		}
		w.pass(10 * time.Second)
		op = w.operation(op.ID)
		if op.State != pipeline.OpDone || op.Moved != 30 || op.Succeeded != 28 || op.FailedAgain != 2 {
			t.Errorf("ended as %+v", op)
		}
		for _, id := range ids {
			if bad[id] {
				w.wantStatus(pipeline.StatusDead, id)
				continue
			}
			w.wantStatus(pipeline.StatusDone, id)
			if f, _ := ptr(w.row(id)).Flag("index"); f.Attempts != 2 {
				t.Errorf("attempts count on through redrives: %d", f.Attempts)
			}
		}
	})
}

func ptr[T any](v T) *T { return &v }

func TestRedriveSelectors(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		ids := w.die(10)
		letters, total, err := w.engine.Letters.List(t.Context(), pipeline.LetterFilter{Limit: 50})
		if err != nil || total != 10 {
			t.Fatal(total, err)
		}
		three := []string{letters.Items[0].ID, letters.Items[1].ID, letters.Items[2].ID}
		for name, tt := range map[string]struct {
			sel               pipeline.Selector
			matched, eligible int64
		}{
			"ids":                {pipeline.Selector{IDs: three}, 3, 3},
			"ids, one unknown":   {pipeline.Selector{IDs: append([]string{"nothing"}, three...)}, 4, 3},
			"ids, one twice":     {pipeline.Selector{IDs: append([]string{three[0]}, three...)}, 3, 3},
			"a query":            {pipeline.Selector{Query: ids[4]}, 1, 1},
			"all":                {pipeline.Selector{All: true}, 10, 10},
			"all at a step":      {pipeline.Selector{All: true, Step: "index"}, 10, 10},
			"all at another one": {pipeline.Selector{All: true, Step: "notify"}, 0, 0},
			"a query for none":   {pipeline.Selector{Query: "zebra"}, 0, 0},
		} {
			tt.sel.Pipeline = "p"
			op := must(w.engine.Operations.Start(t.Context(), pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: tt.sel, DryRun: true}))(t)
			var skipped int64
			for _, s := range op.Skipped {
				skipped += s.Count
			}
			if op.Matched != tt.matched || op.Eligible != tt.eligible || op.Matched != op.Eligible+skipped || op.ID != "" {
				t.Errorf("%s: %+v", name, op)
			}
		}
		for name, sel := range map[string]pipeline.Selector{"none": {}, "two": {All: true, Query: "x"}, "no ids": {IDs: []string{}}} {
			sel.Pipeline = "p"
			if _, err := w.engine.Operations.Start(t.Context(), pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: sel, Reason: "x"}); !errors.Is(err, pipeline.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestRedriveRatePauseCancel(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.die(60)
		w.answer(ok)
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}, Rate: 2})
		w.pass(10 * time.Second)
		if got := w.operation(op.ID); got.Moved < 18 || got.Moved > 22 {
			t.Errorf("%d moved in 10 s at 2 a second", got.Moved)
		}
		must(w.engine.Operations.Pause(t.Context(), op.ID, "lunch"))(t)
		w.pass(time.Second)
		before := w.operation(op.ID).Moved
		w.pass(time.Minute)
		if got := w.operation(op.ID); got.Moved != before || got.State != pipeline.OpPaused {
			t.Errorf("paused: %d moved, %s", got.Moved-before, got.State)
		}
		faster := 10.0
		must(w.engine.Operations.Resume(t.Context(), op.ID, &faster, "back"))(t)
		w.pass(2 * time.Second)
		must(w.engine.Operations.Cancel(t.Context(), op.ID, "enough"))(t)
		w.pass(10 * time.Second)
		got := w.operation(op.ID)
		if got.State != pipeline.OpCancelled || got.Moved < before+15 || got.Moved > before+25 || got.FinishedAt.IsZero() {
			t.Errorf("cancelled: %+v", got)
		}
		_, total, err := w.engine.Letters.List(t.Context(), pipeline.LetterFilter{Limit: 1})
		if err != nil || total != 60-got.Moved {
			t.Errorf("%d letters left of 60 after %d moves: %v", total, got.Moved, err)
		}
	})
}

func TestRedriveIsHeldBehindAnOpenBreaker(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		ids := w.die(5)
		must(w.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: "open", For: time.Hour, Reason: "maintenance"}))(t)
		w.answer(ok)
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}})
		w.pass(5 * time.Minute)
		if got := w.operation(op.ID); got.State != pipeline.OpHeld || got.HeldBy != "downstream" || got.Moved != 0 {
			t.Fatalf("behind an open breaker: %+v", got)
		}
		must(w.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: "closed", Reason: "done"}))(t)
		w.pass(10 * time.Second)
		if got := w.operation(op.ID); got.State != pipeline.OpDone || got.Succeeded != 5 {
			t.Errorf("after it closed: %+v", got)
		}
		w.wantStatus(pipeline.StatusDone, ids...)
	})
}

// What matches is frozen: rows that die during a redrive are not part of it.
func TestRedriveIsFrozen(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.die(10)
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}, Rate: 1})
		w.pass(2 * time.Second)
		w.submit(5) // die while it runs, and those redriven die again
		w.pass(2 * time.Minute)
		got := w.operation(op.ID)
		if got.State != pipeline.OpDone || got.Moved != 10 || got.FailedAgain != 10 {
			t.Errorf("a redrive into a broken step went round: %+v", got)
		}
	})
}

func TestDiscardAndTakeBack(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		ids := w.die(12)
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpDiscard, Selector: pipeline.Selector{All: true}})
		w.pass(5 * time.Second)
		w.wantStatus(pipeline.StatusDiscarded, ids...)
		if got := w.operation(op.ID); got.State != pipeline.OpDone || got.Moved != 12 {
			t.Errorf("discard = %+v", got)
		}
		if _, total, err := w.engine.Letters.List(t.Context(), pipeline.LetterFilter{Limit: 1}); err != nil || total != 0 {
			t.Errorf("%d letters are listed after the discard, %v", total, err)
		}
		back := must(w.engine.Operations.Restore(t.Context(), op.ID, "a mistake"))(t)
		w.pass(5 * time.Second)
		w.wantStatus(pipeline.StatusDead, ids...)
		if got := w.operation(back.ID); got.State != pipeline.OpDone || got.Moved != 12 {
			t.Errorf("restore = %+v", got)
		}
		if got := w.operation(op.ID); got.RestoredBy != back.ID {
			t.Errorf("the discard does not say that it was taken back: %+v", got)
		}
	})
}

func TestEvictTheOldest(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		yes := true
		must(w.engine.Steps.Change(t.Context(), "p", "index", pipeline.StepChange{Paused: &yes}))(t)
		old := w.submit(6)
		w.pass(time.Minute)
		young := w.submit(6)
		w.pass(time.Second)
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpDiscard, Selector: pipeline.Selector{Step: "index", Oldest: 4}})
		w.pass(5 * time.Second)
		w.wantStatus(pipeline.StatusDiscarded, old[:4]...)
		w.wantStatus(pipeline.StatusInProgress, append(old[4:], young...)...)
		if got := w.operation(op.ID); got.Moved != 4 || got.State != pipeline.OpDone {
			t.Errorf("evict = %+v", got)
		}
		w.start(pipeline.OperationRequest{Kind: pipeline.OpDiscard, Selector: pipeline.Selector{Step: "index", OlderThan: 30 * time.Second}})
		w.pass(5 * time.Second)
		w.wantStatus(pipeline.StatusDiscarded, old...)
		w.wantStatus(pipeline.StatusInProgress, young...)
	})
}

func TestReplayOfAWindow(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		early := w.die(3)
		w.pass(time.Minute)
		since := time.Now()
		w.pass(time.Second)
		late := w.die(3)
		w.answer(ok)
		good := w.submit(2)
		w.pass(10 * time.Second)
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpReplay, Selector: pipeline.Selector{Since: since}})
		if op.Matched != 5 || op.Eligible != 3 {
			t.Errorf("matched %d, eligible %d: %+v", op.Matched, op.Eligible, op.Skipped)
		}
		w.pass(10 * time.Second)
		w.wantStatus(pipeline.StatusDone, append(late, good...)...)
		w.wantStatus(pipeline.StatusDead, early...)
		if got := w.operation(op.ID); got.State != pipeline.OpDone || got.Succeeded != 3 {
			t.Errorf("replay = %+v", got)
		}
		for _, id := range good {
			if n := len(w.made(func(c call) bool { return c.Row == id })); n != 4 {
				t.Errorf("a processed row was called %d times", n)
			}
		}
	})
}

func TestOperationGoesOnAfterARestart(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		ids := w.die(40)
		w.answer(ok)
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}, Rate: 2})
		for range 3 {
			w.pass(3 * time.Second)
			w.restart(nil)
		}
		w.pass(time.Minute)
		if got := w.operation(op.ID); got.State != pipeline.OpDone || got.Moved != 40 || got.Succeeded != 40 {
			t.Errorf("after three restarts: %+v", got)
		}
		w.wantStatus(pipeline.StatusDone, ids...)
		for _, id := range ids {
			if n := len(w.made(func(c call) bool { return c.Row == id && c.Step == "index" })); n != 2 {
				t.Errorf("row %s was called %d times at index", id, n)
			}
		}
	})
}

// Letters that leave while a redrive runs are accounted for.
func TestRedriveTellsWhatWasGone(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.die(6)
		w.answer(ok)
		letters, _, err := w.engine.Letters.List(t.Context(), pipeline.LetterFilter{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		op := w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}, Rate: 1})
		w.pass(1500 * time.Millisecond)
		must(w.engine.Rows.Discard(t.Context(), letters.Items[0].Row, "a test order"))(t)
		w.pass(20 * time.Second)
		got := w.operation(op.ID)
		if got.State != pipeline.OpDone || got.Moved != 5 || len(got.Skipped) != 1 || got.Skipped[0].Count != 1 {
			t.Errorf("redrive = %+v", got)
		}
	})
}
