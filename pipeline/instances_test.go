package pipeline_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
)

// states are the processes that one of them lists, by id.
func (m *member) states() map[string]pipeline.InstanceState {
	m.t.Helper()
	states := map[string]pipeline.InstanceState{}
	for _, v := range must(m.engine.Overview(m.t.Context()))(m.t).Instances {
		states[v.ID] = v.State
	}
	return states
}

func named(name string, config func(*world) pipeline.Config) func(*world) pipeline.Config {
	return func(w *world) pipeline.Config {
		c := config(w)
		c.Worker, c.Version = name, "1.2.3"
		return c
	}
}

func TestProcessesKnowEachOther(t *testing.T) {
	newFleet(t, 0, nil, func(t *testing.T, f *fleet) {
		a := f.join(named("a", diamond))
		b := f.join(named("b", only(pipeline.OnlyConsole, diamond)))
		a.answer(func(c pipeline.Call) pipeline.Answer { time.Sleep(time.Minute); return ok(c) })
		a.submit(3)
		a.pass(5 * time.Second)
		list := must(b.engine.Instances(t.Context()))(t)
		if len(list) != 2 || !list[0].Self || list[0].Name != "b" || list[0].Runs != pipeline.OnlyConsole || len(list[0].Steps) != 0 {
			t.Fatalf("instances = %+v", list)
		}
		other := list[1]
		if other.Self || other.Name != "a" || other.Runs != "all" || other.Version != "1.2.3" || other.State != pipeline.InstanceRunning || !other.Leads ||
			!other.StartedAt.Equal(f.began.UTC()) || time.Since(other.SeenAt) > 4*time.Second || len(other.Steps) != 4 {
			t.Errorf("the other = %+v", other)
		}
		if s := other.Steps[3]; s.Step != "validate" || s.Pipeline != "p" || s.Concurrency != 8 || s.Running != 3 {
			t.Errorf("its step = %+v", s)
		}
	})
}

func TestASilentProcessIsGoneAndAStoppedOneIsNot(t *testing.T) {
	newFleet(t, 4, diamond, func(t *testing.T, f *fleet) {
		a, killed, stopped, cut := f.members[0], f.members[1], f.members[2], f.members[3]
		a.pass(3 * time.Second)
		killedID, stoppedID, cutID := killed.self().ID, stopped.self().ID, cut.self().ID
		killed.kill()
		stopped.end()
		cut.wire.Cut(true)
		a.pass(3 * time.Second)
		states := a.states()
		if _, there := states[stoppedID]; there || states[killedID] != pipeline.InstanceRunning {
			t.Errorf("after three seconds: %v", states)
		}
		a.pass(10 * time.Second)
		if states = a.states(); states[killedID] != pipeline.InstanceGone || states[cutID] != pipeline.InstanceGone || len(states) != 3 {
			t.Errorf("after thirteen: %v", states)
		}
		cut.wire.Cut(false)
		a.pass(5 * time.Second)
		if states = a.states(); states[cutID] != pipeline.InstanceRunning {
			t.Errorf("one that is back: %v", states)
		}
		fresh := f.join(diamond)
		fresh.pass(11 * time.Minute)
		if states = fresh.states(); len(states) != 3 {
			t.Errorf("who is gone for long is still listed: %v", states)
		}
	})
}

func TestAProcessThatStopsSaysSo(t *testing.T) {
	newFleet(t, 2, diamond, func(t *testing.T, f *fleet) {
		a, b := f.members[0], f.members[1]
		id := a.self().ID
		f.answer(func(c pipeline.Call) pipeline.Answer { time.Sleep(10 * time.Second); return ok(c) })
		must(a.engine.Intake.SubmitBatch(t.Context(), "p", make([]pipeline.Message, 16)))(t)
		a.pass(2 * time.Second)
		a.stop()
		a.pass(3 * time.Second)
		if states := b.states(); states[id] != pipeline.InstanceStopping {
			t.Errorf("while its calls end: %v", states)
		}
		a.pass(10 * time.Second)
		if states := b.states(); len(states) != 1 {
			t.Errorf("after its end: %v", states)
		}
	})
}

// rated lets validate be called 20 times a second.
func rated(w *world) pipeline.Config {
	c := diamond(w)
	c.Pipelines[0].Steps = c.Pipelines[0].Steps[:1]
	c.Pipelines[0].Steps[0].Rate, c.Pipelines[0].Steps[0].Concurrency = 20, 100
	return c
}

