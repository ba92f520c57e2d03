package pipelinetest

import (
	"errors"
	"time"

	"redrive/pipeline"
)

func restartRules() []rule {
	reopens := func(h Harness) bool { return h.Reopen != nil }
	peers := func(h Harness) bool { return h.Peer != nil }
	return []rule{
		{name: "a restart keeps everything", run: restartKeeps, needs: reopens,
			rule: "What a method answered without an error is durable."},
		{name: "a restart goes on with the work", run: restartGoesOn, needs: reopens,
			rule: "Queued and retrying steps are in their queues after a restart, when they are due."},
		{name: "leases of a process that is gone", run: restartLeases, needs: reopens,
			rule: "A lease of a process that is gone comes back at the latest when it runs out, its attempt kept as lost."},
		{name: "an outcome from before the restart", run: restartSettle, needs: reopens,
			rule: "A delivery from before a restart is settled if its lease is still the current one, else it changes nothing."},
		{name: "a zombie from before the restart", run: restartZombie, needs: reopens,
			rule: "A lease from before a restart is never taken for one given out after it."},
		{name: "a restart while rows are set aside", run: restartDiscarded, needs: reopens,
			rule: "Discarded rows stay aside over a restart, also those with a step that was running."},
		{name: "seen by every process", run: seenByPeers, needs: peers,
			rule: "What a method answered is seen by every later call of any process."},
	}
}

func (e *env) reopen() {
	e.Helper()
	e.b = e.h.Reopen(e.T, e.b)
}

// everything reads all there is, by what it is.
func (e *env) everything() map[string]any {
	e.Helper()
	all := map[string]any{
		"rows": e.list(pipeline.RowFilter{}), "letters": e.letters(pipeline.LetterFilter{}), "groups": e.groups("", ""),
		"counters": e.counts(), "entries": e.entries(pipeline.AuditFilter{}), "progress": e.progress("op-1"),
		"discarded": e.discarded("op-1"), "record": e.record("breaker", "search"),
		"metrics": e.query("deliver", e.hour(), e.hour().Add(time.Hour), slot),
	}
	for _, r := range e.list(pipeline.RowFilter{}) {
		all["row "+r.ID] = e.get(r.ID)
	}
	return all
}

// fill writes something of everything, with no step running at the end.
func (e *env) fill() {
	e.Helper()
	g := single(e)
	e.insert(e.keyed(chain(e), "k"), e.rejected(chain(e)))
	e.doneRow(g)
	again, _ := e.deadRow(g)
	e.requeue(operated(again, e, "op-1"))
	e.kill(g, "deliver")
	aside, _ := e.deadRow(g)
	e.discard("op-1", aside)
	e.add(g)
	e.settle(retry(e.take(g, "deliver"), e.now().Add(90*e.tick())))
	e.add(g)
	e.append(*e.entry("row.discard", "rows/"+aside))
	e.putRecords(document("breaker", "search", 0, "open"))
	e.put(point(e.hour(), "deliver", 1, 2))
}

func restartKeeps(e *env) {
	e.fill()
	before := e.everything()
	e.reopen()
	for what, now := range e.everything() {
		same(e, what, now, before[what])
	}
	same(e, "a known key is a duplicate", e.insert(e.keyed(chain(e), "k"))[0].Duplicate, true)
	e.wantVersionError(e.tryPut(document("breaker", "search", 0, "closed")), "a new record again")
}

func restartGoesOn(e *env) {
	g := single(e)
	e.fill()
	e.reopen()
	e.process(g, "deliver")
	e.nothing(g, "deliver")
	e.pass(91*e.tick() + e.h.Precision)
	d := e.take(g, "deliver")
	same(e, "attempt", d.Attempt, 2)
	same(e, "spent", d.Spent, 1)
	e.process(chain(e), "validate", "enrich", "deliver")
}

func restartLeases(e *env) {
	g := chain(e)
	id := e.add(g)
	e.takeFor(5*e.tick(), g, "validate", 1)
	e.reopen()
	e.pass(6*e.tick() + e.h.Precision)
	d := e.take(g, "validate")
	same(e, "row", d.Row, id)
	same(e, "attempt", d.Attempt, 2)
	same(e, "spent", d.Spent, 1)
	attempts := e.get(id).Attempts
	same(e, "attempts kept", len(attempts), 1)
	if len(attempts) == 1 {
		same(e, "outcome", attempts[0].Outcome, pipeline.AttemptLost)
	}
	e.settle(processed(g, d))
	e.process(g, "enrich", "deliver")
	e.status(id, pipeline.StatusDone)
}

func restartSettle(e *env) {
	g := chain(e)
	id := e.add(g)
	d := e.takeFor(5*e.tick(), g, "validate", 1)[0]
	e.reopen()
	switch err := e.trySettle(processed(g, d))[0]; {
	case err == nil:
	case errors.Is(err, pipeline.ErrLeaseLost):
		e.pass(6*e.tick() + e.h.Precision)
		e.process(g, "validate")
	default:
		e.Errorf("settling answers %v", err)
	}
	e.nothing(g, "validate")
	e.process(g, "enrich", "deliver")
	e.status(id, pipeline.StatusDone)
}

func restartZombie(e *env) {
	g := single(e)
	rows := e.addN(g, 3)
	zombies := e.takeFor(5*e.tick(), g, "deliver", 3)
	e.reopen()
	e.pass(6*e.tick() + e.h.Precision)
	current := e.takeRows(g, "deliver", 3)
	before := e.get(rows[1])
	for _, z := range zombies {
		errs, err := e.b.Work.Extend(e.Context(), e.hide(), z)
		e.ok(err, "extending")
		e.answers("extending as a zombie", errs, pipeline.ErrLeaseLost)
		e.answers("settling as a zombie", e.trySettle(processed(g, z)), pipeline.ErrLeaseLost)
	}
	same(e, "row", e.get(rows[1]), before)
	for _, id := range rows {
		e.settle(processed(g, current[id]))
		e.status(id, pipeline.StatusDone)
	}
}

func restartDiscarded(e *env) {
	g := chain(e)
	rows := e.addN(g, 3)
	held := e.takeRows(g, "validate", 3)
	e.settle(processed(g, held[rows[0]]), dead(held[rows[1]], "502"))
	e.discard("op-1", rows...)
	e.reopen()
	e.pass(e.hide() + e.tick())
	e.nothing(g, "validate", "enrich")
	same(e, "letters", len(e.letters(pipeline.LetterFilter{})), 0)
	e.restore("op-1", rows...)
	e.letter(rows[1], "validate")
	d := e.take(g, "validate")
	same(e, "row", d.Row, rows[2])
	same(e, "attempt", d.Attempt, 2)
	same(e, "row", e.take(g, "enrich").Row, rows[0])
	e.nothing(g, "validate", "enrich")
}

func seenByPeers(e *env) {
	e.fill()
	before := e.everything()
	mine, peer := e.b, e.h.Peer(e.T, e.b)
	e.b = peer
	for what, now := range e.everything() {
		same(e, what, now, before[what])
	}
	g := single(e)
	d := e.take(g, "deliver")
	e.b = mine
	e.nothing(g, "deliver")
	e.settle(processed(g, d))
	e.b = peer
	e.status(d.Row, pipeline.StatusDone)
}
