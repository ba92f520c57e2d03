package pipelinetest

import (
	"time"

	"redrive/pipeline"
)

func requeueRules() []rule {
	return []rule{
		{name: "redrive of a dead step", run: requeueDead,
			rule: "Requeue queues the step again with a fresh budget and closes its letter; numbers count on."},
		{name: "a row that dies again", run: diesAgain,
			rule: "A row that dies again gets a new dead letter."},
		{name: "requeue only what the caller saw", run: requeueConditional,
			rule: "Each step is moved only if it is still in the state the caller saw."},
		{name: "requeue only this letter", run: requeueByLetter,
			rule: "With a Letter, a step is moved only while this is its dead letter."},
		{name: "requeue answers in order", run: requeueInOrder,
			rule: "Requeue gives one answer each, in order: nil, ErrNotFound or ErrChanged."},
		{name: "requeue at once", run: requeueAtOnce, crowd: true,
			rule: "Of many who requeue a step at once, one moves it."},
		{name: "requeue twice in one call", run: requeueTwiceInCall,
			rule: "A step that a call names twice is moved once."},
		{name: "requeue of every state", run: requeueStates,
			rule: "A step is moved from queued, retrying, dead, processed and waiting alike; it is then delivered once."},
		{name: "requeue of a running step", run: requeueRunning,
			rule: "A running step is not moved, or its lease is lost with the move: never do two callers hold it."},
		{name: "requeue writes its entry", run: requeueEntry,
			rule: "The entry is written with the moves or not at all; with no move made it is not written."},
	}
}

func move(row, step string, state pipeline.State, at time.Time) pipeline.Move {
	return pipeline.Move{Row: row, Step: step, If: state, At: at}
}

func (e *env) tryRequeue(entry *pipeline.Entry, moves ...pipeline.Move) []error {
	e.Helper()
	errs, err := e.b.Moves.Requeue(e.Context(), entry, moves...)
	e.ok(err, "requeueing")
	return errs
}

// requeue makes moves that all must be made.
func (e *env) requeue(moves ...pipeline.Move) {
	e.Helper()
	e.answers("requeueing", e.tryRequeue(nil, moves...), make([]error, len(moves))...)
}

func requeueDead(e *env) {
	g := chain(e)
	id := e.add(g)
	for range 2 {
		e.settle(retry(e.take(g, "validate"), e.now()))
	}
	e.kill(g, "validate")
	e.pass(e.tick())
	e.requeue(move(id, "validate", pipeline.StateDead, e.now()))
	f := e.flag(id, "validate")
	same(e, "state", f.State, pipeline.StateQueued)
	same(e, "attempts", f.Attempts, 3)
	e.status(id, pipeline.StatusInProgress)
	same(e, "letters", len(e.letters(pipeline.LetterFilter{})), 0)
	d := e.take(g, "validate")
	same(e, "attempt", d.Attempt, 4)
	same(e, "spent", d.Spent, 0)
	same(e, "alone", d.Alone, false)
	e.settle(retry(d, e.now()))
	same(e, "spent", e.flagged(g, "validate", id).Spent, 1)
	same(e, "attempts kept", len(e.get(id).Attempts), 5)
	e.process(g, "enrich", "deliver")
	e.status(id, pipeline.StatusDone)
}

// flagged takes a step and processes it.
func (e *env) flagged(g *pipeline.Graph, step, id string) pipeline.Delivery {
	e.Helper()
	d := e.take(g, step)
	same(e, "row", d.Row, id)
	e.settle(processed(g, d))
	return d
}

func diesAgain(e *env) {
	g := single(e)
	id, first := e.deadRow(g)
	e.requeue(move(id, "deliver", pipeline.StateDead, e.now()))
	e.pass(e.tick())
	second := e.kill(g, "deliver")
	if second.ID == first.ID {
		e.Errorf("both deaths have the letter %s", first.ID)
	}
	if !second.DeadAt.After(first.DeadAt) {
		e.Errorf("died again at %v, first at %v", second.DeadAt, first.DeadAt)
	}
	same(e, "letters", ids(e.letters(pipeline.LetterFilter{}), letterID), []string{second.ID})
	same(e, "the old letter, asked for by id", len(e.letters(pipeline.LetterFilter{IDs: []string{first.ID}})), 0)
	e.status(id, pipeline.StatusDead)
}

