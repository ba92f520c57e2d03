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
	f, err := w.flow(row)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return noRow(), nil
	}
	graph, err := w.conn.value("SELECT graph FROM rows WHERE seq = ?", row)
	if err != nil {
		return nil, err
	}
	n := w.db.names.Load()
	step, ok := n.id(nameStep, f.pipe, m.Step)
	if !ok || !slices.Contains(n.graphs[graph], step) {
		return &pipeline.Error{Code: pipeline.CodeNotFound, Text: "the row has no step of this name"}, nil
	}
	if f.discarded() || f.status == rowRejected || !f.is(step, stateNumber(m.If)) {
		return pipeline.ErrChanged, nil
	}
	c := f.cell(step)
	if letter, _ := parseID(m.Letter); m.Letter != "" && (c == nil || letter != c.letter) {
		return pipeline.ErrChanged, nil
	}
	if c == nil {
		f.cells = append(f.cells, cell{step: step})
		c = &f.cells[len(f.cells)-1]
	}
	return nil, w.makeMove(f, c, m)
}

func (w *writer) makeMove(f *flow, c *cell, m *pipeline.Move) error {
	q, was := w.queue(c.step), c.state
	if err := w.leaveState(f, c, q); err != nil {
		return err
	}
	if err := w.moveFor(c, m.Operation); err != nil {
		return err
	}
	c.state, c.spent, c.due, c.touched = cellQueued, 0, dueMillis(m.At), w.now
	if m.At.IsZero() {
		c.due = w.now
	}
	c.again, c.alone = c.again || was == cellProcessed, m.Alone
	c.letter, c.firstFailed = 0, 0
	w.change(f, changedCells)
	if was != cellProcessed {
		w.count(q.tally, was, -1)
	}
	w.count(q.tally, cellQueued, 1)
	q.push(newEntry(c.due, f.row, false))
	if err := w.resetSteps(f, m.Reset); err != nil {
		return err
	}
	w.statusAfterMove(f)
	return nil
}

// moveFor counts a move for its operation, which from now on counts what
// becomes of the cell.
func (w *writer) moveFor(c *cell, operation string) error {
	op, err := w.operation(operation)
	if err != nil || op == 0 {
		return err
	}
	if c.op != 0 && c.op != op {
		w.progressOf(c.op).failed++ // that operation would wait for ever
	}
	c.op = op
	w.progressOf(op).moved++
	return nil
}

// leaveState ends what the cell was: its letter, its lease or its success.
func (w *writer) leaveState(f *flow, c *cell, q *queue) error {
	switch c.state {
	case cellDead:
		return w.setLetter(c.letter, letterClosed)
	case cellProcessed:
		return w.archive(f, c)
	case cellRunning:
		l := w.leases.byCell[cellKey{f.row, q.id}]
		if l == nil {
			return nil
		}
		w.leases.end(l)
		return w.lose(f, c, q)
	}
	return nil
}

// archive moves a success out of its cell, with what it answered.
func (w *writer) archive(f *flow, c *cell) error {
	if c.started != 0 {
		err := w.insertAttempt(f.row, c, attempt{started: c.started, duration: c.duration, outcome: attemptProcessed, code: c.code, worker: c.worker})
		if err != nil {
			return err
		}
	}
	return w.conn.prep("DELETE FROM results WHERE row = ? AND step = ?").int(1, f.row).int(2, c.step).run()
}

// resetSteps makes processed steps wait again. Their cells stay, since attempts
// count on.
func (w *writer) resetSteps(f *flow, steps []string) error {
	for _, name := range steps {
		id, ok := w.db.names.Load().id(nameStep, f.pipe, name)
		c := f.cell(id)
		if !ok || c == nil || c.state != cellProcessed {
			continue
		}
		if err := w.archive(f, c); err != nil {
			return err
		}
		c.state, c.spent, c.touched, c.again, c.alone, c.firstFailed = cellWaiting, 0, w.now, true, false, 0
		w.count(w.tally(id), cellWaiting, 1)
	}
	return nil
}

// statusAfterMove: other dead steps keep the row dead.
func (w *writer) statusAfterMove(f *flow) {
	dead := slices.ContainsFunc(f.cells, func(c cell) bool { return c.state == cellDead })
	switch {
	case f.status == rowAccepted:
	case dead:
		w.setStatus(f, rowDead)
	default:
		w.setStatus(f, rowInProgress)
	}
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
