package aws

import (
	"context"
	"maps"
	"slices"
	"time"

	"redrive/pipeline"
)

// Query answers from the coarse items where the period allows it: they are kept
// for longer and are fewer.
func (m *metrics) Query(ctx context.Context, q pipeline.MetricQuery) ([]pipeline.Datapoint, error) {
	return m.query(ctx, time.Now(), q)
}

func (m *metrics) query(ctx context.Context, now time.Time, q pipeline.MetricQuery) ([]pipeline.Datapoint, error) {
	g, period := m.fine, max(q.Period, m.fine.slot)
	if period%m.coarse.slot == 0 {
		g = m.coarse
	}
	before, err := m.trimmedBefore(ctx, g)
	if err != nil {
		return nil, err
	}
	w := window{series: series{q.Metric, q.Dimensions}}
	w.from = seconds(later(q.From.Truncate(g.slot), later(before, now.Add(-g.keep))))
	w.to = min(seconds(q.To), seconds(now.Add(g.span)))
	points := map[int64]sums{}
	for key := g.partOf(w.from); key.start(g) < w.to; key.n++ {
		if err := m.addPart(ctx, g, key, w, now, func(at int64, s sums) {
			addTo(points, time.Unix(at, 0).UTC().Truncate(period).Unix(), s)
		}); err != nil {
			return nil, err
		}
	}
	var list []pipeline.Datapoint
	for _, at := range slices.Sorted(maps.Keys(points)) {
		s := points[at]
		list = append(list, pipeline.Datapoint{At: time.Unix(at, 0).UTC(), Sum: s.sum, Count: s.count, Min: s.low, Max: s.high})
	}
	return list, nil
}

// window is what a query wants: slots that begin at or after from and before to,
// in seconds.
type window struct {
	series
	from, to int64
}

func (w window) has(at int64) bool { return at >= w.from && at < w.to }

// seconds rounds a time up to whole ones, as slots begin at.
func seconds(t time.Time) int64 { return t.Add(time.Second - 1).Unix() }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// addPart hands all that is known of one part of the window to add. A slot that
// leaves the memory may make the part incomplete; then it is read anew.
func (m *metrics) addPart(ctx context.Context, g *grain, key partKey, w window, now time.Time, add func(int64, sums)) error {
	for {
		if done, err := m.tryPart(ctx, g, key, w, now, add); done || err != nil {
			return err
		}
	}
}

func (m *metrics) tryPart(ctx context.Context, g *grain, key partKey, w window, now time.Time, add func(int64, sums)) (bool, error) {
	p := m.take(key, g, now)
	defer m.giveBack(p)
	if err := p.busy.take(ctx); err != nil {
		return false, m.t.fail(err, "Query")
	}
	defer p.busy.end()
	if err := m.read(ctx, g, p, w.to, now); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.parts[key] != p {
		return false, nil
	}
	p.each(w, g.own, add)
	for at, s := range g.own {
		if v, ok := s.points[w.series]; ok && w.has(at) && g.partOf(at) == key {
			add(at, v)
		}
	}
	return true, nil
}
