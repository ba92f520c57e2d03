package pipelinetest

import (
	"slices"
	"time"

	"redrive/pipeline"
)

func unfinishedRules() []rule {
	return []rule{
		{name: "unfinished lists what nobody touched", run: unfinishedUntouched,
			rule: "Unfinished lists rows none of whose steps was touched since before."},
		{name: "unfinished by status", run: unfinishedByStatus,
			rule: "Unfinished lists accepted, in_progress and dead rows of its pipeline, no others."},
		{name: "unfinished oldest first", run: unfinishedOldestFirst,
			rule: "Unfinished lists oldest first, page by page without gaps or repeats."},
	}
}

func expireRules() []rule {
	return []rule{
		{name: "expire deletes finished rows only", run: expireFinishedOnly,
			rule: "Expire deletes done, rejected and discarded rows; rows under way and dead ones stay, however old."},
		{name: "expire keeps younger rows", run: expireKeepsYounger,
			rule: "Expire deletes rows of its pipeline accepted before then, up to limit."},
		{name: "expire forgets the key", run: expireForgetsKey,
			rule: "Expire deletes payload, attempts, results and idempotency key with the row."},
		{name: "expire leaves nothing behind", run: expireLeavesNothing,
			rule: "What an expired row left is in no list and no count."},
	}
}

func (e *env) unfinished(name string, before time.Time, limit int) []string {
	e.Helper()
	e.settled()
	rows := pages(e, "listing unfinished rows", func(cursor string) (pipeline.Page[pipeline.Row], error) {
		return e.b.Rows.Unfinished(e.Context(), name, before, cursor, limit)
	})
	return ids(rows, rowID)
}

func unfinishedUntouched(e *env) {
	g := join(e)
	first := e.add(g)
	e.process(g, "validate")
	second := e.add(g)
	e.pass(10 * e.tick())
	before := e.now().Add(-5 * e.tick())
	same(e, "untouched rows", e.unfinished("join", before, 10), []string{first, second})
	e.take(g, "validate")
	same(e, "after the second was received", e.unfinished("join", before, 10), []string{first})
	e.settle(retry(e.take(g, "notify"), e.now().Add(time.Hour)))
	same(e, "after one step of the first was tried", len(e.unfinished("join", before, 10)), 0)
	same(e, "untouched since later", len(e.unfinished("join", e.now().Add(time.Minute), 10)), 2)
}

func unfinishedByStatus(e *env) {
	all := zoo(e)
	later := e.now().Add(time.Minute)
	sameSet(e, "unfinished", e.unfinished("chain", later, 10),
		[]string{all["accepted"], all["enriching"], all["retrying"], all["dead"]})
	sameSet(e, "unfinished of another pipeline", e.unfinished("single", later, 10), []string{all["single"]})
	same(e, "unfinished of nobody", len(e.unfinished("nobody", later, 10)), 0)
}

func unfinishedOldestFirst(e *env) {
	want := e.addN(single(e), 4)
	r := e.row(single(e))
	for _, in := range e.insert(r, r, r, r, r) { // of one moment: in any order
		want = append(want, in.ID)
	}
	e.pass(time.Millisecond)
	want = append(want, e.add(single(e)))
	got := e.unfinished("single", e.now().Add(time.Minute), 3)
	sameSet(e, "rows", got, want)
	slices.Sort(want[4:9])
	slices.Sort(got[min(4, len(got)):min(9, len(got))])
	same(e, "rows by threes", got, want)
}

func (e *env) expire(g *pipeline.Graph, before time.Time, limit int) int {
	e.Helper()
	n, err := e.b.Rows.Expire(e.Context(), g.Pipeline(), before, limit)
	e.ok(err, "expiring")
	return n
}

func expireFinishedOnly(e *env) {
	all := zoo(e)
	same(e, "rows expired", e.expire(chain(e), e.now().Add(time.Hour), 100), 3)
	for _, n := range []string{"done", "rejected", "discarded"} {
		e.gone(all[n])
	}
	sameSet(e, "rows left", ids(e.list(pipeline.RowFilter{}), rowID),
		[]string{all["dead"], all["enriching"], all["retrying"], all["accepted"], all["single"]})
	same(e, "expired again", e.expire(chain(e), e.now().Add(time.Hour), 100), 0)
}

func expireKeepsYounger(e *env) {
	g := single(e)
	done := func(g *pipeline.Graph, at time.Time) string {
		r := e.row(g)
		r.At = at
		id := e.insert(r)[0].ID
		e.process(g, "deliver")
		return id
	}
	before := e.now().Add(-5 * e.tick())
	past := before.Add(-e.h.Grain - e.tick())
	old := []string{done(g, past), done(g, past.Add(time.Millisecond)), done(g, past.Add(2*time.Millisecond))}
	stranger := done(other(e), past)
	young := e.doneRow(g)
	same(e, "rows expired with a limit of 2", e.expire(g, before, 2), 2)
	same(e, "rows expired next", e.expire(g, before, 2), 1)
	for _, id := range old {
		e.gone(id)
	}
	e.status(young, pipeline.StatusDone)
	e.status(stranger, pipeline.StatusDone)
}

func expireForgetsKey(e *env) {
	g := single(e)
	first := e.insert(e.keyed(g, "k"))[0].ID
	e.process(g, "deliver")
	e.expire(g, e.now().Add(time.Hour), 10)
	e.gone(first)
	again := e.insert(e.keyed(g, "k"))[0]
	same(e, "the key is a duplicate", again.Duplicate, false)
	d := e.get(again.ID)
	same(e, "attempts, results of the new row", len(d.Attempts)+len(d.Results), 0)
	same(e, "attempt", e.take(g, "deliver").Attempt, 1)
}

func expireLeavesNothing(e *env) {
	g := chain(e)
	id, _ := e.deadRow(g)
	e.discard("op-1", id)
	held := e.add(g)
	d := e.take(g, "validate")
	e.discard("op-1", held)
	same(e, "rows expired", e.expire(g, e.now().Add(time.Hour), 10), 2)
	same(e, "letters", len(e.letters(pipeline.LetterFilter{})), 0)
	same(e, "rows still discarded", len(e.discarded("op-1")), 0)
	c := e.counts()
	for status, n := range c.Rows["chain"] {
		same(e, "rows "+string(status), n, int64(0))
	}
	e.answers("settling a row that is gone", e.trySettle(processed(g, d)), pipeline.ErrLeaseLost)
	e.nothing(g, "validate", "enrich")
}
