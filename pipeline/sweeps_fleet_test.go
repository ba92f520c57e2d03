package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"redrive/pipeline"
)

// slowRows takes its time to look for unfinished rows.
type slowRows struct {
	pipeline.RowStore
	takes time.Duration
	cut   func() // told when it is cut off; may be nil
}

func (r slowRows) Unfinished(ctx context.Context, name string, before time.Time, cursor string, limit int) (pipeline.Page[pipeline.Row], error) {
	select {
	case <-time.After(r.takes):
	case <-ctx.Done():
		if r.cut != nil {
			r.cut()
		}
		return pipeline.Page[pipeline.Row]{}, ctx.Err()
	}
	return r.RowStore.Unfinished(ctx, name, before, cursor, limit)
}

// slowly makes sweeps take a while, and scheduled ones run each minute.
func slowly(takes time.Duration, scheduled bool) func(*world) pipeline.Config {
	return func(w *world) pipeline.Config {
		w.wrap = func(b pipeline.Backend) pipeline.Backend {
			b.Rows = slowRows{b.Rows, takes, nil}
			return b
		}
		c := diamond(w)
		c.Sweep.Enabled = scheduled
		return c
	}
}

func (m *member) sweeps() []pipeline.Sweep {
	m.t.Helper()
	return must(m.engine.Sweeps.List(m.t.Context(), "", 100))(m.t).Items
}

func TestOneSweepAtATimeOverAllProcesses(t *testing.T) {
	newFleet(t, 2, slowly(30*time.Second, false), func(t *testing.T, f *fleet) {
		a, b := f.members[0], f.members[1]
		first := must(a.engine.Sweeps.Start(t.Context(), false, ""))(t)
		a.pass(10 * time.Second)
		if second := must(b.engine.Sweeps.Start(t.Context(), true, ""))(t); second.ID != first.ID || second.State != pipeline.SweepRunning {
			t.Errorf("while one runs elsewhere another began: %+v", second)
		}
		a.pass(21 * time.Second)
		if s := must(b.engine.Sweeps.Get(t.Context(), first.ID))(t); s.State != pipeline.SweepDone {
			t.Errorf("sweep = %+v", s)
		}
		if third := must(b.engine.Sweeps.Start(t.Context(), true, ""))(t); third.ID == first.ID || third.State != pipeline.SweepRunning {
			t.Errorf("after it ended: %+v", third)
		}
	})
}

func TestManyWhoStartASweepStartOne(t *testing.T) {
	newFleet(t, 4, slowly(5*time.Second, false), func(t *testing.T, f *fleet) {
		var all sync.WaitGroup
		ids := make([]string, len(f.members))
		for i, m := range f.members {
			all.Go(func() { ids[i] = must(m.engine.Sweeps.Start(t.Context(), false, ""))(t).ID })
		}
		all.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("several sweeps began: %v", ids)
			}
		}
	})
}

func TestASweepWhoseProcessDiedIsMarked(t *testing.T) {
	newFleet(t, 2, slowly(time.Minute, false), func(t *testing.T, f *fleet) {
		a, b := f.members[0], f.members[1]
		cut := must(a.engine.Sweeps.Start(t.Context(), false, ""))(t)
		a.pass(5 * time.Second)
		a.kill()
		b.pass(5 * time.Second)
		if s := must(b.engine.Sweeps.Get(t.Context(), cut.ID))(t); s.State != pipeline.SweepRunning {
			t.Errorf("marked after 5 s, while its process may live: %+v", s)
		}
		b.pass(10 * time.Second)
		s := must(b.engine.Sweeps.Get(t.Context(), cut.ID))(t)
		if s.State != pipeline.SweepFailed || !strings.Contains(s.Error, "process") || s.FinishedAt.IsZero() {
			t.Errorf("15 s after its process died: %+v", s)
		}
		if next := must(b.engine.Sweeps.Start(t.Context(), false, ""))(t); next.ID == cut.ID || next.State != pipeline.SweepRunning {
			t.Errorf("the next one: %+v", next)
		}
	})
}

func TestASweepOfAProcessCutOffIsGivenUp(t *testing.T) {
	var stopped atomic.Int64
	config := func(w *world) pipeline.Config {
		w.wrap = func(b pipeline.Backend) pipeline.Backend {
			b.Rows = slowRows{b.Rows, 15 * time.Second, func() { stopped.Store(time.Now().Unix()) }}
			return b
		}
		return diamond(w)
	}
	newFleet(t, 2, config, func(t *testing.T, f *fleet) {
		a, b := f.members[0], f.members[1]
		a.pass(3 * time.Second)
		cut := must(a.engine.Sweeps.Start(t.Context(), false, ""))(t)
		a.pass(time.Second)
		began := time.Now()
		a.wire.Cut(true)
		a.pass(7 * time.Second)
		if at := stopped.Load(); at == 0 || time.Unix(at, 0).Sub(began) > 6*time.Second {
			t.Error("it did not stop before others may take over")
		}
		a.wire.Cut(false)
		a.pass(15 * time.Second)
		s := must(b.engine.Sweeps.Get(t.Context(), cut.ID))(t)
		if s.State != pipeline.SweepFailed {
			t.Errorf("sweep = %+v", s)
		}
		if next := must(a.engine.Sweeps.Start(t.Context(), false, ""))(t); next.ID == cut.ID {
			t.Errorf("the next one: %+v", next)
		}
	})
}

