package sqlite

import (
	"slices"

	"redrive/pipeline"
)

// unlock queues a step whose last need was processed. It is queued once,
// however often this is said.
func (w *writer) unlock(l *lease, u *pipeline.Unlock) error {
	if l.alone {
		return nil
	}
	if len(u.Needs) > 1 {
		ready, err := w.allProcessed(l, u.Needs)
		if err != nil || !ready {
			return err
		}
	}
	step, err := w.name(nameStep, l.q.pipe, u.Step)
	if err != nil {
		return err
	}
	due := w.now
	if l.discarded {
		due = -due
	}
	n, err := w.conn.prep(insertCell+` ON CONFLICT DO UPDATE SET state = 1, due_at = excluded.due_at,
		touched_at = excluded.touched_at WHERE state = 0`).int(1, l.row).int(2, step).int(3, due).int(4, w.now).exec()
	if err != nil || n == 0 || l.discarded {
		return err
	}
	q := w.queue(step)
	w.move(q.tally, cellWaiting, cellQueued)
	w.push(q, entry{due: due, row: l.row, fresh: true})
	return nil
}

func (w *writer) allProcessed(l *lease, needs []string) (bool, error) {
	if err := w.readCells(l.row); err != nil {
		return false, err
	}
	n := w.db.names.Load()
	for _, need := range needs {
		id, _ := n.id(nameStep, l.q.pipe, need)
		done := slices.ContainsFunc(w.cells, func(c cellRow) bool { return c.step == id && c.state == cellProcessed })
		if !done {
			return false, nil
		}
	}
	return true, nil
}

// maybeDone ends the row when its last sink was processed. With one sink and
// nothing queued by hand the sink's own flag says so; else the cells are read.
func (w *writer) maybeDone(l *lease, step string, sinks []string) error {
	sink := slices.Contains(sinks, step)
	if !sink && !l.again {
		return nil
	}
	if sink && len(sinks) == 1 && !l.again && !l.discarded {
		n, err := w.conn.prep("UPDATE rows SET status = 3, changed_at = ? WHERE seq = ? AND status = 2 AND forced IS NULL").
			int(1, w.now).int(2, l.row).exec()
		if err != nil {
			return err
		}
		if n == 1 {
			w.count(l.q.rows, rowInProgress, -1)
			w.count(l.q.rows, rowDone, 1)
			return nil
		}
	}
	if done, err := w.allDone(l, sinks); err != nil || !done {
		return err
	}
	return w.setStatus(l.row, rowDone)
}

// allDone: every sink is processed and no cell is anything else.
func (w *writer) allDone(l *lease, sinks []string) (bool, error) {
	done, err := w.allProcessed(l, sinks)
	if err != nil || !done {
		return false, err
	}
	return !slices.ContainsFunc(w.cells, func(c cellRow) bool { return c.state != cellProcessed }), nil
}
