package pipeline_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/backoff"
)

func TestRowsPassTheGraph(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		ids := w.submit(20)
		w.pass(5 * time.Second)
		w.wantStatus(pipeline.StatusDone, ids...)
		if n := len(w.made(func(call) bool { return true })); n != 80 {
			t.Errorf("%d calls for 20 rows of 4 steps", n)
		}
		for _, id := range ids {
			seen := map[string]bool{}
			for _, c := range w.made(func(c call) bool { return c.Row == id }) {
				switch {
				case c.Step == "archive" && !(seen["index"] && seen["notify"]), c.Step != "validate" && !seen["validate"]:
					t.Errorf("row %s: %s began before what it needs", id, c.Step)
				}
				seen[c.Step] = true
			}
		}
	})
}

func TestRetryWaitsAsThePolicySays(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if c.Step == "index" {
				return broken(c)
			}
			return ok(c)
		})
		id := w.submit(1)[0]
		w.pass(time.Minute)
		w.wantStatus(pipeline.StatusDead, id)
		calls := w.made(at("index"))
		if len(calls) != 3 {
			t.Fatalf("%d calls, want the policy's 3", len(calls))
		}
		for i, want := range []time.Duration{time.Second, 2 * time.Second} {
			if wait := calls[i+1].at.Sub(calls[i].at); wait < want || wait > want+500*time.Millisecond {
				t.Errorf("wait %d was %s, want %s", i+1, wait, want)
			}
		}
		row := w.row(id)
		if len(row.Attempts) != 5 || row.Attempts[0].Outcome != pipeline.AttemptDead || w.state(id, "notify") != pipeline.StateProcessed || w.state(id, "archive") != pipeline.StateWaiting {
			t.Errorf("attempts %+v, flags %+v", row.Attempts, row.Steps)
		}
	})
}

func TestThrottledUsesUpNoAttempt(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		n := 0
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if c.Step == "validate" {
				if n++; n <= 10 {
					return pipeline.Answer{Kind: pipeline.AnswerThrottled, StatusCode: 429, Error: "429", RetryAfter: 3 * time.Second}
				}
			}
			return ok(c)
		})
		id := w.submit(1)[0]
		w.pass(4 * time.Minute)
		w.wantStatus(pipeline.StatusDone, id)
		row := w.row(id)
		if f, _ := row.Flag("validate"); f.Attempts != 11 {
			t.Errorf("%d attempts", f.Attempts)
		}
	})
}

// A slow step must not take the neighbours' speed.
func TestOneDeadStepLeavesItsNeighboursAlone(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if c.Step == "index" {
				time.Sleep(time.Hour)
			}
			return ok(c)
		})
		ids := w.submit(50)
		w.pass(3 * time.Second)
		for _, id := range ids {
			if s := w.state(id, "notify"); s != pipeline.StateProcessed {
				t.Fatalf("notify is %s while index hangs", s)
			}
		}
		if running := len(w.made(at("index"))); running != 8 {
			t.Errorf("index runs %d calls at once, want its concurrency of 8", running)
		}
	})
}

func TestRateHoldsUnderABurst(t *testing.T) {
	config := func(w *world) pipeline.Config {
		c := diamond(w)
		c.Pipelines[0].Steps[0].Rate = 10
		return c
	}
	newWorld(t, config, func(t *testing.T, w *world) {
		w.submit(100)
		w.pass(5 * time.Second)
		if n := len(w.made(at("validate"))); n < 45 || n > 52 {
			t.Errorf("%d calls in 5 s at 10 a second", n)
		}
		v := must(w.engine.Overview(t.Context()))(t)
		step := v.Pipelines[0].Steps[0]
		if !step.Behind || step.DrainIn < 4*time.Second || step.DrainIn > 7*time.Second {
			t.Errorf("behind %v at %.1f arrivals a second, drains in %s", step.Behind, step.Arrivals, step.DrainIn)
		}
	})
}

func TestSettingsWinOverTheFileAndSurvive(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		yes, rate := true, 5.0
		must(w.engine.Steps.Change(pipeline.WithActor(t.Context(), pipeline.Actor{Name: "ada"}), "p", "index", pipeline.StepChange{Paused: &yes, Rate: &rate, Reason: "deploy"}))(t)
		ids := w.submit(3)
		w.pass(time.Minute)
		w.restart(nil)
		w.pass(time.Minute)
		if len(w.made(at("index"))) != 0 {
			t.Fatal("a paused step was called")
		}
		d := must(w.engine.Steps.Get(t.Context(), "p", "index"))(t)
		if !d.Settings.Paused || d.Settings.Rate != 5 || d.ChangedBy != "ada" || d.Configured.Paused {
			t.Errorf("after a restart: %+v by %q", d.Settings, d.ChangedBy)
		}
		must(w.engine.Steps.Change(t.Context(), "p", "index", pipeline.StepChange{Reset: true}))(t)
		w.pass(10 * time.Second)
		w.wantStatus(pipeline.StatusDone, ids...)
	})
}

