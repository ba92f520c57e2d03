package sqlite

import (
	"context"
	"slices"

	"redrive/pipeline"
)

// scanChunk is how many candidates are read at once by a list that looks into
// them.
const scanChunk = 250

// rowScan is one call of List: candidates come in order from the index over
// pipeline and status, and are looked into when the filter asks for more.
type rowScan struct {
	db     *DB
	c      *conn
	f      pipeline.RowFilter
	limit  int
	wanted []int64 // statuses
	spans  []int64 // of pipeline and status
	all    bool    // the spans are the whole table
	lo, hi int64   // candidates lie between, both excluded
	match  *rowMatch

	page pipeline.Page[pipeline.Row]
	last int64 // candidate looked at last
	used budget
}

// List answers rows in the order of their ids. A filter that looks into rows
// (Query, State) looks at a bounded number a call.
func (s rowStore) List(ctx context.Context, f pipeline.RowFilter) (pipeline.Page[pipeline.Row], error) {
	if err := s.db.usable(ctx); err != nil {
		return pipeline.Page[pipeline.Row]{}, err
	}
	sc := &rowScan{db: s.db, f: f, limit: clampLimit(f.Limit), used: newBudget()}
	if err := sc.bounds(); err != nil {
		return sc.page, err
	}
	if !sc.choose(s.db.names.Load()) {
		return sc.page, nil
	}
	few, err := sc.fewCandidates(ctx)
	if err != nil {
		return sc.page, err
	}
	err = s.db.read(ctx, func(c *conn) error {
		sc.c = c
		return sc.run(few)
	})
	return sc.page, err
}

// bounds turns times and cursor into ids.
func (sc *rowScan) bounds() error {
	since, until := timeRange(sc.f.Since, sc.f.Until)
	sc.lo, sc.hi = firstID(since)-1, firstID(until)
	if sc.f.Cursor == "" {
		return nil
	}
	at, ok := parseID(sc.f.Cursor)
	if !ok {
		return badCursor()
	}
	if sc.f.Oldest {
		sc.lo = max(sc.lo, at)
	} else {
		sc.hi = min(sc.hi, at)
	}
	return nil
}

// choose finds the spans that can hold matches; false if none can.
func (sc *rowScan) choose(n *names) bool {
	pipes := n.all(namePipeline, 0)
	if sc.f.Pipeline != "" {
		id, ok := n.id(namePipeline, 0, sc.f.Pipeline)
		if !ok {
			return false
		}
		pipes = []int64{id}
	}
	statuses := sc.statuses()
	if sc.f.State != "" || sc.f.Step != "" || sc.f.Query != "" {
		sc.match = newRowMatch(sc.db, sc.f)
		if possible := sc.match.statuses(); possible != nil {
			statuses = slices.DeleteFunc(statuses, func(s int64) bool { return !slices.Contains(possible, s) })
		}
	}
	sc.wanted = statuses
	sc.all = sc.f.Pipeline == "" && len(statuses) == rowDiscarded
	for _, p := range pipes {
		for _, status := range statuses {
			sc.spans = append(sc.spans, span(p, status))
		}
	}
	return len(sc.spans) > 0
}

func (sc *rowScan) statuses() []int64 {
	names := sc.f.Statuses
	if sc.f.Status != "" {
		names = []pipeline.Status{sc.f.Status}
	}
	if len(names) == 0 {
		return []int64{rowAccepted, rowInProgress, rowDone, rowDead, rowRejected, rowDiscarded}
	}
	var list []int64
	for _, name := range names {
		if n := statusNumber(name); n > 0 && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}
