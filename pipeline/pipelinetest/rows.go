package pipelinetest

import (
	"context"
	"regexp"
	"strings"
	"sync"

	"redrive/pipeline"
)

func rowRules() []rule {
	return []rule{
		{name: "insert queues the roots", run: insertQueuesRoots,
			rule: "Insert stores rows and queues their roots in the same durable write."},
		{name: "insert keeps the row", run: insertKeepsRow,
			rule: "Get returns a row with everything kept of it; times as given, in UTC, to the millisecond."},
		{name: "payload byte for byte", run: payloadByteForByte,
			rule: "A payload is kept and delivered byte for byte, whatever it is."},
		{name: "insert answers in order", run: insertAnswersInOrder,
			rule: "Insert gives one answer a row, in order."},
		{name: "insert of nothing", run: insertNothing,
			rule: "A batch of nothing is no mistake and answers nothing."},
		{name: "ids fit a path", run: idsFitPath,
			rule: "Ids are unique URL-safe strings of at most 64 characters."},
		{name: "known key answers the first row", run: keyOverCalls,
			rule: "A key that is known for its pipeline answers the first row's id and stores nothing."},
		{name: "known key within one call", run: keyWithinCall,
			rule: "A known key answers the first row's id also for two rows of one call."},
		{name: "known key at once", run: keyAtOnce, crowd: true,
			rule: "Of many callers who insert a key at once, one stores a row and all get its id."},
		{name: "key belongs to its pipeline", run: keyPerPipeline,
			rule: "A key is known for its pipeline, not for others."},
		{name: "no key is no key", run: noKey,
			rule: "An empty idempotency key is none: each row is stored."},
		{name: "duplicate tells the stored status", run: duplicateStatus,
			rule: "Inserted.Status is the status of the stored row."},
		{name: "rejected rows never run", run: rejectedNeverRun,
			rule: "A rejected row is kept with its error, has no cells and is never run."},
		{name: "unknown ids of any form", run: unknownIDs,
			rule: "Get answers ErrNotFound for an id that does not exist, whatever its form."},
		{name: "insert of a cancelled caller", run: insertCancelled,
			rule: "A write whose context is over answers an error and leaves nothing half done."},
	}
}

func insertQueuesRoots(e *env) {
	g := nested(e)
	id := e.add(g)
	d := e.get(id)
	same(e, "status", d.Status, pipeline.StatusAccepted)
	sameSet(e, "cells", ids(d.Steps, func(f pipeline.Flag) string { return f.Name }), g.Roots())
	for _, step := range g.Roots() {
		f, _ := d.Flag(step)
		same(e, step+" state", f.State, pipeline.StateQueued)
		same(e, step+" attempts", f.Attempts, 0)
		if f.TouchedAt.IsZero() {
			e.Errorf("%s was never touched", step)
		}
		same(e, step+" delivers row", e.take(g, step).Row, id)
	}
	e.nothing(g, g.Later()...)
}

func insertKeepsRow(e *env) {
	in := e.keyed(single(e), "delivery-1")
	id := e.insert(in)[0].ID
	d := e.get(id)
	same(e, "id", d.ID, id)
	same(e, "pipeline", d.Pipeline, in.Pipeline)
	same(e, "graph", d.Graph, in.Graph.ID())
	same(e, "key", d.Key, in.Key)
	same(e, "content type", d.ContentType, in.ContentType)
	same(e, "label", d.Label, in.Label)
	same(e, "payload", string(d.Payload), string(in.Payload))
	same(e, "size", d.Size, len(in.Payload))
	same(e, "error", d.Error, "")
	same(e, "created", d.CreatedAt, in.At)
	same(e, "location", d.CreatedAt.Location().String(), "UTC")
	same(e, "attempts", len(d.Attempts), 0)
	same(e, "results", len(d.Results), 0)
	if d.UpdatedAt.Before(in.At) {
		e.Errorf("updated %v, before it was accepted", d.UpdatedAt)
	}
}