func requeueConditional(e *env) {
	g := chain(e)
	id := e.add(g)
	states := pipeline.States()
	wrong := func(step string, is pipeline.State) {
		e.state(id, step, is)
		before := e.get(id)
		for _, s := range states {
			if s != is {
				e.answers("moving a "+string(is)+" step as "+string(s), e.tryRequeue(nil, move(id, step, s, e.now())), pipeline.ErrChanged)
			}
		}
		same(e, "row", e.get(id), before)
	}
	wrong("validate", pipeline.StateQueued)
	d := e.take(g, "validate")
	wrong("validate", pipeline.StateRunning)
	e.settle(retry(d, e.now().Add(e.roomy(5))))
	wrong("validate", pipeline.StateRetrying)
	e.pass(e.roomy(6))
	e.process(g, "validate")
	wrong("validate", pipeline.StateProcessed)
	wrong("deliver", pipeline.StateWaiting)
	e.kill(g, "enrich")
	wrong("enrich", pipeline.StateDead)
	e.nothing(g, "validate", "enrich", "deliver")
}

func requeueByLetter(e *env) {
	g := single(e)
	id, first := e.deadRow(g)
	by := func(letter string) pipeline.Move {
		m := move(id, "deliver", pipeline.StateDead, e.now())
		m.Letter = letter
		return m
	}
	e.answers("another letter", e.tryRequeue(nil, by("no-such-letter")), pipeline.ErrChanged)
	e.requeue(by(first.ID))
	second := e.kill(g, "deliver")
	e.answers("the letter before", e.tryRequeue(nil, by(first.ID)), pipeline.ErrChanged)
	e.status(id, pipeline.StatusDead)
	e.requeue(by(second.ID))
	e.answers("the same again", e.tryRequeue(nil, by(second.ID)), pipeline.ErrChanged)
}

func requeueInOrder(e *env) {
	g := single(e)
	first, _ := e.deadRow(g)
	done := e.doneRow(g)
	second, _ := e.deadRow(g)
	set, _ := e.deadRow(g)
	e.discard("", set)
	at := e.now()
	moves := []pipeline.Move{move(first, "deliver", pipeline.StateDead, at), move(pipeline.NewID(), "deliver", pipeline.StateDead, at),
		move(done, "deliver", pipeline.StateDead, at), move(set, "deliver", pipeline.StateDead, at), move(second, "deliver", pipeline.StateDead, at)}
	e.answers("requeueing", e.tryRequeue(nil, moves...), nil, pipeline.ErrNotFound, pipeline.ErrChanged, pipeline.ErrChanged, nil)
	e.answers("requeueing again", e.tryRequeue(nil, moves...),
		pipeline.ErrChanged, pipeline.ErrNotFound, pipeline.ErrChanged, pipeline.ErrChanged, pipeline.ErrChanged)
	sameSet(e, "rows", ids(e.takeN(g, "deliver", 2), deliveredRow), []string{first, second})
	e.nothing(g, "deliver")
}

func requeueAtOnce(e *env) {
	g := single(e)
	all := e.processes()
	id, letter := e.deadRow(g)
	m := move(id, "deliver", pipeline.StateDead, e.now())
	m.Letter, m.Operation = letter.ID, "op-1"
	answers := make([]error, 12)
	crowd(len(answers), func(i int) {
		errs, err := all[i%len(all)].Moves.Requeue(e.Context(), nil, m)
		if err != nil {
			e.Errorf("requeueing: %v", err)
			return
		}
		answers[i] = errs[0]
	})
	moved := 0
	for _, err := range answers {
		if err == nil {
			moved++
		} else {
			e.answers("requeueing", []error{err}, pipeline.ErrChanged)
		}
	}
	same(e, "callers who moved it", moved, 1)
	same(e, "progress", e.progress("op-1"), pipeline.Progress{Moved: 1})
	e.take(g, "deliver")
	e.nothing(g, "deliver")
}

