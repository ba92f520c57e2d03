package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
)

// Verify counts everything that counters know and answers how they differ. It
// reads the whole store and holds up writers: for tests and for diagnosis.
func (db *DB) Verify(ctx context.Context) error {
	var diff []error
	err := db.do(ctx, 1, true, func(w *writer) (err error) {
		diff, err = w.verify()
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(diff...)
}

func (w *writer) verify() ([]error, error) {
	if err := w.storeFlows(); err != nil {
		return nil, err
	}
	r := recount{w: w, counted: map[int64]*[8]int64{}, dead: map[cellKey]int64{}, queued: map[cellKey]int64{}}
	for _, step := range []func() error{r.rows, r.letters, r.causes, r.queues, r.stored} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return r.diff, nil
}

// recount is one call of Verify.
type recount struct {
	w       *writer
	counted map[int64]*[8]int64
	dead    map[cellKey]int64 // letters of dead cells
	queued  map[cellKey]int64 // when cells are due
	running int
	diff    []error
}

func (r *recount) differ(format string, args ...any) {
	r.diff = append(r.diff, fmt.Errorf(format, args...))
}

func (r *recount) at(id int64) *[8]int64 {
	if r.counted[id] == nil {
		r.counted[id] = &[8]int64{}
	}
	return r.counted[id]
}

// rows counts rows and cells, and compares the counters with that.
func (r *recount) rows() error {
	n := r.w.db.names.Load()
	s := r.w.conn.prep("SELECT f.seq, f.span, f.was, f.cells, r.graph FROM flow f LEFT JOIN rows r ON r.seq = f.seq")
	var failed error
	err := s.each(func() bool {
		f := &flow{row: s.i64(0), pipe: s.i64(1) >> statusBits, status: spanStatus(s.i64(1)), was: s.i64(2)}
		f.cells, failed = readCells(s.bytes(3, nil), f.row>>idBits, nil)
		r.row(f, n.graphs[s.i64(4)])
		return failed == nil
	})
	if err = cmp.Or(failed, err); err != nil {
		return err
	}
	for _, kind := range []int64{namePipeline, nameStep} {
		for _, id := range n.all(kind, 0) {
			for what, have := range r.w.tally(id).n {
				if total := kind == nameStep && what >= countProcessed; !total && have != r.at(id)[what] {
					r.differ("counter %d of %s: %d, counted %d", what, n.text(id), have, r.at(id)[what])
				}
			}
		}
	}
	return nil
}

func (r *recount) row(f *flow, graph []int64) {
	r.at(f.pipe)[f.status]++
	for _, step := range graph {
		if f.cell(step) == nil && !f.discarded() && f.status != rowRejected {
			r.at(step)[cellWaiting]++
		}
	}
	dead := false
	for _, c := range f.cells {
		if !f.discarded() && c.state != cellProcessed {
			r.at(c.step)[c.state]++
		}
		key := cellKey{f.row, c.step}
		switch c.state {
		case cellDead:
			dead = true
			r.dead[key] = c.letter
		case cellRunning:
			r.running++
		case cellQueued, cellRetrying:
			if !f.discarded() {
				r.queued[key] = c.due
			}
		}
		if due := c.open() || c.state == cellRunning; due != (c.due != 0) {
			r.differ("row %s, step %d in state %d is due at %d", formatID(f.row), c.step, c.state, c.due)
		}
	}
	if is := f.beneath(); dead != (is == rowDead) {
		r.differ("row %s has status %d, a dead step: %v", formatID(f.row), is, dead)
	}
}

// letters compares open letters with dead cells.
func (r *recount) letters() error {
	s := r.w.conn.prep("SELECT row, step, id FROM letters WHERE state > 0")
	err := s.each(func() bool {
		key := cellKey{s.i64(0), s.i64(1)}
		if r.dead[key] != s.i64(2) {
			r.differ("letter %s: its cell has letter %d", formatID(s.i64(2)), r.dead[key])
		}
		delete(r.dead, key)
		return true
	})
	for key := range r.dead {
		r.differ("row %s is dead at step %d without a letter", formatID(key.row), key.step)
	}
	return err
}

// causes compares the groups of letters with letters.
func (r *recount) causes() error {
	open := map[int64]int64{}
	s := r.w.conn.prep("SELECT cause, count(*) FROM letters WHERE state = 1 GROUP BY 1")
	err := s.each(func() bool { open[s.i64(0)] = s.i64(1); return true })
	for id, c := range r.w.causes {
		if c.n != open[id] {
			r.differ("letters of cause %s: %d, counted %d", c.name, c.n, open[id])
		}
	}
	return err
}

// queues looks for open cells that no queue knows, and for leases.
func (r *recount) queues() error {
	for _, q := range r.w.queues {
		q.each(false, func(e entry) {
			if key := (cellKey{e.row(), q.id}); r.queued[key] == e.due {
				delete(r.queued, key)
			}
		})
	}
	for key, due := range r.queued {
		r.differ("row %s, step %d is due at %d but in no queue", formatID(key.row), key.step, due)
	}
	if r.running != len(r.w.leases.byCell) {
		r.differ("%d leases for %d running cells", len(r.w.leases.byCell), r.running)
	}
	return nil
}

// stored compares counters in memory with those on disk.
func (r *recount) stored() error {
	s := r.w.conn.prep("SELECT id, c0, c1, c2, c3, c4, c5, c6, c7 FROM counters")
	return s.each(func() bool {
		t := r.w.tally(s.i64(0))
		for i, have := range t.n {
			if have != s.i64(i+1) && !t.dirty {
				r.differ("counter %d of %d: %d, stored %d", i, t.id, have, s.i64(i+1))
			}
		}
		return true
	})
}