func TestPipelineChangesUnderWay(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		yes := true
		must(w.engine.Steps.Change(t.Context(), "p", "index", pipeline.StepChange{Paused: &yes}))(t)
		old := w.submit(3)
		w.pass(10 * time.Second)
		// index leaves, audit comes, archive needs other steps than before.
		w.restart(func(w *world) pipeline.Config {
			c := diamond(w)
			c.Pipelines[0].Steps = []pipeline.Step{w.step("validate"), w.step("notify", "validate"), w.step("audit", "validate"), w.step("archive", "notify", "audit")}
			return c
		})
		fresh := w.submit(2)
		w.pass(time.Minute)
		w.wantStatus(pipeline.StatusDone, fresh...)
		w.wantStatus(pipeline.StatusInProgress, old...)
		v := must(w.engine.Overview(t.Context()))(t)
		steps := v.Pipelines[0].Steps
		gone := steps[len(steps)-1]
		if !gone.Gone || gone.Name != "index" || gone.Counts.Queued != 3 {
			t.Errorf("the step that left is shown as %+v", gone)
		}
		if !slices.ContainsFunc(v.Needs, func(n pipeline.Need) bool { return n.Kind == pipeline.NeedGone }) {
			t.Errorf("nobody is told of it: %+v", v.Needs)
		}
		// It comes back: the rows go on with the graph they were accepted with.
		w.restart(diamond)
		must(w.engine.Steps.Change(t.Context(), "p", "index", pipeline.StepChange{Reset: true}))(t)
		w.pass(time.Minute)
		w.wantStatus(pipeline.StatusDone, old...)
		for _, id := range old {
			if n := len(w.made(func(c call) bool { return c.Row == id && c.Step == "audit" })); n != 0 {
				t.Errorf("a row accepted before step audit existed went through it")
			}
		}
	})
}

func TestReplayOfOneRow(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		id := w.submit(1)[0]
		w.pass(5 * time.Second)
		_, err := w.engine.Rows.Replay(t.Context(), id, pipeline.ReplayRequest{Step: "notify", Reason: "again"})
		if !errors.Is(err, pipeline.ErrConflict) {
			t.Fatalf("replaying a processed step: %v", err)
		}
		_, err = w.engine.Rows.Replay(t.Context(), id, pipeline.ReplayRequest{Step: "notify", Force: true})
		if !errors.Is(err, pipeline.ErrInvalid) {
			t.Fatalf("forcing without a reason: %v", err)
		}
		must(w.engine.Rows.Replay(t.Context(), id, pipeline.ReplayRequest{Step: "notify", Force: true, Downstream: true, Reason: "mail was lost"}))(t)
		w.pass(5 * time.Second)
		w.wantStatus(pipeline.StatusDone, id)
		if notify, archive := len(w.made(at("notify"))), len(w.made(at("archive"))); notify != 2 || archive != 2 {
			t.Errorf("notify ran %d times, archive %d", notify, archive)
		}
		if last := w.made(at("notify"))[1]; last.Attempt != 2 {
			t.Errorf("the attempt's number began again: %d", last.Attempt)
		}
	})
}

func TestPanickingCallerIsAnAnswer(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.answer(func(c pipeline.Call) pipeline.Answer {
			if c.Step == "index" {
				panic("nil map")
			}
			return ok(c)
		})
		ids := w.submit(5)
		w.pass(time.Minute)
		w.wantStatus(pipeline.StatusDead, ids...)
		groups := must(w.engine.Letters.Groups(t.Context(), "", ""))(t)
		if len(groups) != 1 || groups[0].Count != 5 || groups[0].Error != "the call panicked: nil map" {
			t.Errorf("groups = %+v", groups)
		}
	})
}

func TestDrainAtTheEnd(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.answer(func(c pipeline.Call) pipeline.Answer { time.Sleep(8 * time.Second); return ok(c) })
		ids := w.submit(3)
		w.pass(time.Second)
		before := time.Now()
		w.restart(nil) // the calls in flight end first
		if took := time.Since(before); took < 6*time.Second || took > 9*time.Second {
			t.Errorf("stopping took %s with calls of 8 s in flight", took)
		}
		for _, id := range ids {
			if s := w.state(id, "validate"); s != pipeline.StateProcessed {
				t.Errorf("the outcome of a call in flight was lost: %s", s)
			}
		}
		w.answer(ok)
		w.pass(time.Minute)
		w.wantStatus(pipeline.StatusDone, ids...)
		if n := len(w.made(at("validate"))); n != 3 {
			t.Errorf("validate was called %d times", n)
		}
	})
}