// Twelve sweeps, one each minute, while the process that sweeps is killed
// again and again.
func TestEachSlotIsSweptOnce(t *testing.T) {
	config := slowly(4*time.Second, true)
	const sweeps, kills = 12, 4
	newFleet(t, 3, config, func(t *testing.T, f *fleet) {
		killed := 0
		for minute := 1; minute <= sweeps; minute++ {
			f.until(time.Duration(minute)*time.Minute + 2*time.Second) // in the middle of the sweep
			if m := f.holder("sweep"); m != nil && minute%3 == 0 {
				m.kill()
				f.join(config)
				killed++
			}
		}
		f.until((sweeps+1)*time.Minute - 10*time.Second)
		slots, failed := map[int]int{}, 0
		for _, s := range f.last().sweeps() {
			slots[int(s.StartedAt.Sub(f.began).Minutes())]++
			switch s.State {
			case pipeline.SweepRunning:
				t.Errorf("still running: %+v", s)
			case pipeline.SweepFailed:
				failed++
			}
		}
		for minute := 1; minute <= sweeps; minute++ {
			if slots[minute] != 1 {
				t.Errorf("minute %d was swept %d times", minute, slots[minute])
			}
		}
		if failed != killed || killed != kills {
			t.Errorf("%d sweeps failed, %d of %d processes were killed", failed, killed, kills)
		}
	})
}

// mailless is a store whose queues cannot be searched: it says when each was
// last seen empty.
func mailless(empty func(pipeline.StepKey) (time.Time, error), config func(*world) pipeline.Config) func(*world) pipeline.Config {
	return func(w *world) pipeline.Config {
		w.wrap = func(b pipeline.Backend) pipeline.Backend {
			b.Empty = func(_ context.Context, key pipeline.StepKey) (time.Time, error) { return empty(key) }
			return b
		}
		return config(w)
	}
}

// The rows are queued and nobody takes them: as far as a sweep can see, their
// messages got lost.
func TestSweepWhereQueuesCannotBeSearched(t *testing.T) {
	var mu sync.Mutex
	var seen time.Time
	var failure error
	empty := func(key pipeline.StepKey) (time.Time, error) {
		mu.Lock()
		defer mu.Unlock()
		if key.Step != "validate" {
			return time.Now(), nil
		}
		return seen, failure
	}
	set := func(at time.Time, err error) {
		mu.Lock()
		seen, failure = at, err
		mu.Unlock()
	}
	guardedRoot := func(w *world) pipeline.Config {
		c := guarded(w)
		c.Pipelines[0].Steps[0].Breaker = "downstream"
		return c
	}
	newFleet(t, 0, nil, func(t *testing.T, f *fleet) {
		m := f.join(only(pipeline.OnlyConsole, mailless(empty, guardedRoot)))
		queued := time.Now()
		m.submit(3)
		m.pass(10 * time.Second)
		soon := time.Now()
		want := func(what string, stuck, requeued int64) {
			t.Helper()
			if s := m.sweep(false); s.State != pipeline.SweepDone || s.Stuck != stuck || s.Requeued != requeued {
				t.Errorf("%s: %d stuck, %d requeued, %s %s", what, s.Stuck, s.Requeued, s.State, s.Error)
			}
		}
		set(soon, nil)
		want("queued ten seconds ago", 0, 0)
		m.pass(2 * time.Minute)
		set(time.Time{}, nil)
		want("never seen empty", 0, 0)
		set(queued.Add(-time.Second), nil)
		want("seen empty before they were queued", 0, 0)

		set(soon, nil)
		yes, no := true, false
		must(m.engine.Steps.Change(t.Context(), "p", "validate", pipeline.StepChange{Paused: &yes}))(t)
		want("paused", 0, 0)
		must(m.engine.Steps.Change(t.Context(), "p", "validate", pipeline.StepChange{Paused: &no}))(t)
		must(m.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: "open", Reason: "x"}))(t)
		want("behind an open breaker", 0, 0)
		must(m.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: "closed", Reason: "x"}))(t)

		set(soon, errors.New("queue p-validate does not exist"))
		if s := m.sweep(false); s.State != pipeline.SweepFailed || s.Requeued != 0 || !strings.Contains(s.Error, "queue of step validate of p") {
			t.Errorf("with a queue out of reach: %+v", s)
		}
		set(soon, nil)
		want("lost", 3, 3)
		rows := m.sweeps()[0].Rows
		if len(rows) != 3 || !strings.HasPrefix(rows[0].Why, "queued since") || !strings.Contains(rows[0].Why, "seen empty at") {
			t.Errorf("rows = %+v", rows)
		}
		want("requeued a moment ago", 0, 0)
	})
}

// A row that waits out a backoff is stuck only once that has been over for long.
func TestSweepWaitsForTheBackoff(t *testing.T) {
	empty := func(pipeline.StepKey) (time.Time, error) { return time.Now(), nil }
	newFleet(t, 0, nil, func(t *testing.T, f *fleet) {
		worker := f.join(diamond)
		worker.answer(func(pipeline.Call) pipeline.Answer {
			return pipeline.Answer{Kind: pipeline.AnswerThrottled, StatusCode: 429, Error: "429", RetryAfter: 10 * time.Minute}
		})
		id := worker.submit(1)[0]
		worker.pass(5 * time.Second)
		worker.end()
		m := f.join(only(pipeline.OnlyConsole, mailless(empty, diamond)))
		m.pass(10*time.Minute + 30*time.Second)
		if s := m.sweep(false); s.Stuck != 0 {
			t.Errorf("half a minute after the backoff: %+v", s)
		}
		m.pass(time.Minute)
		s := m.sweep(false)
		if s.Stuck != 1 || s.Requeued != 1 || !strings.HasPrefix(s.Rows[0].Why, "due again since") {
			t.Errorf("long after the backoff: %+v", s)
		}
		if state := m.state(id, "validate"); state != pipeline.StateQueued {
			t.Errorf("validate is %s", state)
		}
	})
}
