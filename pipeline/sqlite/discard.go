package sqlite

import (
	"context"

	"redrive/pipeline"
)

func (db *DB) discard(ctx context.Context, entry *pipeline.Entry, operation, reason string, ids []string) ([]error, error) {
	return db.aside(ctx, entry, ids, func(w *writer, f *flow) (error, error) {
		if f.discarded() {
			return pipeline.ErrChanged, nil
		}
		op, err := w.operation(operation)
		if err != nil {
			return nil, err
		}
		return nil, w.discard(f, op, reason)
	})
}

func (db *DB) restore(ctx context.Context, entry *pipeline.Entry, operation string, ids []string) ([]error, error) {
	return db.aside(ctx, entry, ids, func(w *writer, f *flow) (error, error) {
		if !f.discarded() {
			return pipeline.ErrChanged, nil
		}
		foreign, err := w.foreign(operation, f)
		if err != nil || foreign {
			return pipeline.ErrChanged, err
		}
		return nil, w.restore(f)
	})
}

// foreign tells whether a discard is being undone that did not set this row
// aside: another one did since.
func (w *writer) foreign(operation string, f *flow) (bool, error) {
	if operation == "" || f.discardedBy == 0 {
		return false, nil
	}
	other := false
	s := w.conn.prep("SELECT id FROM operations WHERE name = ? AND discards = 1").text(1, operation)
	_, err := s.one(func() { other = s.i64(0) != f.discardedBy })
	return other, err
}

// aside runs change on each row that exists, and writes the entry if one did.
func (db *DB) aside(ctx context.Context, entry *pipeline.Entry, ids []string,
	change func(w *writer, f *flow) (answer, err error)) ([]error, error) {
	answers := make([]error, len(ids))
	err := db.do(ctx, 2*len(ids), false, func(w *writer) error {
		done := false
		for i, id := range ids {
			var f *flow
			if row, ok := parseID(id); ok {
				var err error
				if f, err = w.flow(row); err != nil {
					return err
				}
			}
			if answers[i] = noRow(); f == nil {
				continue
			}
			answer, err := change(w, f)
			if answers[i] = answer; err != nil {
				return err
			}
			done = done || answer == nil
		}
		return w.auditIf(done, entry)
	})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

func (w *writer) discard(f *flow, op int64, reason string) error {
	if op != 0 {
		w.progressOf(op).moved++
		if err := w.conn.prep("UPDATE operations SET discards = 1 WHERE id = ?").int(1, op).run(); err != nil {
			return err
		}
	}
	if err := w.countAside(f, -1); err != nil {
		return err
	}
	for i := range f.cells {
		c := &f.cells[i]
		if c.op != 0 {
			w.progressOf(c.op).failed++ // that operation would wait for ever
			c.op = 0
		}
		if c.state == cellDead {
			if err := w.setLetter(c.letter, letterHidden); err != nil {
				return err
			}
		}
	}
	t := w.tally(f.pipe)
	w.count(t, f.status, -1)
	w.count(t, rowDiscarded, 1)
	f.was, f.status, f.changedAt, f.reason, f.discardedBy = f.status, rowDiscarded, w.now, reason, op
	w.change(f, changedAll)
	return nil
}

func (w *writer) restore(f *flow) error {
	if err := w.countAside(f, 1); err != nil {
		return err
	}
	t := w.tally(f.pipe)
	w.count(t, rowDiscarded, -1)
	w.count(t, f.was, 1)
	f.status, f.was, f.changedAt, f.reason, f.discardedBy = f.was, 0, w.now, "", 0
	w.change(f, changedAll)
	for _, c := range f.cells {
		switch c.state {
		case cellQueued, cellRetrying:
			w.queue(c.step).push(newEntry(c.due, f.row, c.state == cellRetrying))
		case cellDead:
			if err := w.setLetter(c.letter, letterOpen); err != nil {
				return err
			}
		}
	}
	return nil
}

// countAside takes a row's steps out of the counters or puts them back.
func (w *writer) countAside(f *flow, n int64) error {
	if f.beneath() == rowRejected {
		return nil
	}
	for _, c := range f.cells {
		if c.state != cellProcessed {
			w.count(w.tally(c.step), c.state, n)
		}
	}
	graph, err := w.conn.value("SELECT graph FROM rows WHERE seq = ?", f.row)
	if err != nil {
		return err
	}
	for _, step := range w.db.names.Load().graphs[graph] {
		if f.cell(step) == nil {
			w.count(w.tally(step), cellWaiting, n)
		}
	}
	return nil
}

// discarded lists rows an operation set aside, oldest first.
func (db *DB) discarded(ctx context.Context, operation, cursor string, limit int) (page pipeline.Page[string], err error) {
	after, ok := int64(0), true
	if cursor != "" {
		if after, ok = parseID(cursor); !ok {
			return page, badCursor()
		}
	}
	limit = clampLimit(limit)
	err = db.read(ctx, func(c *conn) error {
		s := c.prep(`SELECT seq FROM flow WHERE discarded_by = (SELECT id FROM operations WHERE name = ?) AND seq > ? ORDER BY seq LIMIT ? + 0`)
		return s.text(1, operation).int(2, after).int(3, int64(limit+1)).each(func() bool {
			if len(page.Items) == limit {
				page.Next = page.Items[limit-1]
				return false
			}
			page.Items = append(page.Items, formatID(s.i64(0)))
			return true
		})
	})
	return page, err
}

func (db *DB) progress(ctx context.Context, operation string) (p pipeline.Progress, err error) {
	err = db.read(ctx, func(c *conn) error {
		s := c.prep("SELECT moved, succeeded, failed FROM operations WHERE name = ?")
		_, err := s.text(1, operation).one(func() {
			p = pipeline.Progress{Moved: s.i64(0), Succeeded: s.i64(1), FailedAgain: s.i64(2)}
		})
		return err
	})
	return p, err
}

func clampLimit(n int) int {
	if n <= 0 {
		return 50
	}
	return min(n, 500)
}
