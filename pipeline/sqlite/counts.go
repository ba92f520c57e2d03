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
		seq, err := w.conn.value("SELECT min(seq) FROM rows WHERE pipeline = ? AND status = ?", pipe, status)
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
// Usually it is first in the window; while a downstream is away, retrying ones
// may be before it. Entries out of date are dropped on the way.
func (w *writer) oldestDue(q *queue) (int64, error) {
	if q.tally.n[cellQueued] <= 0 {
		return 0, nil
	}
	for range staleLooks {
		if _, ok, err := w.first(q); err != nil || !ok {
			return 0, err
		}
		i := q.oldestQueued()
		if i < 0 {
			break
		}
		e := q.window[i]
		due, err := w.conn.value("SELECT due_at FROM cells WHERE row = ? AND step = ? AND state = 1", e.row, q.id)
		if err != nil || due == e.due {
			return due, err
		}
		q.remove(i)
	}
	return w.conn.value("SELECT due_at FROM cells WHERE step = ? AND due_at > 0 AND state = 1 ORDER BY due_at LIMIT 1", q.id)
}

const staleLooks = 64

// oldestQueued answers the place of the queued entry due first, -1 if none.
func (q *queue) oldestQueued() int {
	if !q.window[0].retrying {
		return 0
	}
	oldest := -1
	for i, e := range q.window {
		if !e.retrying && (oldest < 0 || e.before(q.window[oldest])) {
			oldest = i
		}
	}
	return oldest
}
