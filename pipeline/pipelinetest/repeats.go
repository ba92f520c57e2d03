package pipelinetest

import (
	"errors"
	"fmt"
	"time"

	"redrive/pipeline"
)

func repeatRules() []rule {
	const once = "Every write is safe to repeat, also one that was done and whose answer got lost."
	breaks := func(h Harness) bool { return h.Break != nil }
	return []rule{
		{name: "insert whose answer is lost", run: insertLost, rule: once},
		{name: "receive whose answer is lost", run: receiveLost,
			rule: "A lease nobody knows of runs out like any other."},
		{name: "settle whose answer is lost", run: settleLost, rule: once},
		{name: "moves whose answer is lost", run: movesLost, rule: once},
		{name: "records and entries whose answer is lost", run: recordsLost, rule: once},
		{name: "any one call fails", run: anyCallFails,
			rule: "Whatever call fails or loses its answer, a worker that tries again brings the row to its end, each flag set once."},
		{name: "a store out of reach", run: outOfReach, needs: breaks,
			rule: "A store that cannot be read or written answers an Error with CodeUnavailable."},
		{name: "ready", run: func(e *env) { e.ok(e.b.Ready(e.Context()), "asking whether the store is ready") },
			rule: "Ready tells whether the store answers and can be written."},
	}
}

// losing returns the backend with one method losing its first answer.
func (e *env) losing(method string) pipeline.Backend {
	return Faulty(e.b, &Fault{Method: method, Nth: 1, Lost: true})
}

func (e *env) unavailable(doing string, err error) {
	e.Helper()
	if !errors.Is(err, pipeline.ErrUnavailable) {
		e.Errorf("%s answers %v, want unavailable", doing, err)
	}
}

func insertLost(e *env) {
	b, r := e.losing("Rows.Insert"), e.keyed(single(e), "k")
	_, err := b.Rows.Insert(e.Context(), r)
	e.unavailable("inserting", err)
	got, err := b.Rows.Insert(e.Context(), r)
	e.ok(err, "inserting again")
	same(e, "duplicate", got[0].Duplicate, true)
	same(e, "rows", len(e.list(pipeline.RowFilter{})), 1)
	e.take(single(e), "deliver")
	e.nothing(single(e), "deliver")
}

func receiveLost(e *env) {
	g := single(e)
	e.add(g)
	b, q := e.losing("Work.Receive"), e.request(g, "deliver", 1)
	q.Hide, q.Wait = 3*e.tick(), 2*e.tick()
	_, err := b.Work.Receive(e.Context(), q)
	e.unavailable("receiving", err)
	e.pass(4*e.tick() + e.h.Precision)
	same(e, "attempt", e.take(g, "deliver").Attempt, 2)
}

func settleLost(e *env) {
	g := join(e)
	id := e.add(g)
	b, out := e.losing("Work.Settle"), processed(g, e.take(g, "validate"))
	_, err := b.Work.Settle(e.Context(), out)
	e.unavailable("settling", err)
	errs, err := b.Work.Settle(e.Context(), out)
	e.ok(err, "settling again")
	if errs[0] != nil {
		e.answers("settling again", errs, pipeline.ErrLeaseLost)
	}
	same(e, "attempts kept", len(e.get(id).Attempts), 1)
	e.process(g, "index", "notify", "report")
	e.nothing(g, "validate", "index", "notify", "report")
	e.status(id, pipeline.StatusDone)
}

func movesLost(e *env) {
	g := single(e)
	id, letter := e.deadRow(g)
	entry := e.entry("redrive.move", "rows/"+id)
	m := operated(id, e, "op-1")
	m.Letter = letter.ID
	b := e.losing("Moves.Requeue")
	_, err := b.Moves.Requeue(e.Context(), entry, m)
	e.unavailable("requeueing", err)
	errs, err := b.Moves.Requeue(e.Context(), entry, m)
	e.ok(err, "requeueing again")
	e.answers("requeueing again", errs, pipeline.ErrChanged)
	same(e, "progress", e.progress("op-1"), pipeline.Progress{Moved: 1})
	same(e, "entries", len(e.entries(pipeline.AuditFilter{})), 1)
	same(e, "attempt", e.take(g, "deliver").Attempt, 2)
	e.nothing(g, "deliver")

	b = e.losing("Moves.Discard")
	_, err = b.Moves.Discard(e.Context(), nil, "op-2", "why", id)
	e.unavailable("discarding", err)
	errs, err = b.Moves.Discard(e.Context(), nil, "op-2", "why", id)
	e.ok(err, "discarding again")
	e.answers("discarding again", errs, pipeline.ErrChanged)
	same(e, "rows discarded", e.discarded("op-2"), []string{id})
}

func recordsLost(e *env) {
	b, entry := e.losing("Records.Put"), e.entry("breaker.force", "breakers/search")
	r := document("breaker", "search", 0, "open")
	e.unavailable("putting", b.Records.Put(e.Context(), entry, r))
	e.wantVersionError(b.Records.Put(e.Context(), entry, r), "putting again")
	same(e, "data", string(e.record("breaker", "search").Data), `"open"`)
	same(e, "entries", len(e.entries(pipeline.AuditFilter{})), 1)

	b = e.losing("Audit.Append")
	x := *e.entry("login.fail", "users/ada")
	e.unavailable("appending", b.Audit.Append(e.Context(), x))
	e.ok(b.Audit.Append(e.Context(), x), "appending again")
	same(e, "entries", len(e.entries(pipeline.AuditFilter{})), 2)
}

