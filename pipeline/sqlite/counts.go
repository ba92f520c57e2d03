package sqlite

import (
	"context"
	"time"

	"redrive/pipeline"
)

// Counts answers the counters. The writer keeps them.
func (s metricStore) Counts(ctx context.Context) (pipeline.Counts, error) {
	var counts pipeline.Counts
	err := s.db.do(ctx, 1, true, func(w *writer) (err error) {
		counts, err = w.counts()
		return err
	})
	if err != nil {
		return pipeline.Counts{}, err
	}
	return counts, nil
}

func (w *writer) counts() (pipeline.Counts, error) {
	if err := w.storeFlows(); err != nil {
		return pipeline.Counts{}, err
	}
	n := w.db.names.Load()
	c := pipeline.Counts{Rows: map[string]map[pipeline.Status]int64{}, Steps: map[pipeline.StepKey]pipeline.StepCounts{},
		Oldest: map[string]time.Time{}}
	for _, id := range n.all(namePipeline, 0) {
		rows := map[pipeline.Status]int64{}
		for status := int64(rowAccepted); status <= rowDiscarded; status++ {
			rows[statusName(status)] = w.tally(id).n[status]
		}
		c.Rows[n.text(id)] = rows
		oldest, err := w.oldestRow(id)
		if err != nil {
			return c, err
		}
		if oldest != 0 {
			c.Oldest[n.text(id)] = idTime(oldest)
		}
	}
	for _, id := range n.all(nameStep, 0) {
		q := w.queue(id)
		due, err := w.oldestDue(q)
		if err != nil {
			return c, err
		}
		t := q.tally.n
		c.Steps[pipeline.StepKey{Pipeline: q.pipeline, Step: q.step}] = pipeline.StepCounts{
			Waiting: t[cellWaiting], Queued: t[cellQueued], Running: t[cellRunning], Retrying: t[cellRetrying], Dead: t[cellDead],
			ProcessedTotal: t[countProcessed], FailedTotal: t[countFailed], Throttled: t[countThrottled], OldestDue: fromMillis(due)}
	}
	return c, nil
}

func (w *writer) oldestRow(pipe int64) (oldest int64, err error) {
	for _, status := range []int64{rowAccepted, rowInProgress} {
		seq, err := w.conn.value("SELECT min(seq) FROM flow WHERE span = ?", span(pipe, status))
		if err != nil {
			return 0, err
		}
		if seq != 0 && (oldest == 0 || seq < oldest) {
			oldest = seq
		}
	}
	return oldest, nil
}

// oldestDue answers when the oldest queued cell was due, 0 if there is none.
// Usually it is first in the queue; while a downstream is away, retrying ones
// may be before it.
func (w *writer) oldestDue(q *queue) (int64, error) {
	if q.tally.n[cellQueued] <= 0 {
		return 0, nil
	}
	for {
		e, ok := q.first()
		if !ok {
			return 0, nil
		}
		queued, current, err := w.current(q, e)
		if err != nil || queued {
			return e.due, err
		}
		if current {
			return w.oldestQueued(q)
		}
		w.pop(q)
	}
}

// current tells whether an entry is queued, and whether it is in the queue at
// all or out of date.
func (w *writer) current(q *queue, e entry) (queued, current bool, err error) {
	f, err := w.flow(e.row())
	if err != nil || f == nil || f.discarded() {
		return false, false, err
	}
	c := f.cell(q.id)
	if c == nil || !c.open() || c.due != e.due {
		return false, false, nil
	}
	return c.state == cellQueued, true, nil
}

// oldestQueued looks behind the retrying entries at the front.
func (w *writer) oldestQueued(q *queue) (oldest int64, err error) {
	for q.line.n > 0 {
		e := q.line.first()
		queued, current, err := w.current(q, e)
		if err != nil {
			return 0, err
		}
		if queued {
			oldest = e.due
		}
		if current {
			break
		}
		w.popped = append(w.popped, popped{q, e})
		q.line.pop()
	}
	for _, e := range q.heap {
		if e.retrying() || oldest != 0 && e.due >= oldest {
			continue
		}
		queued, _, err := w.current(q, e)
		if err != nil {
			return 0, err
		}
		if queued {
			oldest = e.due
		}
	}
	return oldest, nil
}
