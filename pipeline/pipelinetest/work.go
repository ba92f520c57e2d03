package pipelinetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"redrive/pipeline"
)

func receiveRules() []rule {
	ordered := func(h Harness) bool { return !h.Unordered }
	return []rule{
		{name: "receive leases up to n", run: receiveUpToN,
			rule: "Receive leases up to n queued steps of exactly the step that was asked for."},
		{name: "a delivery says everything", run: deliverySaysEverything,
			rule: "A delivery carries the row, the graph it was accepted with, its payload and what was tried before."},
		{name: "receive leases to one caller alone", run: receiveAlone, crowd: true,
			rule: "Each step is leased to one caller alone, however many ask at once."},
		{name: "never before due", run: neverBeforeDue,
			rule: "Receive leases steps whose time has come, none before."},
		{name: "oldest due first", run: oldestDueFirst, needs: ordered,
			rule: "Receive leases the oldest due first."},
		{name: "a long queue", run: longQueue,
			rule: "However long a queue is and whatever happens to its steps, each is delivered, once, in the order of due times."},
		{name: "receive waits for the first", run: receiveWaits,
			rule: "Receive waits up to wait for the first, no longer, and not at all for wait 0."},
		{name: "receive wakes for what arrives", run: receiveWakes,
			rule: "A waiting Receive answers as soon as something arrives or becomes due."},
		{name: "receive of a cancelled caller", run: receiveCancelled,
			rule: "When ctx ends while Receive waits it returns, and nothing is leased."},
		{name: "receive marks the step running", run: receiveMarksRunning,
			rule: "Receive writes: cell running, attempt counted, row in progress."},
	}
}

func receiveUpToN(e *env) {
	g := fork(e)
	want := e.addN(g, 5)
	e.addN(chain(e), 2)
	for range want {
		e.process(g, "validate")
	}
	q := e.request(g, "index", 3)
	if n := len(e.receive(q)); n > 3 || n == 0 {
		e.Errorf("asked for 3 of 5, received %d", n)
	}
	ds := e.takeN(g, "notify", 5)
	sameSet(e, "rows received", ids(ds, deliveredRow), want)
	e.nothing(g, "notify", "validate")
	none := e.request(g, "archive", 0)
	same(e, "asked for none, received", len(e.receive(none)), 0)
	same(e, "received from an unknown step", len(e.receive(pipeline.ReceiveRequest{
		Pipeline: g.Pipeline(), Step: "nobody", N: 1, Hide: e.hide()})), 0)
}

func deliverySaysEverything(e *env) {
	g := chain(e)
	in := e.row(g)
	id := e.insert(in)[0].ID
	d := e.take(g, "validate")
	d.Receipt = pipeline.Receipt{}
	same(e, "created", d.CreatedAt, in.At)
	d.CreatedAt = in.At
	same(e, "delivery", d, pipeline.Delivery{Row: id, Pipeline: "chain", Graph: g.ID(), Step: "validate", Attempt: 1,
		CreatedAt: in.At, ContentType: in.ContentType, Trace: in.Trace, Payload: d.Payload})
	same(e, "payload", string(d.Payload), string(in.Payload))
}

func receiveAlone(e *env) {
	const rows, callers = 60, 8
	all := e.processes()
	want := e.addN(single(e), rows)
	var mu sync.Mutex
	var got []string
	crowd(callers, func(i int) {
		q := e.request(single(e), "deliver", 4)
		q.Wait = e.h.Precision
		for {
			ds, err := all[i%len(all)].Work.Receive(e.Context(), q)
			if err != nil {
				e.Errorf("receiving: %v", err)
			}
			if len(ds) == 0 {
				return
			}
			mu.Lock()
			got = append(got, ids(ds, deliveredRow)...)
			mu.Unlock()
		}
	})
	sameSet(e, "rows leased", got, want)
}

func neverBeforeDue(e *env) {
	g := single(e)
	e.add(g)
	e.settle(retry(e.take(g, "deliver"), e.now().Add(e.roomy(8))))
	e.nothing(g, "deliver")
	e.pass(e.roomy(3))
	e.nothing(g, "deliver")
	e.pass(e.roomy(5) + e.h.Precision)
	same(e, "attempt", e.take(g, "deliver").Attempt, 2)
}

func oldestDueFirst(e *env) {
	g := single(e)
	rows := e.addN(g, 4)
	e.pass(time.Millisecond)
	byRow := e.takeRows(g, "deliver", 4)
	due := e.now().Add(10 * e.tick())
	for i, at := range []int{3, 1, 0, 2} { // rows[2] is due first, then 1, 3, 0
		e.settle(retry(byRow[rows[i]], due.Add(time.Duration(at)*time.Millisecond)))
	}
	e.pass(11 * e.tick())
	last := e.add(g)
	got := e.takeN(g, "deliver", 5)
	same(e, "rows", ids(got, deliveredRow), []string{rows[2], rows[1], rows[3], rows[0], last})
}