func TestRetriesForEver(t *testing.T) {
	config := func(w *world) pipeline.Config {
		c := diamond(w)
		c.Pipelines[0].Steps[0].Retry = backoff.Policy{Attempts: 0, Base: time.Second, Cap: 10 * time.Second, Jitter: backoff.Full}
		return c
	}
	newWorld(t, config, func(t *testing.T, w *world) {
		w.answer(broken)
		id := w.submit(1)[0]
		w.pass(20 * time.Minute)
		w.wantStatus(pipeline.StatusInProgress, id)
		n := len(w.made(at("validate")))
		if n < 120 {
			t.Errorf("only %d attempts in 20 minutes with a cap of 10 s", n)
		}
		w.answer(ok)
		w.pass(2 * time.Minute)
		w.wantStatus(pipeline.StatusDone, id)
		if row := w.row(id); len(row.Attempts) < n {
			t.Errorf("%d attempts kept of %d", len(row.Attempts), n)
		}
	})
}

func TestExpiry(t *testing.T) {
	config := func(w *world) pipeline.Config {
		c := diamond(w)
		c.Pipelines[0].Retention = 2 * time.Minute
		return c
	}
	newWorld(t, config, func(t *testing.T, w *world) {
		done := w.submit(2)
		w.pass(5 * time.Second)
		w.answer(broken)
		dead := w.submit(1)
		w.pass(5 * time.Minute)
		for _, id := range done {
			if _, err := w.engine.Rows.Get(t.Context(), id); !errors.Is(err, pipeline.ErrNotFound) {
				t.Errorf("a finished row outlives its retention: %v", err)
			}
		}
		w.wantStatus(pipeline.StatusDead, dead...)
	})
}

func TestSubmitRefuses(t *testing.T) {
	config := func(w *world) pipeline.Config {
		c := diamond(w)
		c.Pipelines[0].Intake.Schema = func(b []byte) error {
			if len(b) > 10 {
				return fmt.Errorf("longer than 10")
			}
			return nil
		}
		return c
	}
	newWorld(t, config, func(t *testing.T, w *world) {
		got, err := w.engine.Intake.Submit(t.Context(), "p", pipeline.Message{Payload: []byte(`{"a":"much longer"}`)})
		var perr *pipeline.Error
		if !errors.As(err, &perr) || perr.Code != pipeline.CodeRejected || got.ID == "" {
			t.Fatalf("%+v, %v", got, err)
		}
		w.pass(time.Minute)
		w.wantStatus(pipeline.StatusRejected, got.ID)
		if len(w.made(func(call) bool { return true })) != 0 {
			t.Error("a rejected row was run")
		}
		if _, err := w.engine.Intake.Submit(t.Context(), "nobody", pipeline.Message{Payload: []byte("x")}); !errors.Is(err, pipeline.ErrNotFound) {
			t.Errorf("an unknown pipeline: %v", err)
		}
	})
}

// A call that never ends is a time-out of the downstream, not an end of the
// program: it uses up the budget and the row dies.
func TestHangingCallsUseUpTheBudget(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.hang = "index"
		id := w.submit(1)[0]
		w.pass(5 * time.Minute)
		w.wantStatus(pipeline.StatusDead, id)
		if n := len(w.made(at("index"))); n != 3 {
			t.Errorf("%d calls, want the policy's 3", n)
		}
		letters, _, err := w.engine.Letters.List(t.Context(), pipeline.LetterFilter{Limit: 5})
		if err != nil || len(letters.Items) != 1 || letters.Items[0].Kind != pipeline.LetterHandler || letters.Items[0].Error != "no answer in 5s" {
			t.Errorf("letters = %+v, %v", letters.Items, err)
		}
	})
}

// A pipeline that left the configuration keeps its rows, and somebody is told.
func TestPipelineThatLeft(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		yes := true
		must(w.engine.Steps.Change(t.Context(), "p", "index", pipeline.StepChange{Paused: &yes}))(t)
		ids := w.submit(2)
		w.pass(5 * time.Second)
		w.restart(func(w *world) pipeline.Config {
			c := diamond(w)
			c.Pipelines[0].Name = "q"
			return c
		})
		v := must(w.engine.Overview(t.Context()))(t)
		if !slices.ContainsFunc(v.Needs, func(n pipeline.Need) bool {
			return n.Kind == pipeline.NeedGone && n.Pipeline == "p" && n.Step == "index" && n.Count == 2
		}) {
			t.Errorf("needs = %+v", v.Needs)
		}
		w.wantStatus(pipeline.StatusInProgress, ids...)
	})
}

func TestNotReadyWhileItDrains(t *testing.T) {
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

func TestLowerRateCountsAtOnce(t *testing.T) {
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

func TestARowsIDIsFoundHoweverOld(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		ids := w.submit(5)
		page := must(w.engine.Rows.List(t.Context(), pipeline.RowFilter{Query: ids[0], Limit: 10}))(t)
		if len(page.Items) != 1 || page.Items[0].ID != ids[0] || len(page.Items[0].Steps) != 4 {
			t.Errorf("found %+v", page.Items)
		}
		page = must(w.engine.Rows.List(t.Context(), pipeline.RowFilter{Query: ids[0], Pipeline: "other", Limit: 10}))(t)
		if len(page.Items) != 0 {
			t.Errorf("found in another pipeline: %+v", page.Items)
		}
	})
}