func requeueTwiceInCall(e *env) {
	g := single(e)
	id, _ := e.deadRow(g)
	m := move(id, "deliver", pipeline.StateDead, e.now())
	m.Operation = "op-1"
	e.answers("requeueing", e.tryRequeue(nil, m, m), nil, pipeline.ErrChanged)
	same(e, "progress", e.progress("op-1"), pipeline.Progress{Moved: 1})
	e.take(g, "deliver")
	e.nothing(g, "deliver")
}

func requeueStates(e *env) {
	for _, c := range []struct {
		state pipeline.State
		put   func(g *pipeline.Graph)
	}{
		{pipeline.StateQueued, func(*pipeline.Graph) {}},
		{pipeline.StateRetrying, func(g *pipeline.Graph) { e.settle(retry(e.take(g, "validate"), e.now().Add(time.Hour))) }},
		{pipeline.StateDead, func(g *pipeline.Graph) { e.kill(g, "validate") }},
		{pipeline.StateProcessed, func(g *pipeline.Graph) {
			out := processed(g, e.take(g, "validate"))
			out.Unlocks = nil
			e.settle(out)
		}},
	} {
		g := chain(e)
		id := e.add(g)
		c.put(g)
		e.state(id, "validate", c.state)
		e.requeue(move(id, "validate", c.state, e.now()))
		e.state(id, "validate", pipeline.StateQueued)
		d := e.take(g, "validate")
		same(e, "row", d.Row, id)
		same(e, "spent", d.Spent, 0)
		e.nothing(g, "validate")
		e.settle(processed(g, d))
		e.process(g, "enrich", "deliver")
		e.status(id, pipeline.StatusDone)
	}
	requeueWaiting(e)
}

func requeueRunning(e *env) {
	g := chain(e)
	id := e.add(g)
	held := e.take(g, "validate")
	if e.tryRequeue(nil, move(id, "validate", pipeline.StateRunning, e.now()))[0] == nil {
		again := e.take(g, "validate")
		same(e, "attempt", again.Attempt, 2)
		e.answers("settling the lease that was moved", e.trySettle(dead(held, "502")), pipeline.ErrLeaseLost)
		held = again
	}
	e.nothing(g, "validate")
	e.settle(processed(g, held))
	e.process(g, "enrich", "deliver")
	e.status(id, pipeline.StatusDone)
}

// requeueWaiting is what a sweep does for a step whose trigger got lost.
func requeueWaiting(e *env) {
	g := chain(e)
	id := e.add(g)
	out := processed(g, e.take(g, "validate"))
	out.Unlocks = nil
	e.settle(out)
	e.nothing(g, "enrich")
	e.requeue(move(id, "enrich", pipeline.StateWaiting, e.now()))
	e.answers("requeueing again", e.tryRequeue(nil, move(id, "enrich", pipeline.StateWaiting, e.now())), pipeline.ErrChanged)
	e.state(id, "enrich", pipeline.StateQueued)
	same(e, "attempt", e.flagged(g, "enrich", id).Attempt, 1)
	e.process(g, "deliver")
	e.status(id, pipeline.StatusDone)
}

func requeueEntry(e *env) {
	g := single(e)
	id, letter := e.deadRow(g)
	entry := e.entry("redrive.move", "rows/"+id)
	m := move(id, "deliver", pipeline.StateDead, e.now())
	m.Letter = letter.ID
	e.answers("requeueing", e.tryRequeue(entry, move(pipeline.NewID(), "deliver", pipeline.StateDead, e.now())), pipeline.ErrNotFound)
	same(e, "entries after no move", len(e.entries(pipeline.AuditFilter{})), 0)
	e.answers("requeueing", e.tryRequeue(entry, move(id, "deliver", pipeline.StateProcessed, e.now()), m), pipeline.ErrChanged, nil)
	same(e, "entries after a move", ids(e.entries(pipeline.AuditFilter{}), entryID), []string{entry.ID})
	e.answers("requeueing again", e.tryRequeue(e.entry("redrive.move", "rows/"+id), m), pipeline.ErrChanged)
	same(e, "entries after no move", len(e.entries(pipeline.AuditFilter{})), 1)
}
