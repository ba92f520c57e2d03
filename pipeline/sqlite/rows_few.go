package sqlite

import (
	"context"
	"slices"

	"redrive/pipeline"
)

// fewRows is how many rows are taken from a queue at once.
const fewRows = 1000

// few is the candidates of a list by state: only the writer knows what is
// running and what is queued, and where among all rows that is.
type few struct {
	rows   []int64 // in the list's order
	more   bool    // there are others behind these
	lo, hi int64   // the list's bounds
	oldest bool
}

// fewCandidates answers nil if any row may match.
func (sc *rowScan) fewCandidates(ctx context.Context) (*few, error) {
	running := sc.f.State == pipeline.StateRunning
	queued := sc.f.State == pipeline.StateQueued || sc.f.State == pipeline.StateRetrying
	if sc.db.readOnly || !running && !queued {
		return nil, nil
	}
	var found *few
	steps := sc.db.names.Load().steps(sc.f.Pipeline, sc.f.Step)
	err := sc.db.do(ctx, 1, true, func(w *writer) error {
		found = &few{lo: sc.lo, hi: sc.hi, oldest: sc.f.Oldest}
		if running {
			found.leased(w, steps)
		} else {
			found.queued(w, steps)
		}
		return nil
	})
	if err == nil && queued {
		err = sc.db.read(ctx, func(c *conn) error { return sc.discarded(c, found) })
	}
	if err != nil {
		return nil, err
	}
	found.keep()
	return found, nil
}

// discarded adds rows that were set aside: their steps keep their state but are
// in no queue.
func (sc *rowScan) discarded(c *conn, found *few) error {
	sc.c = c
	var rows []int64
	for _, sp := range sc.spans {
		if spanStatus(sp) != rowDiscarded {
			continue
		}
		if err := sc.read(&rows, spanQuery, sp, sc.lo, sc.hi, fewRows+1); err != nil {
			return err
		}
	}
	for _, row := range rows {
		found.add(row)
	}
	return nil
}

func (fw *few) leased(w *writer, steps []int64) {
	for _, l := range w.leases.byCell {
		if slices.Contains(steps, l.q.id) {
			fw.add(l.row)
		}
	}
}

// queued walks from the end where the list begins, so that most entries of a
// long queue cost one comparison.
func (fw *few) queued(w *writer, steps []int64) {
	for _, step := range steps {
		w.queue(step).each(!fw.oldest, func(e entry) { fw.add(e.row()) })
	}
}

func (fw *few) add(row int64) {
	if row <= fw.lo || row >= fw.hi {
		return
	}
	if fw.rows = append(fw.rows, row); len(fw.rows) == 2*fewRows {
		fw.keep()
	}
}

// keep sorts the rows and forgets all but the first; what comes behind them
// need not be added from now on.
func (fw *few) keep() {
	slices.Sort(fw.rows)
	fw.rows = slices.Compact(fw.rows)
	if !fw.oldest {
		slices.Reverse(fw.rows)
	}
	if len(fw.rows) <= fewRows {
		return
	}
	fw.rows, fw.more = fw.rows[:fewRows], true
	if last := fw.rows[fewRows-1]; fw.oldest {
		fw.hi = last + 1
	} else {
		fw.lo = last - 1
	}
}