func longQueue(e *env) {
	g := single(e)
	due := map[string]time.Time{} // zero: due at some time meanwhile
	rows := make([]pipeline.NewRow, 120)
	for i := range rows {
		rows[i] = e.row(g)
		rows[i].At = rows[i].At.Add(time.Duration(i-len(rows)) * time.Second)
	}
	for i, in := range e.insert(rows...) {
		due[in.ID] = rows[i].At
	}
	if ds := e.takeN(g, "deliver", 20); !e.h.Unordered {
		same(e, "oldest due behind 20", e.counts().Steps[pipeline.StepKey{Pipeline: "single", Step: "deliver"}].OldestDue, rows[20].At)
		e.settle(each(ds, released)...)
	}
	aside := e.stir(g, due, rand.New(rand.NewPCG(7, 0)))
	e.restore("", aside...)
	e.pass(90 * e.tick())
	got := ids(e.takeN(g, "deliver", len(due)), deliveredRow)
	left := make([]string, 0, len(due))
	for id := range due {
		left = append(left, id)
	}
	sameSet(e, "rows left", got, left)
	e.nothing(g, "deliver")
	got = slices.DeleteFunc(got, func(id string) bool { return due[id].IsZero() })
	for i := range max(len(got)-1, 0) {
		if !e.h.Unordered && due[got[i+1]].Before(due[got[i]]) {
			e.Errorf("what is due at %v is delivered before what is due at %v", due[got[i]], due[got[i+1]])
		}
	}
}

// stir lets everything happen to steps of a queue that can, and returns the
// rows it leaves aside.
func (e *env) stir(g *pipeline.Graph, due map[string]time.Time, r *rand.Rand) (aside []string) {
	for range 8 {
		ds := e.takeFor(10*e.tick(), g, "deliver", 12)
		for i, d := range ds {
			switch at := e.now().Add(time.Duration(r.IntN(80)) * e.tick()); i % 6 {
			case 0, 1, 2:
				e.settle(retry(d, at))
				due[d.Row] = at
			case 3:
				e.settle(processed(g, d))
				delete(due, d.Row)
			case 4:
				e.settle(released(d))
			default: // its lease runs out
				due[d.Row] = time.Time{}
			}
		}
		id := ds[0].Row
		if !slices.Contains(aside, id) {
			e.discard("", id)
			aside = append(aside, id)
		}
		e.pass(time.Duration(r.IntN(4)) * e.tick())
	}
	return aside
}

func receiveWaits(e *env) {
	q := e.request(single(e), "deliver", 1)
	start := time.Now()
	same(e, "deliveries", len(e.receive(q)), 0)
	if took := time.Since(start); took > e.tick()+e.slack() {
		e.Errorf("receive with wait 0 took %v", took)
	}
	q.Wait = 3 * e.tick()
	start = time.Now()
	same(e, "deliveries", len(e.receive(q)), 0)
	took := time.Since(start)
	if took < q.Wait-e.tick()/2 || took > q.Wait+2*e.tick()+e.slack() {
		e.Errorf("receive with wait %v took %v", q.Wait, took)
	}
}

func receiveWakes(e *env) {
	g := single(e)
	arrive := e.row(g)
	done := make(chan struct{})
	start := time.Now()
	go func() {
		defer close(done)
		time.Sleep(2 * e.tick())
		if _, err := e.b.Rows.Insert(e.Context(), arrive); err != nil {
			e.Errorf("inserting: %v", err)
		}
	}()
	q := e.request(g, "deliver", 1)
	q.Wait = 15 * e.tick()
	ds := e.receive(q)
	<-done
	same(e, "deliveries", len(ds), 1)
	if took := time.Since(start); took > 8*e.tick() {
		e.Errorf("what arrived after %v was delivered after %v", 2*e.tick(), took)
	}
	if len(ds) == 0 {
		return
	}
	start = time.Now()
	e.settle(retry(ds[0], e.now().Add(3*e.tick())))
	same(e, "deliveries after the backoff", len(e.receive(q)), 1)
	if took := time.Since(start); took > 9*e.tick() {
		e.Errorf("what was due after %v was delivered after %v", 3*e.tick(), took)
	}
}

func receiveCancelled(e *env) {
	g := single(e)
	ctx, cancel := context.WithTimeout(e.Context(), 2*e.tick())
	defer cancel()
	q := e.request(g, "deliver", 1)
	q.Wait = 15 * e.tick()
	start := time.Now()
	ds, err := e.b.Work.Receive(ctx, q)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		e.Errorf("receiving answers %v", err)
	}
	same(e, "deliveries", len(ds), 0)
	if took := time.Since(start); took > 4*e.tick() {
		e.Errorf("the context ended after %v, receive after %v", 2*e.tick(), took)
	}
	e.add(g)
	if ds, _ = e.b.Work.Receive(ctx, q); len(ds) == 0 {
		same(e, "attempt", e.take(g, "deliver").Attempt, 1)
	}
}

func receiveMarksRunning(e *env) {
	g := chain(e)
	id := e.add(g)
	before := e.flag(id, "validate").TouchedAt
	e.pass(e.tick())
	e.take(g, "validate")
	f := e.flag(id, "validate")
	same(e, "state", f.State, pipeline.StateRunning)
	same(e, "attempts", f.Attempts, 1)
	same(e, "worker", f.Worker, worker)
	if !f.TouchedAt.After(before) {
		e.Errorf("touched %v, not after %v", f.TouchedAt, before)
	}
	e.status(id, pipeline.StatusInProgress)
}
