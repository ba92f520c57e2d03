package sqlite

import (
	"context"
	"slices"

	"redrive/pipeline"
)

func (db *DB) discard(ctx context.Context, entry *pipeline.Entry, operation, reason string, ids []string) ([]error, error) {
	return db.aside(ctx, entry, ids, func(w *writer, row int64, h rowHead) (error, error) {
		if h.status == rowDiscarded {
			return pipeline.ErrChanged, nil
		}
		op, err := w.operation(operation)
		if err != nil {
			return nil, err
		}
		return nil, w.discard(row, h, op, reason)
	})
}

func (db *DB) restore(ctx context.Context, entry *pipeline.Entry, operation string, ids []string) ([]error, error) {
	return db.aside(ctx, entry, ids, func(w *writer, row int64, h rowHead) (error, error) {
		if h.status != rowDiscarded {
			return pipeline.ErrChanged, nil
		}
		foreign, err := w.foreign(operation, h)
		if err != nil || foreign {
			return pipeline.ErrChanged, err
		}
		return nil, w.restore(row, h)
	})
}

// foreign tells whether a discard is being undone that did not set this row
// aside: another one did since.
func (w *writer) foreign(operation string, h rowHead) (bool, error) {
	if operation == "" || h.discardedBy == 0 {
		return false, nil
	}
	other := false
	s := w.conn.prep("SELECT id FROM operations WHERE name = ? AND discards = 1").text(1, operation)
	_, err := s.one(func() { other = s.i64(0) != h.discardedBy })
	return other, err
}

// aside runs change on each row that exists, and writes the entry if one did.
func (db *DB) aside(ctx context.Context, entry *pipeline.Entry, ids []string,
	change func(w *writer, row int64, h rowHead) (answer, err error)) ([]error, error) {
	answers := make([]error, len(ids))
	err := db.do(ctx, 2*len(ids), false, func(w *writer) error {
		done := false
		for i, id := range ids {
			row, ok := parseID(id)
			var h rowHead
			if ok {
				var err error
				if h, ok, err = w.head(row); err != nil {
					return err
				}
			}
			if answers[i] = noRow(); !ok {
				continue
			}
			answer, err := change(w, row, h)
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

func (w *writer) discard(row int64, h rowHead, op int64, reason string) error {
	if op != 0 {
		w.progressOf(op).moved++
		if err := w.conn.prep("UPDATE operations SET discards = 1 WHERE id = ?").int(1, op).run(); err != nil {
			return err
		}
	}
	if err := w.countAside(row, h, -1); err != nil {
		return err
	}
	for _, c := range w.cells {
		if l := w.leases.byCell[cellKey{row, c.step}]; l != nil {
			l.discarded, l.op = true, 0
		}
		if c.op != 0 {
			w.progressOf(c.op).failed++ // that operation would wait for ever
		}
		if c.state == cellDead {
			if err := w.setLetter(c.letter, letterHidden); err != nil {
				return err
			}
		}
	}
	if err := w.conn.prep("UPDATE cells SET due_at = -abs(due_at), op = NULL WHERE row = ?").int(1, row).run(); err != nil {
		return err
	}
	t := w.tally(h.pipe)
	w.count(t, h.status, -1)
	w.count(t, rowDiscarded, 1)
	return w.conn.prep("UPDATE rows SET status = 6, was = status, changed_at = ?, reason = ?, discarded_by = ? WHERE seq = ?").
		int(1, w.now).textOrNull(2, reason).orNull(3, op).int(4, row).run()
}

func (w *writer) restore(row int64, h rowHead) error {
	if err := w.countAside(row, h, 1); err != nil {
		return err
	}
	if err := w.conn.prep("UPDATE cells SET due_at = abs(due_at) WHERE row = ?").int(1, row).run(); err != nil {
		return err
	}
	for _, c := range w.cells {
		switch c.state {
		case cellQueued, cellRetrying:
			w.push(w.queue(c.step), entry{due: max(c.due, -c.due), row: row, retrying: c.state == cellRetrying})
		case cellRunning:
			if l := w.leases.byCell[cellKey{row, c.step}]; l != nil {
				l.discarded = false
			}
		case cellDead:
			if err := w.setLetter(c.letter, letterOpen); err != nil {
				return err
			}
		}
	}
	t := w.tally(h.pipe)
	w.count(t, rowDiscarded, -1)
	w.count(t, h.was, 1)
	return w.conn.prep("UPDATE rows SET status = was, was = NULL, changed_at = ?, reason = NULL, discarded_by = NULL WHERE seq = ?").
		int(1, w.now).int(2, row).run()
}

// countAside takes a row's steps out of the counters or puts them back. It
// leaves the row's cells in w.cells.
func (w *writer) countAside(row int64, h rowHead, n int64) error {
	if err := w.readCells(row); err != nil {
		return err
	}
	if h.beneath() == rowRejected {
		return nil
	}
	for _, c := range w.cells {
		if c.state != cellProcessed {
			w.count(w.tally(c.step), c.state, n)
		}
	}
	for _, step := range w.db.names.Load().graphs[h.graph] {
		if !slices.ContainsFunc(w.cells, func(c cellRow) bool { return c.step == step }) {
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
		s := c.prep(`SELECT seq FROM rows WHERE discarded_by = (SELECT id FROM operations WHERE name = ?) AND seq > ? ORDER BY seq LIMIT ?`)
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
