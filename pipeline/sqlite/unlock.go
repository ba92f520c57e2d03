package sqlite

import (
	"slices"

	"redrive/pipeline"
)

// passed queues what a processed step unlocks, and ends the row when that was
// its last. The cell is a copy: others may be added to the row.
func (w *writer) passed(f *flow, c cell, q *queue, o *pipeline.Outcome) error {
	if !c.alone {
		for i := range o.Unlocks {
			if err := w.unlock(f, &o.Unlocks[i]); err != nil {
				return err
			}
		}
	}
	if !c.again && !slices.Contains(o.Sinks, q.step) {
		return nil
	}
	if f.only(cellProcessed) && w.allProcessed(f, o.Sinks) {
		w.setStatus(f, rowDone)
	}
	return nil
}

// unlock queues a step whose last need was processed. It is queued once,
// however often this is said.
func (w *writer) unlock(f *flow, u *pipeline.Unlock) error {
	if len(u.Needs) > 1 && !w.allProcessed(f, u.Needs) {
		return nil
	}
	step, err := w.name(nameStep, f.pipe, u.Step)
	if err != nil {
		return err
	}
	c := f.cell(step)
	switch {
	case c == nil:
		f.cells = append(f.cells, cell{step: step, state: cellQueued, due: w.now, touched: w.now})
	case c.state == cellWaiting: // it was reset
		c.state, c.due, c.touched = cellQueued, w.now, w.now
	default:
		return nil
	}
	if !f.discarded() {
		q := w.queue(step)
		w.move(q.tally, cellWaiting, cellQueued)
		q.push(newEntry(w.now, f.row, false))
	}
	return nil
}

func (w *writer) allProcessed(f *flow, steps []string) bool {
	n := w.db.names.Load()
	for _, step := range steps {
		id, _ := n.id(nameStep, f.pipe, step)
		if !f.is(id, cellProcessed) {
			return false
		}
	}
	return true
}