// most is the largest number of calls in any one second.
func most(calls []call) int {
	n := 0
	for i := range calls {
		j := i
		for j < len(calls) && calls[j].at.Sub(calls[i].at) < time.Second {
			j++
		}
		n = max(n, j-i)
	}
	return n
}

func TestARateHoldsOverAllProcesses(t *testing.T) {
	newFleet(t, 2, rated, func(t *testing.T, f *fleet) {
		a, b := f.members[0], f.members[1]
		console := f.join(only(pipeline.OnlyConsole, rated))
		for range 6 {
			must(a.engine.Intake.SubmitBatch(t.Context(), "p", make([]pipeline.Message, 500)))(t)
		}
		f.until(13 * time.Second)
		count := func() int { return len(f.calls(at("validate"))) }
		before := count()
		f.until(23 * time.Second)
		if n := count() - before; n < 190 || n > 205 {
			t.Errorf("two processes made %d calls in 10 s at 20 a second", n)
		}
		if n := len(b.made(at("validate"))); n < 70 {
			t.Errorf("one of the two made %d calls", n)
		}
		f.join(rated)
		f.join(rated)
		f.until(33 * time.Second)
		before = count()
		f.until(43 * time.Second)
		if n := count() - before; n < 185 || n > 210 {
			t.Errorf("four processes made %d calls in 10 s", n)
		}
		if v := must(console.engine.Steps.Get(t.Context(), "p", "validate"))(t); v.Processes != 4 || v.Settings.Rate != 20 {
			t.Errorf("the page says %d processes at %v a second", v.Processes, v.Settings.Rate)
		}
		for _, m := range f.members[2:] {
			m.kill()
		}
		a.end()
		f.until(60 * time.Second)
		before = count()
		f.until(70 * time.Second)
		if n := count() - before; n < 190 || n > 205 {
			t.Errorf("the one that is left made %d calls in 10 s", n)
		}
		if n := most(f.calls(at("validate"))); n > 26 {
			t.Errorf("%d calls in one second at 20 a second", n)
		}
	})
}

func TestOnlyWhatIsAskedFor(t *testing.T) {
	newFleet(t, 0, nil, func(t *testing.T, f *fleet) {
		for _, only := range []string{"pages", pipeline.OnlyConsole} {
			_, err := pipeline.New(pipeline.Config{Only: only}, f.db.Backend())
			if err == nil || !strings.Contains(err.Error(), only) {
				t.Errorf("only %s on a store of one process: %v", only, err)
			}
		}
		console := f.join(only(pipeline.OnlyConsole, slowly(0, true)))
		ids := console.submit(5)
		console.pass(2 * time.Minute)
		console.wantStatus(pipeline.StatusAccepted, ids...)
		if n := len(console.sweeps()); n != 0 {
			t.Errorf("a console swept %d times on schedule", n)
		}
		if s := console.sweep(false); s.State != pipeline.SweepDone {
			t.Errorf("a sweep started by hand: %+v", s)
		}
		worker := f.join(only(pipeline.OnlyWorkers, diamond))
		worker.pass(10 * time.Second)
		console.wantStatus(pipeline.StatusDone, ids...)
		v := must(console.engine.Steps.Get(t.Context(), "p", "validate"))(t)
		if v.Counts.ProcessedTotal != 5 || v.Processes != 1 {
			t.Errorf("the console shows %+v", v.StepView)
		}
	})
}

func TestOneProcessAloneListsNobody(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		if list := must(w.engine.Instances(t.Context()))(t); list != nil {
			t.Errorf("instances = %+v", list)
		}
		w.pass(time.Minute)
		for _, kind := range []string{"instance", "lease"} {
			if page := must(w.db.Backend().Records.List(t.Context(), kind, "", 10))(t); len(page.Items) != 0 {
				t.Errorf("%d records of kind %s on a store of one process", len(page.Items), kind)
			}
		}
	})
}

func TestArrivalsOfAllProcessesAreShown(t *testing.T) {
	newFleet(t, 2, diamond, func(t *testing.T, f *fleet) {
		for range 40 {
			for _, m := range f.members {
				m.submit(2)
			}
			f.members[0].pass(time.Second)
		}
		for _, m := range f.members {
			if v := must(m.engine.Overview(t.Context()))(t).Pipelines[0]; v.ArrivalRate < 3.5 || v.ArrivalRate > 4.5 || v.DoneRate < 3.5 {
				t.Errorf("%.1f rows a second arrive, %.1f are done, want 4", v.ArrivalRate, v.DoneRate)
			}
		}
	})
}

