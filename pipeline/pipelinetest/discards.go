package pipelinetest

import (
	"time"

	"redrive/pipeline"
)

func discardRules() []rule {
	return []rule{
		{name: "discard sets a row aside", run: discardSetsAside,
			rule: "Discard sets rows aside: steps keep their state, queued ones leave the queue meanwhile."},
		{name: "discard of every status", run: discardStatuses,
			rule: "Any row can be set aside, and is as before when taken back."},
		{name: "discarded letters leave lists and counts", run: discardedLetters,
			rule: "A discarded row's dead letters leave lists and counts and come back with it, the same."},
		{name: "discard answers in order", run: discardInOrder,
			rule: "Discard and Restore give one answer each, in order; a row already there answers ErrChanged."},
		{name: "discard writes its entry", run: discardEntry,
			rule: "The entry of a discard or restore is written with it or not at all."},
		{name: "a running step of a discarded row", run: discardedRunning,
			rule: "A running attempt of a discarded row is settled; what follows starts when the row is restored."},
		{name: "a discarded row that finishes or dies", run: discardedFinishes,
			rule: "What a running attempt came to shows when its row is restored."},
		{name: "a lease that runs out meanwhile", run: discardedLeaseRunsOut,
			rule: "A lease that runs out while its row is discarded brings the step back when the row is restored."},
		{name: "discarded rows are not moved", run: discardedNotMoved,
			rule: "A step is not moved while its row is discarded."},
	}
}

func (e *env) discard(operation string, rows ...string) {
	e.Helper()
	errs, err := e.b.Moves.Discard(e.Context(), nil, operation, "not needed", rows...)
	e.ok(err, "discarding")
	e.answers("discarding", errs, make([]error, len(rows))...)
}

func (e *env) restore(operation string, rows ...string) {
	e.Helper()
	errs, err := e.b.Moves.Restore(e.Context(), nil, operation, rows...)
	e.ok(err, "restoring")
	e.answers("restoring", errs, make([]error, len(rows))...)
}

func discardSetsAside(e *env) {
	g := nested(e)
	id := e.add(g)
	at := e.now().Add(5 * e.tick())
	e.settle(retry(e.take(g, "fetch"), at))
	before := e.get(id)
	e.discard("", id)
	d := e.get(id)
	same(e, "status", d.Status, pipeline.StatusDiscarded)
	same(e, "error", d.Error, "not needed")
	same(e, "cells", flagStates(d), flagStates(before))
	e.nothing(g, "validate", "fetch")
	e.pass(6 * e.tick())
	e.nothing(g, "validate", "fetch")
	for _, step := range g.Nodes() {
		c := e.counts().Steps[pipeline.StepKey{Pipeline: "nested", Step: step.Name}]
		same(e, "waiting, queued, retrying at "+step.Name, c.Waiting+c.Queued+c.Retrying, int64(0))
	}
	e.restore("", id)
	e.status(id, pipeline.StatusInProgress)
	same(e, "error", e.get(id).Error, "")
	same(e, "attempt", e.take(g, "fetch").Attempt, 2)
	same(e, "attempt", e.take(g, "validate").Attempt, 1)
}

// flagStates is what discard and restore must not change.
func flagStates(d pipeline.RowDetail) map[string]pipeline.State {
	m := map[string]pipeline.State{}
	for _, f := range d.Steps {
		m[f.Name] = f.State
	}
	return m
}

func discardStatuses(e *env) {
	all := zoo(e)
	e.restore("", all["discarded"])
	for name, id := range all {
		before := e.get(id)
		e.discard("", id)
		e.status(id, pipeline.StatusDiscarded)
		same(e, name+"'s cells", flagStates(e.get(id)), flagStates(before))
		e.restore("", id)
		after := e.get(id)
		same(e, name+"'s status", after.Status, before.Status)
		same(e, name+"'s cells", flagStates(after), flagStates(before))
		same(e, name+"'s attempts", after.Attempts, before.Attempts)
	}
	same(e, "letters", len(e.letters(pipeline.LetterFilter{})), 1)
}

func discardedLetters(e *env) {
	g := single(e)
	id, letter := e.deadRow(g)
	_, stays := e.deadRow(g)
	e.discard("", id)
	same(e, "letters", ids(e.letters(pipeline.LetterFilter{}), letterID), []string{stays.ID})
	same(e, "letters by id", len(e.letters(pipeline.LetterFilter{IDs: []string{letter.ID}})), 0)
	same(e, "count", e.countLetters(pipeline.LetterFilter{}), int64(1))
	same(e, "group", e.groups("", "")[0].Count, int64(1))
	same(e, "counter", e.counts().Steps[pipeline.StepKey{Pipeline: "single", Step: "deliver"}].Dead, int64(1))
	e.restore("", id)
	e.status(id, pipeline.StatusDead)
	same(e, "letter", e.letter(id, "deliver"), letter)
	same(e, "group", e.groups("", "")[0].Count, int64(2))
	same(e, "counter", e.counts().Steps[pipeline.StepKey{Pipeline: "single", Step: "deliver"}].Dead, int64(2))
}

