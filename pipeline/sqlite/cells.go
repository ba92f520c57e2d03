package sqlite

import "slices"

// cellRow is what operator moves read of a cell.
type cellRow struct {
	step, state, attempts, spent, due int64
	started, duration, code, worker   int64
	again                             bool
	op, letter                        int64
}

// readCells reads a row's cells into w.cells.
func (w *writer) readCells(row int64) error {
	w.cells = w.cells[:0]
	s := w.conn.prep(`SELECT step, state, attempts, spent, due_at, started_at, duration, status_code, worker, again, op, letter
		FROM cells WHERE row = ?`)
	return s.int(1, row).each(func() bool {
		w.cells = append(w.cells, cellRow{step: s.i64(0), state: s.i64(1), attempts: s.i64(2), spent: s.i64(3), due: s.i64(4),
			started: s.i64(5), duration: s.i64(6), code: s.i64(7), worker: s.i64(8), again: s.i64(9) == 1, op: s.i64(10), letter: s.i64(11)})
		return true
	})
}

// cell answers the cell of a step among w.cells; waiting if there is none.
func (w *writer) cell(step int64) cellRow {
	if i := slices.IndexFunc(w.cells, func(c cellRow) bool { return c.step == step }); i >= 0 {
		return w.cells[i]
	}
	return cellRow{step: step, state: cellWaiting}
}

// rowHead is what moves need to know of a row.
type rowHead struct {
	pipe, graph, status, was int64
	discardedBy              int64
}

// beneath is the status without regard to a discard.
func (h rowHead) beneath() int64 {
	if h.status == rowDiscarded {
		return h.was
	}
	return h.status
}

func (w *writer) head(row int64) (h rowHead, found bool, err error) {
	s := w.conn.prep("SELECT pipeline, graph, status, was, discarded_by FROM rows WHERE seq = ?").int(1, row)
	found, err = s.one(func() { h = rowHead{s.i64(0), s.i64(1), s.i64(2), s.i64(3), s.i64(4)} })
	return h, found, err
}

// setStatus changes a row's status, or what is beneath if it is discarded.
func (w *writer) setStatus(row, status int64) error {
	h, found, err := w.head(row)
	if err != nil || !found || h.beneath() == status {
		return err
	}
	if h.status == rowDiscarded {
		return w.conn.prep("UPDATE rows SET was = ? WHERE seq = ?").int(1, status).int(2, row).run()
	}
	t := w.tally(h.pipe)
	w.count(t, h.status, -1)
	w.count(t, status, 1)
	return w.conn.prep("UPDATE rows SET status = ?, changed_at = ? WHERE seq = ?").int(1, status).int(2, w.now).int(3, row).run()
}
