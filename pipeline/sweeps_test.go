package pipeline_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
)

// lose makes rows whose next steps were never queued: validate is run alone.
func (w *world) lose(n int) []string {
	w.t.Helper()
	yes, no := true, false
	change := func(paused *bool) {
		must(w.engine.Steps.Change(w.t.Context(), "p", "validate", pipeline.StepChange{Paused: paused}))(w.t)
	}
	w.answer(func(c pipeline.Call) pipeline.Answer {
		if c.Step == "validate" {
			return pipeline.Answer{Kind: pipeline.AnswerPermanent, StatusCode: 422, Error: "422"}
		}
		return ok(c)
	})
	ids := w.submit(n)
	w.pass(time.Second)
	w.answer(ok)
	change(&yes)
	for _, id := range ids {
		must(w.engine.Rows.Replay(w.t.Context(), id, pipeline.ReplayRequest{Step: "validate", Reason: "alone"}))(w.t)
	}
	change(&no)
	w.pass(time.Second)
	return ids
}

func (w *world) sweep(dry bool) pipeline.Sweep {
	w.t.Helper()
	s := must(w.engine.Sweeps.Start(w.t.Context(), dry, ""))(w.t)
	w.pass(time.Second)
	return must(w.engine.Sweeps.Get(w.t.Context(), s.ID))(w.t)
}

func TestSweepFindsWhatWasLost(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		ids := w.lose(3)
		if s := w.sweep(false); s.Stuck != 0 {
			t.Fatalf("rows touched a second ago are stuck: %+v", s)
		}
		w.pass(2 * time.Minute)
		s := w.sweep(true)
		if s.State != pipeline.SweepDone || !s.DryRun || s.Stuck != 6 || s.Requeued != 0 || len(s.Rows) != 6 || !strings.Contains(s.Rows[0].Why, "replayed alone") {
			t.Errorf("dry run = %+v", s)
		}
		w.wantStatus(pipeline.StatusInProgress, ids...)
		if s := w.sweep(false); s.Stuck != 6 || s.Requeued != 6 {
			t.Errorf("sweep = %+v", s)
		}
		w.pass(5 * time.Second)
		w.wantStatus(pipeline.StatusDone, ids...)
		if s := w.sweep(false); s.Scanned != 0 || s.Stuck != 0 {
			t.Errorf("a second sweep found %+v", s)
		}
	})
}

// A sweep never takes a row that is alive: queued, running, retrying, dead.
func TestSweepLeavesTheLivingAlone(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.answer(func(c pipeline.Call) pipeline.Answer {
			switch c.Step {
			case "index":
				time.Sleep(20 * time.Minute)
			case "notify":
				return pipeline.Answer{Kind: pipeline.AnswerThrottled, RetryAfter: 20 * time.Minute}
			}
			return ok(c)
		})
		w.submit(20)
		w.pass(5 * time.Minute)
		if s := w.sweep(false); s.Stuck != 0 || s.Requeued != 0 {
			t.Errorf("sweep = %+v", s)
		}
		if n := len(w.made(at("index"))); n != 8 {
			t.Errorf("index was called %d times", n)
		}
	})
}

func TestSweepKeepsItsSchedule(t *testing.T) {
	enabled := func(w *world) pipeline.Config {
		c := diamond(w)
		c.Sweep.Enabled = true
		return c
	}
	newWorld(t, enabled, func(t *testing.T, w *world) {
		w.pass(5*time.Minute + 10*time.Second)
		w.restart(nil)
		w.pass(2 * time.Minute)
		page := must(w.engine.Sweeps.List(t.Context(), "", 50))(t)
		var at []int
		for _, s := range page.Items {
			if s.By != pipeline.Program || s.State != pipeline.SweepDone {
				t.Errorf("sweep = %+v", s)
			}
			at = append(at, s.StartedAt.Minute())
		}
		if !slices.Equal(at, []int{7, 6, 5, 4, 3, 2, 1}) {
			t.Errorf("swept at %v, want once a minute", at)
		}
		off, wrong, soon := false, "never", time.Millisecond
		for name, c := range map[string]pipeline.ScheduleChange{"no schedule": {Cron: &wrong}, "too soon": {StuckAfter: &soon}} {
			if _, err := w.engine.Sweeps.SetSchedule(t.Context(), c); !errors.Is(err, pipeline.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(w.engine.Sweeps.SetSchedule(t.Context(), pipeline.ScheduleChange{Enabled: &off, Reason: "quiet"}))(t)
		w.restart(nil)
		w.pass(3 * time.Minute)
		if now := must(w.engine.Sweeps.List(t.Context(), "", 50))(t); len(now.Items) != 7 {
			t.Errorf("%d sweeps after it was switched off", len(now.Items)-7)
		}
		s := must(w.engine.Sweeps.Schedule(t.Context()))(t)
		if s.Enabled || len(s.NextRuns) != 0 || !s.Configured.Enabled || s.ChangedBy == "" {
			t.Errorf("schedule = %+v", s)
		}
	})
}

func TestSweepSlotOutlivesADownStore(t *testing.T) {
	f := &flaky{}
	enabled := func(w *world) pipeline.Config {
		c := diamond(w)
		c.Sweep.Enabled = true
		return c
	}
	newWorld(t, withFlaky(f, enabled), func(t *testing.T, w *world) {
		w.pass(58 * time.Second)
		f.when(func(_, kind string) bool { return kind == "sweep-settings" || kind == "sweep-slot" })
		w.pass(10 * time.Second)
		f.when(nil)
		w.pass(10 * time.Second)
		if page := must(w.engine.Sweeps.List(t.Context(), "", 50))(t); len(page.Items) != 1 {
			t.Errorf("%d sweeps after the store was down at the time", len(page.Items))
		}
		w.pass(time.Minute)
		if page := must(w.engine.Sweeps.List(t.Context(), "", 50))(t); len(page.Items) != 2 {
			t.Errorf("%d sweeps", len(page.Items))
		}
	})
}

func TestSweepEndIsStored(t *testing.T) {
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
