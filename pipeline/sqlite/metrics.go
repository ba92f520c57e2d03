package sqlite

import (
	"context"
	"strings"
	"time"

	"redrive/pipeline"
)

// Put adds points in both resolutions.
func (s metricStore) Put(ctx context.Context, points ...pipeline.Point) error {
	if len(points) == 0 {
		return nil
	}
	return s.db.do(ctx, len(points), false, func(w *writer) error {
		for i := range points {
			p := &points[i]
			id, err := w.name(nameMetric, 0, metricName(p.Metric, p.Dimensions))
			if err != nil {
				return err
			}
			at := millis(p.At)
			for coarse, slot := range [2]int64{pipeline.Resolution.Milliseconds(), pipeline.Coarse.Milliseconds()} {
				if err := w.putPoint(int64(coarse), id, at-at%slot, p); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (w *writer) putPoint(coarse, id, at int64, p *pipeline.Point) error {
	return w.conn.prep(`INSERT INTO metrics (coarse, id, at, sum, count, min, max) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET sum = sum + excluded.sum, count = count + excluded.count,
		min = min(min, excluded.min), max = max(max, excluded.max)`).
		int(1, coarse).int(2, id).int(3, at).float(4, p.Sum).float(5, p.Count).float(6, p.Min).float(7, p.Max).run()
}

func metricName(metric string, d pipeline.Dimensions) string {
	return strings.Join([]string{metric, d.Pipeline, d.Step, d.Breaker}, "\x00")
}

// Query answers from the coarse points where the period allows it: they are
// kept for longer and are fewer.
func (s metricStore) Query(ctx context.Context, q pipeline.MetricQuery) ([]pipeline.Datapoint, error) {
	resolution, coarse := pipeline.Resolution, int64(0)
	period := max(q.Period, resolution)
	if period%pipeline.Coarse == 0 {
		resolution, coarse = pipeline.Coarse, 1
	}
	if err := s.db.usable(ctx); err != nil {
		return nil, err
	}
	id, ok := s.db.names.Load().id(nameMetric, 0, metricName(q.Metric, q.Dimensions))
	if !ok {
		return nil, nil
	}
	from, to := q.From.Truncate(resolution).UnixMilli(), q.To.UnixMilli()
	var points []pipeline.Datapoint
	err := s.db.read(ctx, func(c *conn) error {
		st := c.prep("SELECT at, sum, count, min, max FROM metrics WHERE coarse = ? AND id = ? AND at >= ? AND at < ? ORDER BY at")
		return st.int(1, coarse).int(2, id).int(3, from).int(4, to).each(func() bool {
			points = addPoint(points, pipeline.Datapoint{At: time.UnixMilli(st.i64(0)).UTC().Truncate(period),
				Sum: st.flt(1), Count: st.flt(2), Min: st.flt(3), Max: st.flt(4)})
			return true
		})
	})
	return points, err
}

func addPoint(points []pipeline.Datapoint, p pipeline.Datapoint) []pipeline.Datapoint {
	if len(points) == 0 || !points[len(points)-1].At.Equal(p.At) {
		return append(points, p)
	}
	last := &points[len(points)-1]
	last.Sum, last.Count = last.Sum+p.Sum, last.Count+p.Count
	last.Min, last.Max = min(last.Min, p.Min), max(last.Max, p.Max)
	return points
}

// Trim deletes old points, and records that expired.
func (s metricStore) Trim(ctx context.Context, fine, coarse time.Time) error {
	return s.db.do(ctx, 100, false, func(w *writer) error {
		for _, id := range w.db.names.Load().all(nameMetric, 0) {
			for res, before := range [2]time.Time{fine, coarse} {
				// What coarse bounds is deleted in both resolutions.
				if res == 0 && coarse.After(fine) {
					before = coarse
				}
				err := w.conn.prep("DELETE FROM metrics WHERE coarse = ? AND id = ? AND at < ?").int(1, int64(res)).int(2, id).int(3, before.UnixMilli()).run()
				if err != nil {
					return err
				}
			}
		}
		return w.conn.prep("DELETE FROM records WHERE expires_at <= ?").int(1, w.now).run()
	})
}

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
