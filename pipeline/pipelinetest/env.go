package pipelinetest

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
)

// env is what a case works with: one fresh backend and short ways to use it,
// which end the case when the backend answers an error nobody asked for.
type env struct {
	*testing.T
	*suite
	b    pipeline.Backend
	made int
}

// The pipelines of Graphs, as the cases call them.
func single(e *env) *pipeline.Graph { return e.graphs["single"] }
func other(e *env) *pipeline.Graph  { return e.graphs["other"] }
func chain(e *env) *pipeline.Graph  { return e.graphs["chain"] }
func fork(e *env) *pipeline.Graph   { return e.graphs["fork"] }
func join(e *env) *pipeline.Graph   { return e.graphs["join"] }
func nested(e *env) *pipeline.Graph { return e.graphs["nested"] }

const worker = "worker-1"

// tick is the shortest time that means something to this backend's queues.
func (e *env) tick() time.Duration { return max(e.h.Precision, time.Second) }

// hide is a lease nobody lets run out by accident.
func (e *env) hide() time.Duration { return 60 * e.tick() }

// pass lets time go by; inside a bubble that takes none.
func (e *env) pass(d time.Duration) { time.Sleep(d) }

// roomy is n ticks, or more where a busy machine may take so long for what a case
// does before they are over.
func (e *env) roomy(n int) time.Duration {
	if !e.h.Bubble {
		n *= 3
	}
	return time.Duration(n) * e.tick()
}

// slack is how much longer something may take on a busy machine; inside a bubble
// none is.
func (e *env) slack() time.Duration {
	if e.h.Bubble {
		return 0
	}
	return 5 * time.Second
}

// settled lets lists and counts catch up with what was written.
func (e *env) settled() {
	if e.h.Lag > 0 {
		time.Sleep(e.h.Lag)
	}
}

func (e *env) now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func (e *env) ok(err error, doing string) {
	e.Helper()
	if err != nil {
		e.Fatalf("%s: %v", doing, err)
	}
}

// answers compares the answers for single items of a batch, in order.
func (e *env) answers(doing string, got []error, want ...error) {
	e.Helper()
	if len(got) != len(want) {
		e.Fatalf("%s: %d answers for %d items: %v", doing, len(got), len(want), got)
	}
	for i := range want {
		if !errors.Is(got[i], want[i]) {
			e.Errorf("%s: item %d answers %v, want %v", doing, i, got[i], want[i])
		}
	}
}

// same compares anything; times count as equal if they are the same instant.
func same(e *env, what string, got, want any) {
	e.Helper()
	g, isTime := got.(time.Time)
	if w, ok := want.(time.Time); ok && isTime {
		if !g.Equal(w) {
			e.Errorf("%s is %v, want %v", what, g, w)
		}
		return
	}
	if !reflect.DeepEqual(got, want) {
		e.Errorf("%s is %v, want %v", what, got, want)
	}
}

// sameSet compares two lists of names, whatever their order.
func sameSet(e *env, what string, got, want []string) {
	e.Helper()
	g, w := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(g, w) {
		e.Errorf("%s: got %d %v, want %d %v", what, len(g), g, len(w), w)
	}
}

// crowd runs do n times at once.
func crowd(n int, do func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
}

// processes returns the backends of all processes that can be had.
func (e *env) processes() []pipeline.Backend {
	if e.h.Peer == nil {
		return []pipeline.Backend{e.b}
	}
	return []pipeline.Backend{e.b, e.h.Peer(e.T, e.b)}
}

// row makes a row of g that carries the next real delivery.
func (e *env) row(g *pipeline.Graph) pipeline.NewRow {
	s := e.samples[e.made%len(e.samples)]
	e.made++
	return pipeline.NewRow{
		Pipeline: g.Pipeline(), Graph: g, Status: pipeline.StatusAccepted,
		ContentType: "application/json", Label: s.Event,
		Trace:   "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		Payload: s.Body, At: e.now(),
	}
}

func (e *env) insert(rows ...pipeline.NewRow) []pipeline.Inserted {
	e.Helper()
	got, err := e.b.Rows.Insert(e.Context(), rows...)
	e.ok(err, "inserting")
	if len(got) != len(rows) {
		e.Fatalf("inserting %d rows: %d answers", len(rows), len(got))
	}
	return got
}

// add inserts one plain row of g.
func (e *env) add(g *pipeline.Graph) string {
	e.Helper()
	return e.insert(e.row(g))[0].ID
}

// addN inserts n rows of g, each a moment after the one before; oldest first.
func (e *env) addN(g *pipeline.Graph, n int) []string {
	e.Helper()
	ids := make([]string, n)
	for i := range ids {
		e.pass(2 * time.Millisecond)
		ids[i] = e.add(g)
	}
	return ids
}

// keyed is a plain row of g with an idempotency key.
func (e *env) keyed(g *pipeline.Graph, key string) pipeline.NewRow {
	r := e.row(g)
	r.Key = key
	return r
}

// rejected is a row that broke its pipeline's schema.
func (e *env) rejected(g *pipeline.Graph) pipeline.NewRow {
	r := e.row(g)
	r.Status, r.Error = pipeline.StatusRejected, "payload.action is missing"
	return r
}

func (e *env) get(id string) pipeline.RowDetail {
	e.Helper()
	d, err := e.b.Rows.Get(e.Context(), id)
	e.ok(err, "getting row "+id)
	return d
}

func (e *env) gone(id string) {
	e.Helper()
	if _, err := e.b.Rows.Get(e.Context(), id); !errors.Is(err, pipeline.ErrNotFound) {
		e.Errorf("getting row %q answers %v, want not found", id, err)
	}
}

// flag is a step of a row, waiting if it has no cell.
func (e *env) flag(id, step string) pipeline.Flag {
	e.Helper()
	d := e.get(id)
	f, ok := d.Flag(step)
	if !ok {
		return pipeline.Flag{Name: step, State: pipeline.StateWaiting}
	}
	return f
}

func (e *env) state(id, step string, want pipeline.State) {
	e.Helper()
	if f := e.flag(id, step); f.State != want {
		e.Errorf("step %s is %s, want %s", step, f.State, want)
	}
}

func (e *env) status(id string, want pipeline.Status) {
	e.Helper()
	if d := e.get(id); d.Status != want {
		e.Errorf("the row is %s, want %s", d.Status, want)
	}
}