// skewed is a store as a process sees it whose clock is wrong: what it says of
// the time is off.
type skewed struct {
	pipeline.RecordStore
	off time.Duration
}

func (s skewed) Put(ctx context.Context, entry *pipeline.Entry, records ...pipeline.Record) error {
	for i, rec := range records {
		var doc map[string]any
		if rec.Kind != "instance" || json.Unmarshal(rec.Data, &doc) != nil {
			continue
		}
		seen, err := time.Parse(time.RFC3339, doc["seen"].(string))
		if err != nil {
			return err
		}
		doc["seen"] = seen.Add(s.off)
		if records[i].Data, err = json.Marshal(doc); err != nil {
			return err
		}
		records[i].ExpiresAt = rec.ExpiresAt.Add(s.off)
	}
	return s.RecordStore.Put(ctx, entry, records...)
}

func TestClocksAreNeverCompared(t *testing.T) {
	for _, off := range []time.Duration{30 * time.Second, -time.Hour, 24 * time.Hour, -24 * time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			newFleet(t, 1, diamond, func(t *testing.T, f *fleet) {
				f.die(40)
				a := f.members[0]
				b := f.join(func(w *world) pipeline.Config {
					w.wrap = func(b pipeline.Backend) pipeline.Backend {
						b.Records = skewed{b.Records, off}
						return b
					}
					return diamond(w)
				})
				a.pass(5 * time.Second)
				op := b.redrive(1)
				for range 25 {
					a.pass(time.Second)
					for id, state := range a.states() {
						if state != pipeline.InstanceRunning {
							t.Fatalf("%s is %s", id, state)
						}
					}
					if holder := f.holder("operation/" + op.ID); holder != b {
						t.Fatal("an operation was taken from a process that lives")
					}
				}
				id := b.self().ID
				b.kill()
				within(t, 12*time.Second, "taken over", func() bool { return f.holder("operation/"+op.ID) == a })
				a.pass(5 * time.Second)
				if state := a.states()[id]; state != pipeline.InstanceGone {
					t.Errorf("the one that was killed is %q", state)
				}
			})
		})
	}
}

// late is a store whose list of instances trails: a new one is not seen for two
// seconds.
type late struct {
	pipeline.RecordStore
	mu    sync.Mutex
	known map[string]time.Time
}

func (l *late) hides(rec pipeline.Record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known[rec.ID].IsZero() {
		l.known[rec.ID] = time.Now()
	}
	return rec.Kind == "instance" && time.Since(l.known[rec.ID]) < 2*time.Second
}

func (l *late) Get(ctx context.Context, kind, id string) (pipeline.Record, error) {
	rec, err := l.RecordStore.Get(ctx, kind, id)
	if err == nil && l.hides(rec) {
		return pipeline.Record{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no such record"}
	}
	return rec, err
}

func (l *late) List(ctx context.Context, kind, cursor string, limit int) (pipeline.Page[pipeline.Record], error) {
	page, err := l.RecordStore.List(ctx, kind, cursor, limit)
	page.Items = slices.DeleteFunc(page.Items, l.hides)
	return page, err
}

func TestAProcessThatHasJustComeKeepsWhatItTook(t *testing.T) {
	newFleet(t, 1, diamond, func(t *testing.T, f *fleet) {
		f.die(40)
		a := f.members[0]
		a.end()
		b := f.join(func(w *world) pipeline.Config {
			w.wrap = func(b pipeline.Backend) pipeline.Backend {
				b.Records = &late{RecordStore: b.Records, known: map[string]time.Time{}}
				return b
			}
			return diamond(w)
		})
		b.pass(5 * time.Second)
		c := f.join(diamond)
		op := c.redrive(1)
		fault := c.fault(time.Hour)
		for range 100 {
			b.pass(100 * time.Millisecond)
			if f.holder("operation/"+op.ID) != c {
				t.Fatal("an operation was taken from a process that has just come")
			}
		}
		if on := b.engine.Faults.List(t.Context()); len(on) != 1 || on[0].ID != fault.ID {
			t.Errorf("faults = %+v", on)
		}
		if op := b.operation(op.ID); op.Moved < 8 || op.Moved > 13 {
			t.Errorf("%d moved in 10 s at 1 a second", op.Moved)
		}
	})
}
