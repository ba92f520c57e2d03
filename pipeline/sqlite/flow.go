package sqlite

import "slices"

// flow is what changes of a row: its status and its steps.
type flow struct {
	row, pipe   int64
	status, was int64 // was: the status beneath a discard
	changedAt   int64
	reason      string
	discardedBy int64
	cells       []cell
	change      change
}

// change is how much of a flow the running group changed: the less, the cheaper
// it is to store.
type change int

const (
	changedNothing change = iota
	changedCells
	changedStatus // and cells
	changedAll
	changedNew
)

func (f *flow) discarded() bool { return f.status == rowDiscarded }

// beneath is the status without regard to a discard.
func (f *flow) beneath() int64 {
	if f.discarded() {
		return f.was
	}
	return f.status
}

// cell answers the cell of a step, nil while it waits without one.
func (f *flow) cell(step int64) *cell {
	for i := range f.cells {
		if f.cells[i].step == step {
			return &f.cells[i]
		}
	}
	return nil
}

// is tells whether a step is in a state; without a cell it waits.
func (f *flow) is(step, state int64) bool {
	if c := f.cell(step); c != nil {
		return c.state == state
	}
	return state == cellWaiting
}

// only tells whether all cells are in one state.
func (f *flow) only(state int64) bool {
	return !slices.ContainsFunc(f.cells, func(c cell) bool { return c.state != state })
}

const statusBits = 3

// span is pipeline and status as one number.
func span(pipe, status int64) int64 { return pipe<<statusBits | status }

func spanStatus(span int64) int64 { return span & (1<<statusBits - 1) }

// setStatus changes a row's status, or what is beneath if it is discarded.
func (w *writer) setStatus(f *flow, status int64) {
	if f.beneath() == status {
		return
	}
	if f.discarded() {
		f.was = status
		w.change(f, changedAll)
		return
	}
	t := w.tally(f.pipe)
	w.count(t, f.status, -1)
	w.count(t, status, 1)
	f.status, f.changedAt = status, w.now
	w.change(f, changedStatus)
}
