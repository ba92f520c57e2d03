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
