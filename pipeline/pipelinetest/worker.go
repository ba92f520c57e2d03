package pipelinetest

import (
	"time"

	"redrive/pipeline"
)

// These are the moves of a worker: take what is queued, settle it one way or
// another.

func (e *env) request(g *pipeline.Graph, step string, n int) pipeline.ReceiveRequest {
	return pipeline.ReceiveRequest{Pipeline: g.Pipeline(), Step: step, N: n, Hide: e.hide(), Worker: worker, Exclusive: e.h.Exclusive}
}

func (e *env) receive(q pipeline.ReceiveRequest) []pipeline.Delivery {
	e.Helper()
	ds, err := e.b.Work.Receive(e.Context(), q)
	e.ok(err, "receiving from "+q.Pipeline+"/"+q.Step)
	return ds
}

// takeFor receives exactly n deliveries under leases of the given length,
// asking again as long as a queue answers with a part of what it has.
func (e *env) takeFor(hide time.Duration, g *pipeline.Graph, step string, n int) []pipeline.Delivery {
	e.Helper()
	var ds []pipeline.Delivery
	for len(ds) < n {
		q := e.request(g, step, n-len(ds))
		q.Hide, q.Wait = hide, 3*e.tick()+e.slack()
		more := e.receive(q)
		if len(more) == 0 {
			e.Fatalf("received %d of %d deliveries from %s/%s", len(ds), n, g.Pipeline(), step)
		}
		ds = append(ds, more...)
	}
	return ds
}

func (e *env) takeN(g *pipeline.Graph, step string, n int) []pipeline.Delivery {
	e.Helper()
	return e.takeFor(e.hide(), g, step, n)
}

func (e *env) take(g *pipeline.Graph, step string) pipeline.Delivery {
	e.Helper()
	return e.takeN(g, step, 1)[0]
}

// takeRows receives a step of n rows, by row.
func (e *env) takeRows(g *pipeline.Graph, step string, n int) map[string]pipeline.Delivery {
	e.Helper()
	m := make(map[string]pipeline.Delivery, n)
	for _, d := range e.takeN(g, step, n) {
		m[d.Row] = d
	}
	if len(m) != n {
		e.Fatalf("%d deliveries from %s/%s are of %d rows", n, g.Pipeline(), step, len(m))
	}
	return m
}

// nothing checks that a queue gives nothing out.
func (e *env) nothing(g *pipeline.Graph, steps ...string) {
	e.Helper()
	for _, step := range steps {
		q := e.request(g, step, 10)
		q.Wait = e.h.Precision
		if ds := e.receive(q); len(ds) > 0 {
			e.Errorf("%s/%s gives out %d deliveries, want none", g.Pipeline(), step, len(ds))
		}
	}
}

func (e *env) trySettle(outcomes ...pipeline.Outcome) []error {
	e.Helper()
	errs, err := e.b.Work.Settle(e.Context(), outcomes...)
	e.ok(err, "settling")
	return errs
}

// settle writes outcomes that all must be written.
func (e *env) settle(outcomes ...pipeline.Outcome) {
	e.Helper()
	e.answers("settling", e.trySettle(outcomes...), make([]error, len(outcomes))...)
}

// process runs steps of the only row in their queues, one after the other.
func (e *env) process(g *pipeline.Graph, steps ...string) {
	e.Helper()
	for _, step := range steps {
		e.settle(processed(g, e.take(g, step)))
	}
}

// kill takes the only delivery of a step, gives it up and returns its letter.
func (e *env) kill(g *pipeline.Graph, step string) pipeline.DeadLetter {
	e.Helper()
	d := e.take(g, step)
	e.settle(dead(d, "502 from downstream"))
	return e.letter(d.Row, step)
}

// deadRow inserts a row and gives up its first step.
func (e *env) deadRow(g *pipeline.Graph) (string, pipeline.DeadLetter) {
	e.Helper()
	id := e.add(g)
	return id, e.kill(g, g.Roots()[0])
}

// doneRow inserts a row and runs all its steps.
func (e *env) doneRow(g *pipeline.Graph) string {
	e.Helper()
	id := e.add(g)
	for _, n := range g.Nodes() {
		e.process(g, n.Name)
	}
	e.status(id, pipeline.StatusDone)
	return id
}

func attempt(d pipeline.Delivery, outcome pipeline.AttemptOutcome) pipeline.Attempt {
	return pipeline.Attempt{Step: d.Step, Number: d.Attempt, StartedAt: time.Now().UTC().Truncate(time.Millisecond),
		Duration: 25 * time.Millisecond, Outcome: outcome, Worker: worker}
}

