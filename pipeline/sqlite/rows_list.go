package sqlite

import (
	"context"
	"slices"

	"redrive/pipeline"
)

const (
	scanRows  = 5000     // rows one call looks at when it must look into them
	scanBytes = 32 << 20 // payload bytes likewise
	scanChunk = 250
)

// rowScan is one call of List: candidates come in order from the index over
// pipeline and status, and are looked into when the filter asks for more.
type rowScan struct {
	db     *DB
	c      *conn
	f      pipeline.RowFilter
	limit  int
	wanted []int64 // statuses
	spans  []span
	all    bool  // the spans are the whole table
	lo, hi int64 // candidates lie between, both excluded
	match  *rowMatch

	page pipeline.Page[pipeline.Row]
	last int64 // candidate looked at last
}

// span is the rows of a pipeline in one status.
type span struct{ pipeline, status int64 }

// List answers rows in the order of their ids. A filter that looks into rows
// (Query, State) looks at a bounded number a call.
func (s rowStore) List(ctx context.Context, f pipeline.RowFilter) (pipeline.Page[pipeline.Row], error) {
	if err := s.db.usable(ctx); err != nil {
		return pipeline.Page[pipeline.Row]{}, err
	}
	sc := &rowScan{db: s.db, f: f, limit: clampLimit(f.Limit)}
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
			sc.spans = append(sc.spans, span{p, status})
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

// run walks through the candidates; one match more than asked for tells that
// there is a next page.
func (sc *rowScan) run(few []int64) error {
	scanned, size := 0, 0
	for {
		seqs, err := sc.candidates(few, scanned)
		if err != nil || len(seqs) == 0 {
			return err
		}
		for _, seq := range seqs {
			if scanned == scanRows || size > scanBytes {
				sc.page.Next = formatID(sc.last)
				return nil
			}
			scanned++
			more, n, err := sc.look(seq)
			size += n
			if err != nil || !more {
				return err
			}
		}
	}
}

// look takes one candidate into the page if it matches; false ends the walk.
func (sc *rowScan) look(seq int64) (more bool, size int, err error) {
	r, _, found, err := sc.db.loadRow(sc.c, seq)
	if err != nil {
		return false, 0, err
	}
	ok := found && sc.fits(&r) && (sc.match == nil || sc.match.cells(&r))
	if ok && sc.f.Query != "" {
		if ok, size, err = sc.match.text(sc.c, seq, &r); err != nil {
			return false, size, err
		}
	}
	if ok {
		if len(sc.page.Items) == sc.limit {
			sc.page.Next = formatID(sc.last)
			return false, size, nil
		}
		sc.page.Items = append(sc.page.Items, r)
	}
	if sc.f.Query != "" {
		sc.page.Scanned++
	}
	sc.last = seq
	return true, size, nil
}

// fits tells whether a candidate lies in one of the spans; those found by queue
// may not.
func (sc *rowScan) fits(r *pipeline.Row) bool {
	return (sc.f.Pipeline == "" || sc.f.Pipeline == r.Pipeline) && slices.Contains(sc.wanted, statusNumber(r.Status))
}

// candidates answers the next of them in order.
func (sc *rowScan) candidates(few []int64, scanned int) ([]int64, error) {
	lo, hi := sc.lo, sc.hi
	if scanned > 0 {
		if sc.f.Oldest {
			lo = sc.last
		} else {
			hi = sc.last
		}
	}
	if few != nil {
		return sc.ofFew(few, lo, hi), nil
	}
	n := scanChunk
	if sc.match == nil {
		n = sc.limit + 1 - len(sc.page.Items)
	}
	var seqs []int64
	if sc.all {
		return seqs, sc.read(&seqs, "SELECT seq FROM rows WHERE seq > ?1 AND seq < ?2", span{}, lo, hi, n)
	}
	for _, sp := range sc.spans {
		err := sc.read(&seqs, "SELECT seq FROM rows WHERE pipeline = ?4 AND status = ?5 AND seq > ?1 AND seq < ?2", sp, lo, hi, n)
		if err != nil {
			return nil, err
		}
	}
	sc.sort(seqs)
	return seqs[:min(n, len(seqs))], nil
}

func (sc *rowScan) read(seqs *[]int64, query string, sp span, lo, hi int64, n int) error {
	if sc.f.Oldest {
		query += " ORDER BY seq LIMIT ?3"
	} else {
		query += " ORDER BY seq DESC LIMIT ?3"
	}
	s := sc.c.prep(query).int(1, lo).int(2, hi).int(3, int64(n))
	if sp.status != 0 {
		s.int(4, sp.pipeline).int(5, sp.status)
	}
	return s.each(func() bool { *seqs = append(*seqs, s.i64(0)); return true })
}

func (sc *rowScan) sort(seqs []int64) {
	slices.Sort(seqs)
	if !sc.f.Oldest {
		slices.Reverse(seqs)
	}
}

func (sc *rowScan) ofFew(few []int64, lo, hi int64) []int64 {
	var seqs []int64
	for _, seq := range few {
		if seq > lo && seq < hi {
			seqs = append(seqs, seq)
		}
	}
	sc.sort(seqs)
	return seqs
}