func payloadByteForByte(e *env) {
	for what, payload := range map[string][]byte{
		"nothing":      {},
		"NUL":          {0},
		"no UTF-8":     {0xff, 0xfe, 0x00, 0x80, 'a'},
		"quotes":       []byte(`it's "quoted" %_\ ` + "\r\n\t"),
		"other alpha":  []byte("żółć 漢字 🚦"),
		"a large body": []byte(strings.Repeat("0123456789abcdef", 16<<10)),
	} {
		in := e.row(single(e))
		in.Payload, in.ContentType = payload, "application/octet-stream"
		id := e.insert(in)[0].ID
		same(e, what+", kept,", string(e.get(id).Payload), string(payload))
		d := e.take(single(e), "deliver")
		same(e, what+", delivered,", string(d.Payload), string(payload))
		same(e, what+", content type,", d.ContentType, in.ContentType)
		e.settle(processed(single(e), d))
	}
}

func insertAnswersInOrder(e *env) {
	var rows []pipeline.NewRow
	for i := range e.samples {
		r := e.keyed([]*pipeline.Graph{single(e), chain(e)}[i%2], e.samples[i].ID)
		rows = append(rows, r)
	}
	for i, in := range e.insert(rows...) {
		d := e.get(in.ID)
		same(e, "label", d.Label, rows[i].Label)
		same(e, "key", d.Key, rows[i].Key)
		same(e, "pipeline", d.Pipeline, rows[i].Pipeline)
		same(e, "payload", string(d.Payload), string(rows[i].Payload))
		same(e, "duplicate", in.Duplicate, false)
		same(e, "status", in.Status, pipeline.StatusAccepted)
	}
}

func insertNothing(e *env) {
	e.insert()
	errs, err := e.b.Work.Settle(e.Context())
	e.ok(err, "settling nothing")
	e.answers("settling nothing", errs)
	errs, err = e.b.Work.Extend(e.Context(), e.hide())
	e.ok(err, "extending nothing")
	e.answers("extending nothing", errs)
	errs, err = e.b.Moves.Requeue(e.Context(), nil)
	e.ok(err, "requeueing nothing")
	e.answers("requeueing nothing", errs)
	e.ok(e.b.Metrics.Put(e.Context()), "putting no points")
	e.ok(e.b.Audit.Append(e.Context()), "appending no entries")
}

func idsFitPath(e *env) {
	fits := regexp.MustCompile(`^[A-Za-z0-9._~-]{1,64}$`)
	seen := map[string]bool{}
	for range 30 {
		id := e.add(single(e))
		if !fits.MatchString(id) || seen[id] {
			e.Errorf("id %q is given twice or does not fit a path", id)
		}
		seen[id] = true
	}
}

func keyOverCalls(e *env) {
	first := e.insert(e.keyed(single(e), "k"))[0]
	e.pass(e.tick())
	second := e.insert(e.keyed(single(e), "k"))[0]
	same(e, "the first is a duplicate", first.Duplicate, false)
	same(e, "the second is a duplicate", second.Duplicate, true)
	same(e, "the second's id", second.ID, first.ID)
	same(e, "rows", len(e.list(pipeline.RowFilter{})), 1)
	same(e, "deliveries", len(e.takeN(single(e), "deliver", 1)), 1)
	e.nothing(single(e), "deliver")
}

func keyWithinCall(e *env) {
	got := e.insert(e.keyed(single(e), "a"), e.keyed(single(e), "b"), e.keyed(single(e), "a"), e.row(single(e)))
	same(e, "third id", got[2].ID, got[0].ID)
	same(e, "duplicates", []bool{got[0].Duplicate, got[1].Duplicate, got[2].Duplicate, got[3].Duplicate},
		[]bool{false, false, true, false})
	same(e, "rows", len(e.list(pipeline.RowFilter{})), 3)
	e.takeRows(single(e), "deliver", 3)
	e.nothing(single(e), "deliver")
}