func processed(g *pipeline.Graph, d pipeline.Delivery) pipeline.Outcome {
	a := attempt(d, pipeline.AttemptProcessed)
	a.StatusCode = 200
	out := pipeline.Outcome{Delivery: d, Verdict: pipeline.Processed, Attempt: a,
		Result: []byte(`{"step":"` + d.Step + `"}`), Sinks: g.Sinks()}
	if !d.Alone {
		out.Unlocks = g.Unlocks(d.Step)
	}
	return out
}

func retry(d pipeline.Delivery, at time.Time) pipeline.Outcome {
	a := attempt(d, pipeline.AttemptFailed)
	a.StatusCode, a.Error = 503, "503 Service Unavailable"
	return pipeline.Outcome{Delivery: d, Verdict: pipeline.Retry, Attempt: a, RetryAt: at}
}

func throttled(d pipeline.Delivery, at time.Time) pipeline.Outcome {
	a := attempt(d, pipeline.AttemptThrottled)
	a.StatusCode, a.Error = 429, "429 Too Many Requests"
	return pipeline.Outcome{Delivery: d, Verdict: pipeline.Retry, Attempt: a, RetryAt: at, Free: true}
}

func dead(d pipeline.Delivery, text string) pipeline.Outcome {
	a := attempt(d, pipeline.AttemptDead)
	a.StatusCode, a.Error = 502, text
	failed := d.FirstFailedAt
	if failed.IsZero() {
		failed = a.StartedAt
	}
	return pipeline.Outcome{Delivery: d, Verdict: pipeline.Dead, Attempt: a,
		Letter: pipeline.NewLetter{Kind: pipeline.LetterHandler, Group: "group-" + d.Step, Cause: text,
			Error: text, StatusCode: 502, FirstFailedAt: failed}}
}

func released(d pipeline.Delivery) pipeline.Outcome {
	return pipeline.Outcome{Delivery: d, Verdict: pipeline.Release}
}

// each applies one kind of outcome to many deliveries.
func each(ds []pipeline.Delivery, out func(pipeline.Delivery) pipeline.Outcome) []pipeline.Outcome {
	all := make([]pipeline.Outcome, len(ds))
	for i, d := range ds {
		all[i] = out(d)
	}
	return all
}

// letters lists all dead letters a filter selects, page by page.
func (e *env) letters(f pipeline.LetterFilter) []pipeline.DeadLetter {
	e.Helper()
	e.settled()
	if f.Limit == 0 {
		f.Limit = 100
	}
	return pages(e, "listing dead letters", func(cursor string) (pipeline.Page[pipeline.DeadLetter], error) {
		f.Cursor = cursor
		return e.b.Letters.List(e.Context(), f)
	})
}

// letter returns the dead letter of a step of a row.
func (e *env) letter(row, step string) pipeline.DeadLetter {
	e.Helper()
	for _, l := range e.letters(pipeline.LetterFilter{}) {
		if l.Row == row && l.Step == step {
			return l
		}
	}
	e.Fatalf("row %s has no dead letter of %s", row, step)
	return pipeline.DeadLetter{}
}

// list lists all rows a filter selects, page by page.
func (e *env) list(f pipeline.RowFilter) []pipeline.Row {
	e.Helper()
	e.settled()
	if f.Limit == 0 {
		f.Limit = 100
	}
	return pages(e, "listing rows", func(cursor string) (pipeline.Page[pipeline.Row], error) {
		f.Cursor = cursor
		return e.b.Rows.List(e.Context(), f)
	})
}

// pages reads a list from its first page to its last.
func pages[T any](e *env, doing string, page func(cursor string) (pipeline.Page[T], error)) []T {
	e.Helper()
	var all []T
	cursor := ""
	for range 10_000 {
		p, err := page(cursor)
		e.ok(err, doing)
		all = append(all, p.Items...)
		if p.Next == "" {
			return all
		}
		cursor = p.Next
	}
	e.Fatalf("%s: no last page", doing)
	return nil
}

func ids[T any](items []T, id func(T) string) []string {
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = id(it)
	}
	return out
}

func rowID(r pipeline.Row) string             { return r.ID }
func letterID(l pipeline.DeadLetter) string   { return l.ID }
func deliveredRow(d pipeline.Delivery) string { return d.Row }
func entryID(x pipeline.Entry) string         { return x.ID }
func recordID(r pipeline.Record) string       { return r.ID }
func insertedID(i pipeline.Inserted) string   { return i.ID }