func anyCallFails(e *env) {
	g := join(e)
	for _, lost := range []bool{false, true} {
		for n := 1; n <= 12; n++ {
			e.stumble(g, &Fault{Nth: n, Lost: lost})
		}
	}
}

// stumble brings a row to its end with one call that fails on the way.
func (e *env) stumble(g *pipeline.Graph, f *Fault) {
	b := Faulty(e.b, f)
	what := fmt.Sprintf("call %d fails (lost: %v): ", f.Nth, f.Lost)
	r := e.keyed(g, pipeline.NewID())
	in, err := b.Rows.Insert(e.Context(), r)
	if err != nil {
		in, err = b.Rows.Insert(e.Context(), r)
	}
	e.ok(err, what+"inserting again")
	id := in[0].ID
	for range 4 * len(g.Nodes()) {
		for _, n := range g.Nodes() {
			e.tryStep(b, g, n.Name)
		}
		if e.get(id).Status == pipeline.StatusDone {
			break
		}
		e.pass(e.tick())
	}
	d := e.get(id)
	same(e, what+"status", d.Status, pipeline.StatusDone)
	flags := map[string]int{}
	for _, a := range d.Attempts {
		if a.Outcome == pipeline.AttemptProcessed {
			flags[a.Step]++
		}
	}
	for _, n := range g.Nodes() {
		same(e, what+"flags set of "+n.Name, flags[n.Name], 1)
		e.nothing(g, n.Name)
	}
}

// tryStep is a worker's round: receive, and settle until the store has answered.
func (e *env) tryStep(b pipeline.Backend, g *pipeline.Graph, step string) {
	q := e.request(g, step, 10)
	q.Hide, q.Wait = 2*e.tick(), e.h.Precision
	ds, err := b.Work.Receive(e.Context(), q)
	if err != nil || len(ds) == 0 {
		return
	}
	out := each(ds, func(d pipeline.Delivery) pipeline.Outcome { return processed(g, d) })
	if _, err = b.Work.Settle(e.Context(), out...); err != nil {
		_, err = b.Work.Settle(e.Context(), out...)
	}
	e.ok(err, "settling again")
}

func outOfReach(e *env) {
	g := single(e)
	id := e.add(g)
	d := e.take(g, "deliver")
	e.h.Break(e.T, e.b)
	ctx, b, at := e.Context(), e.b, time.Now()
	calls := map[string]func() error{
		"Ready":           func() error { return b.Ready(ctx) },
		"Rows.Insert":     func() error { _, err := b.Rows.Insert(ctx, e.row(g)); return err },
		"Rows.Get":        func() error { _, err := b.Rows.Get(ctx, id); return err },
		"Rows.List":       func() error { _, err := b.Rows.List(ctx, pipeline.RowFilter{Limit: 1}); return err },
		"Rows.Unfinished": func() error { _, err := b.Rows.Unfinished(ctx, "single", at, "", 1); return err },
		"Rows.Expire":     func() error { _, err := b.Rows.Expire(ctx, "single", at, 1); return err },
		"Work.Receive":    func() error { _, err := b.Work.Receive(ctx, e.request(g, "deliver", 1)); return err },
		"Work.Extend":     func() error { _, err := b.Work.Extend(ctx, e.hide(), d); return err },
		"Work.Settle":     func() error { _, err := b.Work.Settle(ctx, processed(g, d)); return err },
		"Moves.Requeue": func() error {
			_, err := b.Moves.Requeue(ctx, nil, move(id, "deliver", pipeline.StateRunning, at))
			return err
		},
		"Moves.Discard":   func() error { _, err := b.Moves.Discard(ctx, nil, "", "why", id); return err },
		"Moves.Restore":   func() error { _, err := b.Moves.Restore(ctx, nil, "", id); return err },
		"Moves.Discarded": func() error { _, err := b.Moves.Discarded(ctx, "op-1", "", 1); return err },
		"Moves.Progress":  func() error { _, err := b.Moves.Progress(ctx, "op-1"); return err },
		"Letters.List":    func() error { _, err := b.Letters.List(ctx, pipeline.LetterFilter{Limit: 1}); return err },
		"Letters.Count":   func() error { _, err := b.Letters.Count(ctx, pipeline.LetterFilter{}); return err },
		"Letters.Groups":  func() error { _, err := b.Letters.Groups(ctx, "", ""); return err },
		"Metrics.Put":     func() error { return b.Metrics.Put(ctx, point(at, "deliver", 1)) },
		"Metrics.Query": func() error {
			_, err := b.Metrics.Query(ctx, pipeline.MetricQuery{Metric: "x", From: at, To: at.Add(slot), Period: slot})
			return err
		},
		"Metrics.Counts": func() error { _, err := b.Metrics.Counts(ctx); return err },
		"Metrics.Trim":   func() error { return b.Metrics.Trim(ctx, at, at) },
		"Records.Get":    func() error { _, err := b.Records.Get(ctx, "k", "a"); return err },
		"Records.List":   func() error { _, err := b.Records.List(ctx, "k", "", 1); return err },
		"Records.Put":    func() error { return b.Records.Put(ctx, nil, document("k", "a", 0, "x")) },
		"Audit.Append":   func() error { return b.Audit.Append(ctx, *e.entry("row.discard", "rows/1")) },
		"Audit.List":     func() error { _, err := b.Audit.List(ctx, pipeline.AuditFilter{Limit: 1}); return err },
	}
	for name, call := range calls {
		e.unavailable(name, call())
	}
}