func discardInOrder(e *env) {
	rows := e.addN(single(e), 3)
	e.discard("", rows[1])
	errs, err := e.b.Moves.Discard(e.Context(), nil, "", "why", rows[0], rows[1], pipeline.NewID(), rows[2])
	e.ok(err, "discarding")
	e.answers("discarding", errs, nil, pipeline.ErrChanged, pipeline.ErrNotFound, nil)
	same(e, "reason of the first discard", e.get(rows[1]).Error, "not needed")
	e.restore("", rows[2])
	errs, err = e.b.Moves.Restore(e.Context(), nil, "", rows[2], rows[0], pipeline.NewID(), rows[1])
	e.ok(err, "restoring")
	e.answers("restoring", errs, pipeline.ErrChanged, nil, pipeline.ErrNotFound, nil)
	e.takeRows(single(e), "deliver", 3)
	e.nothing(single(e), "deliver")
}

func discardEntry(e *env) {
	id := e.add(single(e))
	first, second := e.entry("row.discard", "rows/"+id), e.entry("row.restore", "rows/"+id)
	write := func(entry *pipeline.Entry, restore bool, row string) {
		var err error
		if restore {
			_, err = e.b.Moves.Restore(e.Context(), entry, "", row)
		} else {
			_, err = e.b.Moves.Discard(e.Context(), entry, "", "why", row)
		}
		e.ok(err, "setting aside or taking back")
	}
	write(second, true, id)
	write(first, false, pipeline.NewID())
	same(e, "entries after nothing was done", len(e.entries(pipeline.AuditFilter{})), 0)
	write(first, false, id)
	write(e.entry("row.discard", "rows/"+id), false, id)
	same(e, "entries after a discard", ids(e.entries(pipeline.AuditFilter{}), entryID), []string{first.ID})
	e.pass(e.tick())
	write(second, true, id)
	same(e, "entries after both", len(e.entries(pipeline.AuditFilter{})), 2)
}

func discardedRunning(e *env) {
	g := join(e)
	id := e.add(g)
	d := e.take(g, "validate")
	e.discard("", id)
	errs, err := e.b.Work.Extend(e.Context(), e.hide(), d)
	e.ok(err, "extending")
	e.answers("extending", errs, nil)
	e.settle(processed(g, d))
	e.status(id, pipeline.StatusDiscarded)
	e.state(id, "validate", pipeline.StateProcessed)
	e.nothing(g, "validate", "index", "notify")
	e.restore("", id)
	e.status(id, pipeline.StatusInProgress)
	e.process(g, "index", "notify")
	e.nothing(g, "validate", "index", "notify")
	e.process(g, "report")
	e.status(id, pipeline.StatusDone)
}

func discardedFinishes(e *env) {
	g := single(e)
	rows := e.addN(g, 4)
	ds := e.takeRows(g, "deliver", 4)
	e.discard("", rows...)
	at := e.now().Add(e.roomy(15))
	e.settle(processed(g, ds[rows[0]]), dead(ds[rows[1]], "502"), retry(ds[rows[2]], at), released(ds[rows[3]]))
	for _, id := range rows {
		e.status(id, pipeline.StatusDiscarded)
	}
	e.nothing(g, "deliver")
	same(e, "letters", len(e.letters(pipeline.LetterFilter{})), 0)
	same(e, "counter", e.counts().Steps[pipeline.StepKey{Pipeline: "single", Step: "deliver"}].Dead, int64(0))
	e.restore("", rows...)
	e.status(rows[0], pipeline.StatusDone)
	e.status(rows[1], pipeline.StatusDead)
	e.letter(rows[1], "deliver")
	e.state(rows[2], "deliver", pipeline.StateRetrying)
	same(e, "released row", e.take(g, "deliver").Row, rows[3])
	e.nothing(g, "deliver")
	e.pass(e.roomy(15) + e.h.Precision)
	same(e, "retried row", e.take(g, "deliver").Row, rows[2])
}

func discardedLeaseRunsOut(e *env) {
	g := single(e)
	id := e.add(g)
	zombie := e.takeFor(2*e.tick(), g, "deliver", 1)[0]
	e.discard("", id)
	e.pass(3*e.tick() + e.h.Precision)
	e.nothing(g, "deliver")
	e.restore("", id)
	d := e.take(g, "deliver")
	same(e, "attempt", d.Attempt, 2)
	e.answers("settling as a zombie", e.trySettle(processed(g, zombie)), pipeline.ErrLeaseLost)
	e.settle(processed(g, d))
	e.status(id, pipeline.StatusDone)
}

func discardedNotMoved(e *env) {
	g := chain(e)
	id := e.doneRow(g)
	gone, _ := e.deadRow(g)
	e.discard("", id, gone)
	e.answers("requeueing", e.tryRequeue(nil, move(id, "validate", pipeline.StateProcessed, e.now()),
		move(gone, "validate", pipeline.StateDead, e.now()), move(gone, "enrich", pipeline.StateWaiting, e.now())),
		pipeline.ErrChanged, pipeline.ErrChanged, pipeline.ErrChanged)
	e.nothing(g, "validate", "enrich")
	e.restore("", gone)
	e.requeue(move(gone, "validate", pipeline.StateDead, e.now().Add(time.Millisecond)))
	e.pass(e.tick())
	e.take(g, "validate")
}
