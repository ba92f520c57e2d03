package pipelinetest

import "redrive/pipeline"

func operationRules() []rule {
	return []rule{
		{name: "progress of an operation", run: progressCounts,
			rule: "Progress counts the steps an operation moved by what became of them."},
		{name: "progress counts its own moves", run: progressOwn,
			rule: "A step counts for the operation that moved it last; no operation, no count."},
		{name: "progress of rows set aside", run: progressAside,
			rule: "A step counts once for its operation, also when its row is set aside meanwhile."},
		{name: "discarded by an operation", run: discardedByOperation,
			rule: "Discarded lists the rows an operation discarded and that still are."},
		{name: "discarded pages", run: discardedPages,
			rule: "Discarded, read page by page while rows are restored, has no gaps and no repeats."},
	}
}

func (e *env) progress(operation string) pipeline.Progress {
	e.Helper()
	e.settled()
	p, err := e.b.Moves.Progress(e.Context(), operation)
	e.ok(err, "reading progress")
	return p
}

func (e *env) discarded(operation string) []string {
	e.Helper()
	e.settled()
	return pages(e, "listing discarded rows", func(cursor string) (pipeline.Page[string], error) {
		return e.b.Moves.Discarded(e.Context(), operation, cursor, 2)
	})
}

func operated(row string, e *env, operation string) pipeline.Move {
	m := move(row, "deliver", pipeline.StateDead, e.now())
	m.Operation = operation
	return m
}

func progressCounts(e *env) {
	g := single(e)
	var moves []pipeline.Move
	for range 5 {
		id, _ := e.deadRow(g)
		moves = append(moves, operated(id, e, "op-1"))
	}
	same(e, "progress of nobody", e.progress("op-1"), pipeline.Progress{})
	e.requeue(moves[:3]...)
	e.requeue(moves[3:]...)
	e.answers("again", e.tryRequeue(nil, moves[0]), pipeline.ErrChanged)
	same(e, "moved", e.progress("op-1"), pipeline.Progress{Moved: 5})
	ds := e.takeN(g, "deliver", 5)
	e.settle(processed(g, ds[0]), processed(g, ds[1]), dead(ds[2], "502"), retry(ds[3], e.now()), released(ds[4]))
	same(e, "after one attempt", e.progress("op-1"), pipeline.Progress{Moved: 5, Succeeded: 2, FailedAgain: 1})
	ds = e.takeN(g, "deliver", 2)
	e.settle(processed(g, ds[0]), processed(g, ds[1]))
	same(e, "at the end", e.progress("op-1"), pipeline.Progress{Moved: 5, Succeeded: 4, FailedAgain: 1})
}

func progressOwn(e *env) {
	g := single(e)
	first, _ := e.deadRow(g)
	second, _ := e.deadRow(g)
	e.requeue(operated(first, e, "op-1"), operated(second, e, ""))
	e.settle(each(e.takeN(g, "deliver", 2), func(d pipeline.Delivery) pipeline.Outcome { return dead(d, "502") })...)
	e.requeue(operated(first, e, "op-2"), operated(second, e, "op-2"))
	e.settle(each(e.takeN(g, "deliver", 2), func(d pipeline.Delivery) pipeline.Outcome { return processed(g, d) })...)
	same(e, "the first operation", e.progress("op-1"), pipeline.Progress{Moved: 1, FailedAgain: 1})
	same(e, "the second operation", e.progress("op-2"), pipeline.Progress{Moved: 2, Succeeded: 2})
	same(e, "an unknown operation", e.progress("op-3"), pipeline.Progress{})
}

func progressAside(e *env) {
	g := single(e)
	id, _ := e.deadRow(g)
	e.requeue(operated(id, e, "op-1"))
	d := e.take(g, "deliver")
	e.discard("", id)
	e.settle(processed(g, d))
	e.restore("", id)
	if p := e.progress("op-1"); p.Moved != 1 || p.Succeeded+p.FailedAgain > 1 {
		e.Errorf("progress is %+v", p)
	}
}

func discardedByOperation(e *env) {
	rows := e.addN(single(e), 6)
	e.discard("op-1", rows[:3]...)
	e.discard("op-2", rows[3])
	e.discard("", rows[4])
	sameSet(e, "rows of the first operation", e.discarded("op-1"), rows[:3])
	sameSet(e, "rows of the second operation", e.discarded("op-2"), rows[3:4])
	e.restore("op-1", rows[1])
	sameSet(e, "rows that still are", e.discarded("op-1"), []string{rows[0], rows[2]})
	e.discard("op-2", rows[1])
	sameSet(e, "rows that still are", e.discarded("op-1"), []string{rows[0], rows[2]})
	sameSet(e, "rows of the second operation", e.discarded("op-2"), []string{rows[3], rows[1]})
	same(e, "rows of nobody", len(e.discarded("op-3")), 0)
}

func discardedPages(e *env) {
	rows := e.addN(single(e), 7)
	e.discard("op-1", rows...)
	got := pages(e, "listing discarded rows", func(cursor string) (pipeline.Page[string], error) {
		p, err := e.b.Moves.Discarded(e.Context(), "op-1", cursor, 3)
		if err == nil && len(p.Items) > 0 {
			e.restore("op-1", p.Items...)
		}
		return p, err
	})
	sameSet(e, "rows", got, rows)
	same(e, "rows left", len(e.discarded("op-1")), 0)
}
