package sqlite

import (
	"context"
	"slices"

	"redrive/pipeline"
)

func (db *DB) requeue(ctx context.Context, entry *pipeline.Entry, moves []pipeline.Move) ([]error, error) {
	answers := make([]error, len(moves))
	err := db.do(ctx, 2*len(moves), false, func(w *writer) error {
		moved := 0
		for i := range moves {
			answer, err := w.requeue(&moves[i])
			if err != nil {
				return err
			}
			if answers[i] = answer; answer == nil {
				moved++
			}
		}
		return w.auditIf(moved > 0, entry)
	})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

func (w *writer) auditIf(done bool, entry *pipeline.Entry) error {
	if !done || entry == nil {
		return nil
	}
	return w.audit(entry)
}

// requeue makes one move; the answer is the refusal.
func (w *writer) requeue(m *pipeline.Move) (answer, err error) {
	row, ok := parseID(m.Row)
	if !ok {
		return noRow(), nil
	}
	h, found, err := w.head(row)
	if err != nil {
		return nil, err
	}
	if !found {
		return noRow(), nil
	}
	step, ok := w.db.names.Load().id(nameStep, h.pipe, m.Step)
	if !ok || !slices.Contains(w.db.names.Load().graphs[h.graph], step) {
		return &pipeline.Error{Code: pipeline.CodeNotFound, Text: "the row has no step of this name"}, nil
	}
	if err := w.readCells(row); err != nil {
		return nil, err
	}
	c := w.cell(step)
	if h.status == rowDiscarded || h.status == rowRejected || c.state != stateNumber(m.If) {
		return pipeline.ErrChanged, nil
	}
	if letter, _ := parseID(m.Letter); m.Letter != "" && letter != c.letter {
		return pipeline.ErrChanged, nil
	}
	return nil, w.makeMove(row, h, c, m)
}

func (w *writer) makeMove(row int64, h rowHead, c cellRow, m *pipeline.Move) error {
	q := w.queue(c.step)
	if err := w.leaveState(row, q, c); err != nil {
		return err
	}
	op, err := w.operation(m.Operation)
	if err != nil {
		return err
	}
	if c.op != 0 && op != 0 && c.op != op {
		w.progressOf(c.op).failed++ // that operation would wait for ever
	}
	if op == 0 {
		op = c.op
	} else {
		w.progressOf(op).moved++
	}
	due := dueMillis(m.At)
	if m.At.IsZero() {
		due = w.now
	}
	again := int64(0)
	if c.again || c.state == cellProcessed {
		again = 1
	}
	err = w.conn.prep(`INSERT INTO cells (row, step, state, attempts, spent, due_at, touched_at, again, alone, op)
		VALUES (?1, ?2, 1, 0, 0, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET state = 1, spent = 0, due_at = ?3, touched_at = ?4,
		again = ?5, alone = ?6, op = ?7, letter = NULL, first_failed_at = NULL`).
		int(1, row).int(2, c.step).int(3, due).int(4, w.now).orNull(5, again).orNull(6, boolInt(m.Alone)).orNull(7, op).run()
	if err != nil {
		return err
	}
	if c.state != cellProcessed {
		w.count(q.tally, c.state, -1)
	}
	w.count(q.tally, cellQueued, 1)
	w.push(q, entry{due: due, row: row})
	if err := w.resetSteps(row, h, m.Reset); err != nil {
		return err
	}
	return w.afterMove(row, h, c.step)
}

// leaveState ends what the cell was: its letter, its lease or its success.
func (w *writer) leaveState(row int64, q *queue, c cellRow) error {
	switch c.state {
	case cellDead:
		return w.setLetter(c.letter, letterClosed)
	case cellProcessed:
		return w.archive(row, c)
	case cellRunning:
		l := w.leases.byCell[cellKey{row, q.id}]
		if l == nil {
			return nil
		}
		if err := w.lose(l, w.now); err != nil {
			return err
		}
		w.leases.end(l)
	}
	return nil
}

// archive moves a success out of its cell, with what it answered.
func (w *writer) archive(row int64, c cellRow) error {
	if c.started != 0 {
		err := w.conn.prep(`INSERT OR REPLACE INTO attempts (row, step, number, started_at, duration, outcome, status_code, worker)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`).int(1, row).int(2, c.step).int(3, c.attempts).int(4, c.started).int(5, c.duration).
			int(6, attemptProcessed).orNull(7, c.code).orNull(8, c.worker).run()
		if err != nil {
			return err
		}
	}
	return w.conn.prep("DELETE FROM results WHERE row = ? AND step = ?").int(1, row).int(2, c.step).run()
}

// resetSteps makes processed steps wait again. Their cells stay, since attempts
// count on.
func (w *writer) resetSteps(row int64, h rowHead, steps []string) error {
	for _, name := range steps {
		id, ok := w.db.names.Load().id(nameStep, h.pipe, name)
		c := w.cell(id)
		if !ok || c.state != cellProcessed {
			continue
		}
		if err := w.archive(row, c); err != nil {
			return err
		}
		err := w.conn.prep(`UPDATE cells SET state = 0, spent = 0, touched_at = ?, again = 1, alone = NULL, first_failed_at = NULL
			WHERE row = ? AND step = ?`).int(1, w.now).int(2, row).int(3, id).run()
		if err != nil {
			return err
		}
		w.count(w.tally(id), cellWaiting, 1)
	}
	return nil
}

// afterMove gives the row its status: other dead steps keep it dead.
func (w *writer) afterMove(row int64, h rowHead, moved int64) error {
	if err := w.conn.prep("UPDATE rows SET forced = 1 WHERE seq = ?").int(1, row).run(); err != nil {
		return err
	}
	dead := slices.ContainsFunc(w.cells, func(c cellRow) bool { return c.state == cellDead && c.step != moved })
	switch {
	case h.status == rowAccepted:
		return nil
	case dead:
		return w.setStatus(row, rowDead)
	}
	return w.setStatus(row, rowInProgress)
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