func keyAtOnce(e *env) {
	const callers = 16
	all := e.processes()
	r := e.keyed(single(e), "k")
	var mu sync.Mutex
	first, ids := 0, map[string]bool{}
	crowd(callers, func(i int) {
		got, err := all[i%len(all)].Rows.Insert(e.Context(), r)
		if err != nil {
			e.Errorf("inserting: %v", err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		ids[got[0].ID] = true
		if !got[0].Duplicate {
			first++
		}
	})
	same(e, "ids", len(ids), 1)
	same(e, "callers who stored the row", first, 1)
	same(e, "rows", len(e.list(pipeline.RowFilter{})), 1)
}

func keyPerPipeline(e *env) {
	got := e.insert(e.keyed(single(e), "k"), e.keyed(other(e), "k"))
	same(e, "the second is a duplicate", got[1].Duplicate, false)
	same(e, "rows", len(e.list(pipeline.RowFilter{})), 2)
}

func noKey(e *env) {
	r := e.row(single(e))
	e.insert(r, r)
	e.insert(r)
	same(e, "rows", len(e.list(pipeline.RowFilter{})), 3)
}

func duplicateStatus(e *env) {
	g := single(e)
	bad := e.rejected(g)
	bad.Key = "bad"
	same(e, "a new rejected row", e.insert(bad)[0].Status, pipeline.StatusRejected)
	again := e.insert(e.keyed(g, "bad"))[0]
	same(e, "key of a rejected row is a duplicate", again.Duplicate, true)
	same(e, "key of a rejected row", again.Status, pipeline.StatusRejected)

	e.insert(e.keyed(g, "good"))
	same(e, "key of an accepted row", e.insert(e.keyed(g, "good"))[0].Status, pipeline.StatusAccepted)
	e.process(g, "deliver")
	same(e, "key of a done row", e.insert(e.keyed(g, "good"))[0].Status, pipeline.StatusDone)
	e.nothing(g, "deliver")
}

func rejectedNeverRun(e *env) {
	in := e.rejected(chain(e))
	got := e.insert(in)[0]
	same(e, "status", got.Status, pipeline.StatusRejected)
	d := e.get(got.ID)
	same(e, "cells", len(d.Steps), 0)
	same(e, "error", d.Error, in.Error)
	same(e, "payload", string(d.Payload), string(in.Payload))
	e.status(got.ID, pipeline.StatusRejected)
	e.nothing(chain(e), "validate", "enrich", "deliver")
	same(e, "waiting", e.counts().Steps[pipeline.StepKey{Pipeline: "chain", Step: "enrich"}].Waiting, int64(0))
}

func unknownIDs(e *env) {
	id := e.add(single(e))
	for _, wrong := range []string{
		"", " ", "0", "-1", "x", "null", id + "0", id[:len(id)-1], " " + id, id + "\x00", pipeline.NewID(),
		strings.Repeat("0", 26), strings.Repeat("z", 26), strings.Repeat("a", 5000), "../../etc/passwd",
		"'; drop table rows; --", "漢字", "\xff\xfe", "%", "9223372036854775808", "1e3",
	} {
		e.gone(wrong)
		errs, err := e.b.Moves.Discard(e.Context(), nil, "", "test", wrong)
		e.ok(err, "discarding an unknown row")
		e.answers("discarding an unknown row", errs, pipeline.ErrNotFound)
		errs, err = e.b.Moves.Requeue(e.Context(), nil, move(wrong, "deliver", pipeline.StateDead, e.now()))
		e.ok(err, "requeueing an unknown row")
		e.answers("requeueing an unknown row", errs, pipeline.ErrNotFound)
	}
	e.status(id, pipeline.StatusAccepted)
}

func insertCancelled(e *env) {
	ctx, cancel := context.WithCancel(e.Context())
	cancel()
	if _, err := e.b.Rows.Insert(ctx, e.keyed(single(e), "k")); err == nil {
		e.Errorf("insert with a cancelled context answers no error")
	}
	if _, err := e.b.Rows.List(ctx, pipeline.RowFilter{Limit: 1}); err == nil {
		e.Errorf("list with a cancelled context answers no error")
	}
	same(e, "the repeat is a duplicate", e.insert(e.keyed(single(e), "k"))[0].Duplicate, false)
	same(e, "rows", len(e.list(pipeline.RowFilter{})), 1)
}
