package pipeline_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
)

// noted keeps what a worker asks for and what it hands in.
type noted struct {
	pipeline.Work
	mu       sync.Mutex
	asked    map[string]pipeline.ReceiveRequest
	outcomes map[string]pipeline.Outcome
}

func (n *noted) Receive(ctx context.Context, q pipeline.ReceiveRequest) ([]pipeline.Delivery, error) {
	n.mu.Lock()
	n.asked[q.Step] = q
	n.mu.Unlock()
	return n.Work.Receive(ctx, q)
}

func (n *noted) Settle(ctx context.Context, outcomes ...pipeline.Outcome) ([]error, error) {
	n.mu.Lock()
	for _, o := range outcomes {
		n.outcomes[o.Delivery.Step] = o
	}
	n.mu.Unlock()
	return n.Work.Settle(ctx, outcomes...)
}

// polled is a store whose polls last 20 seconds.
func polled(n *noted, config func(*world) pipeline.Config) func(*world) pipeline.Config {
	return func(w *world) pipeline.Config {
		w.wrap = func(b pipeline.Backend) pipeline.Backend {
			n.Work, n.asked, n.outcomes = b.Work, map[string]pipeline.ReceiveRequest{}, map[string]pipeline.Outcome{}
			b.Work, b.Poll = n, 20*time.Second
			return b
		}
		return config(w)
	}
}

func TestAStepsWishesReachTheStore(t *testing.T) {
	n := &noted{}
	config := func(w *world) pipeline.Config {
		c := diamond(w)
		c.Pipelines[0].Steps[1].Exclusive, c.Pipelines[0].Steps[2].KeepResult = true, true
		return c
	}
	newWorld(t, polled(n, config), func(t *testing.T, w *world) {
		w.submit(1)
		w.pass(5 * time.Second)
		n.mu.Lock()
		defer n.mu.Unlock()
		for step, exclusive := range map[string]bool{"validate": false, "index": true, "notify": false, "archive": false} {
			if q := n.asked[step]; q.Exclusive != exclusive || q.Wait != 20*time.Second {
				t.Errorf("%s asks as %+v", step, q)
			}
			if o := n.outcomes[step]; o.Verdict != pipeline.Processed || o.Keep != (step == "notify") {
				t.Errorf("%s hands in %+v", step, o)
			}
		}
	})
}

// A long poll holds up nothing: neither a pause, nor an open breaker, nor the
// program's end.
func TestALongPollHoldsUpNothing(t *testing.T) {
	newWorld(t, polled(&noted{}, guarded), func(t *testing.T, w *world) {
		w.pass(time.Second)
		paused := true
		must(w.engine.Steps.Change(t.Context(), "p", "validate", pipeline.StepChange{Paused: &paused}))(t)
		ids := w.submit(3)
		w.pass(time.Second)
		if n := len(w.made(at("validate"))); n != 0 {
			t.Errorf("%d calls of a paused step", n)
		}
		must(w.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: "open", Reason: "x"}))(t)
		must(w.engine.Steps.Change(t.Context(), "p", "validate", pipeline.StepChange{Reset: true}))(t)
		w.pass(time.Second)
		if calls, held := len(w.made(at("validate"))), len(w.made(behind)); calls != 3 || held != 0 {
			t.Errorf("%d calls, %d behind the open breaker", calls, held)
		}
		must(w.engine.Breakers.Force(t.Context(), "downstream", pipeline.ForceRequest{State: "half-open", Reason: "x"}))(t)
		w.pass(10 * time.Second)
		w.wantStatus(pipeline.StatusDone, ids...)
		before := time.Now()
		w.restart(nil)
		if took := time.Since(before); took > time.Second {
			t.Errorf("the end took %s", took)
		}
	})
}

// asked counts what is asked of the records.
type asked struct {
	pipeline.RecordStore
	mu          sync.Mutex
	reads, puts map[string]int
}

func (a *asked) count(list map[string]int, kind string) {
	a.mu.Lock()
	list[kind]++
	a.mu.Unlock()
}

func (a *asked) Get(ctx context.Context, kind, id string) (pipeline.Record, error) {
	a.count(a.reads, kind)
	return a.RecordStore.Get(ctx, kind, id)
}

func (a *asked) List(ctx context.Context, kind, cursor string, limit int) (pipeline.Page[pipeline.Record], error) {
	a.count(a.reads, kind)
	return a.RecordStore.List(ctx, kind, cursor, limit)
}

func (a *asked) Put(ctx context.Context, entry *pipeline.Entry, records ...pipeline.Record) error {
	a.count(a.puts, records[0].Kind)
	return a.RecordStore.Put(ctx, entry, records...)
}

func (a *asked) sum(counts map[string]int) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range counts {
		n += c
	}
	return n
}

// Where a read has a price, an idle process may not cost more with every step,
// breaker and alarm.
func TestAnIdleProcessAsksTheStoreSeldom(t *testing.T) {
	for name, shared := range map[string]bool{"alone": false, "one of several": true} {
		t.Run(name, func(t *testing.T) {
			a := &asked{reads: map[string]int{}, puts: map[string]int{}}
			config := func(w *world) pipeline.Config {
				w.wrap = func(b pipeline.Backend) pipeline.Backend {
					a.RecordStore = b.Records
					b.Records, b.Shared = a, shared
					return b
				}
				c := alarmed(&mailbox{}, &mailbox{})(w)
				c.Breakers = guarded(w).Breakers
				return c
			}
			newWorld(t, config, func(t *testing.T, w *world) {
				w.pass(10 * time.Second)
				reads, puts := a.sum(a.reads), a.sum(a.puts)
				w.pass(100 * time.Second)
				reads, puts = a.sum(a.reads)-reads, a.sum(a.puts)-puts
				if reads > 770 || shared && puts > 60 || !shared && puts > 0 {
					t.Errorf("in 100 s %d reads and %d writes", reads, puts)
				}
			})
		})
	}
}
