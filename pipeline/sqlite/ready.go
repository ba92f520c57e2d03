package sqlite

import (
	"cmp"
	"slices"
)

// A cell in the window of its queue.
type entry struct {
	due, row int64
	fresh    bool // never received, so that receiving it need not read it
	root     bool // its row may still be accepted
	retrying bool
}

func (e entry) before(f entry) bool {
	return e.due < f.due || e.due == f.due && e.row < f.row
}

// queue is one step's queue: the window, a heap of what is due soonest, and
// who waits for work.
//
// Every open cell up to the horizon is in the window or leased; what lies
// beyond is only on disk and is read when the window runs dry. So a backlog of
// millions takes no more memory than the window. An entry may be out of date
// (its row was discarded meanwhile): claim finds out.
type queue struct {
	id       int64
	pipe     int64 // number of the pipeline
	pipeline string
	step     string
	tally    *tally // the step's
	rows     *tally // the pipeline's

	window   []entry
	horizon  entry
	complete bool // nothing lies beyond the horizon
	waiters  []*waiter
}

func (w *writer) queue(step int64) *queue {
	q, ok := w.queues[step]
	if !ok {
		n := w.db.names.Load()
		q = &queue{id: step, pipe: n.keys[step].parent, tally: w.tally(step), rows: w.tally(n.keys[step].parent)}
		q.pipeline, q.step = n.step(step)
		// Nothing open means nothing on disk to be read first.
		open := q.tally.n[cellQueued] + q.tally.n[cellRunning] + q.tally.n[cellRetrying]
		q.complete = open == 0
		w.queues[step] = q
	}
	return q
}

// push adds a cell that became open.
func (w *writer) push(q *queue, e entry) {
	if !q.complete && q.horizon.before(e) {
		return
	}
	q.add(e)
	if len(q.window) > w.db.window {
		q.shrink(w.db.window / 2)
	}
}

func (q *queue) add(e entry) {
	q.window = append(q.window, e)
	i := len(q.window) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !e.before(q.window[up]) {
			break
		}
		q.window[i] = q.window[up]
		i = up
	}
	q.window[i] = e
}

// pop removes the entry due first.
func (q *queue) pop() entry { return q.remove(0) }

// remove takes out the entry at a place of the heap.
func (q *queue) remove(i int) entry {
	n := len(q.window) - 1
	e, last := q.window[i], q.window[n]
	q.window = q.window[:n]
	if i == n {
		return e
	}
	for i > 0 && last.before(q.window[(i-1)/2]) {
		q.window[i] = q.window[(i-1)/2]
		i = (i - 1) / 2
	}
	for {
		down := 2*i + 1
		if down+1 < n && q.window[down+1].before(q.window[down]) {
			down++
		}
		if down >= n || !q.window[down].before(last) {
			break
		}
		q.window[i] = q.window[down]
		i = down
	}
	q.window[i] = last
	return e
}

// shrink keeps the n entries due first; the others stay on disk alone.
func (q *queue) shrink(n int) {
	sortEntries(q.window) // sorted is a heap too
	q.horizon, q.complete = q.window[n-1], false
	q.window = q.window[:n]
}

// forget empties the window; it is read again from disk.
func (q *queue) forget() {
	q.window, q.horizon, q.complete = q.window[:0], entry{}, false
}

// first answers the entry due first, and reads the disk if the window is empty.
func (w *writer) first(q *queue) (entry, bool, error) {
	for len(q.window) == 0 && !q.complete {
		if err := w.refill(q); err != nil {
			return entry{}, false, err
		}
	}
	if len(q.window) == 0 {
		return entry{}, false, nil
	}
	return q.window[0], true, nil
}

// refill reads half a window from behind the horizon. Leased cells keep their
// place in the index and are left out.
func (w *writer) refill(q *queue) error {
	const query = `SELECT due_at, row, state, attempts + spent = 0 AND coalesce(again, alone, op) IS NULL FROM cells WHERE step = ?1 AND due_at >= ?2 AND (due_at, row) > (?2, ?3)
		ORDER BY due_at, row LIMIT ?4`
	limit, found := int64(w.db.window/2), int64(0)
	s := w.conn.prep(query).int(1, q.id).int(2, max(q.horizon.due, 1)).int(3, q.horizon.row).int(4, limit)
	err := s.each(func() bool {
		e := entry{due: s.i64(0), row: s.i64(1), retrying: s.i64(2) == cellRetrying, fresh: s.i64(3) == 1, root: true}
		q.horizon = e
		found++
		if _, leased := w.leases.byCell[cellKey{e.row, q.id}]; !leased {
			q.add(e)
		}
		return true
	})
	q.complete = err == nil && found < limit
	return err
}

func sortEntries(es []entry) {
	slices.SortFunc(es, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.row, b.row))
	})
}
