package aws

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"redrive/pipeline"
)

// series is a metric with its dimensions.
type series struct {
	metric string
	pipeline.Dimensions
}

func (s series) compare(o series) int {
	return cmp.Or(cmp.Compare(s.metric, o.metric), cmp.Compare(s.Pipeline, o.Pipeline), cmp.Compare(s.Step, o.Step), cmp.Compare(s.Breaker, o.Breaker))
}

// sums are the points of one series in one slot, added up.
type sums struct{ sum, count, low, high float64 }

func (s sums) plus(o sums) sums {
	return sums{s.sum + o.sum, s.count + o.count, min(s.low, o.low), max(s.high, o.high)}
}

func (s sums) finite() bool {
	n := s.sum + s.count + s.low + s.high
	return !math.IsNaN(n) && !math.IsInf(n, 0)
}

// addTo adds sums to those of a key, if it has any.
func addTo[K comparable](to map[K]sums, key K, s sums) {
	if was, ok := to[key]; ok {
		s = was.plus(s)
	}
	to[key] = s
}

// restFor is how long a slot stays in memory after it was written. Whoever read
// its item meanwhile has read the last state of it.
const restFor = time.Minute

// ownSlot is what this process measured in one slot. If it has left the memory
// and points come late, a new one with another item takes them.
type ownSlot struct {
	at      int64 // its start, in seconds
	id      string
	points  map[series]sums
	changes int       // made
	stored  int       // of them
	since   time.Time // the first change that is not stored
	last    time.Time // when it was stored
}

func (g *grain) add(p *pipeline.Point, now time.Time) {
	v := sums{p.Sum, p.Count, p.Min, p.Max}
	if !v.finite() {
		return
	}
	at := p.At.Truncate(g.slot).Unix()
	s := g.own[at]
	if s == nil {
		s = &ownSlot{at: at, id: pipeline.NewID(), points: map[series]sums{}}
		g.own[at] = s
	}
	addTo(s.points, series{p.Metric, p.Dimensions}, v)
	if !s.dirty() {
		s.since = now
	}
	s.changes++
}

func (s *ownSlot) dirty() bool { return s.changes > s.stored }

// isDue tells whether changes of a slot are to be written now.
func (s *ownSlot) isDue(g *grain, now time.Time) bool {
	over := !now.Before(time.Unix(s.at, 0).Add(g.slot))
	return s.dirty() && (over || now.Sub(s.since) >= g.patient)
}

func (g *grain) isDue(now time.Time) bool {
	for _, s := range g.own {
		if s.isDue(g, now) {
			return true
		}
	}
	return false
}

// retire drops slots that are over and written. What other items have of one
// that lies in a part which counted as complete is read again with its own.
func (m *metrics) retire(g *grain, now time.Time) {
	for at, s := range g.own {
		if s.dirty() || now.Sub(s.last) < restFor || now.Before(time.Unix(at, 0).Add(g.slot+restFor)) {
			continue
		}
		delete(g.own, at)
		if key := g.partOf(at); m.parts[key] != nil && at < m.parts[key].upTo {
			delete(m.parts, key)
		}
	}
}

const attrPoints = "points"

// packedPoints are the points of one item, column by column.
type packedPoints struct {
	Metric   []string  `json:"metric"`
	Pipeline []string  `json:"pipeline"`
	Step     []string  `json:"step"`
	Breaker  []string  `json:"breaker"`
	Sum      []float64 `json:"sum"`
	Count    []float64 `json:"count"`
	Min      []float64 `json:"min"`
	Max      []float64 `json:"max"`
}

func (s *ownSlot) item(g *grain) (item, error) {
	var p packedPoints
	for _, k := range slices.SortedFunc(maps.Keys(s.points), series.compare) {
		v := s.points[k]
		p.Metric, p.Pipeline = append(p.Metric, k.metric), append(p.Pipeline, k.Pipeline)
		p.Step, p.Breaker = append(p.Step, k.Step), append(p.Breaker, k.Breaker)
		p.Sum, p.Count = append(p.Sum, v.sum), append(p.Count, v.count)
		p.Min, p.Max = append(p.Min, v.low), append(p.Max, v.high)
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("packing metrics: %w", err)
	}
	points, err := packed(text)
	if err != nil {
		return nil, err
	}
	it := keyOf(g.partOf(s.at).pk(), slotKey(s.at)+"#"+s.id)
	it[attrPoints], it[attrTTL] = points, expiry(time.Unix(s.at, 0).Add(g.keep))
	return it, nil
}

// slotKey makes sort keys sort by time.
func slotKey(at int64) string { return fmt.Sprintf("%011d", at) }

// unpackPoints reads what item made.
func unpackPoints(it item) (map[series]sums, error) {
	text, err := it.unpacked(attrPoints)
	if err != nil {
		return nil, err
	}
	var p packedPoints
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, unreadable(it, err)
	}
	n := len(p.Metric)
	for _, have := range []int{len(p.Pipeline), len(p.Step), len(p.Breaker), len(p.Sum), len(p.Count), len(p.Min), len(p.Max)} {
		if have != n {
			return nil, unreadable(it, fmt.Errorf("%d metrics with %d values", n, have))
		}
	}
	points := make(map[series]sums, n)
	for i := range n {
		points[series{p.Metric[i], pipeline.Dimensions{Pipeline: p.Pipeline[i], Step: p.Step[i], Breaker: p.Breaker[i]}}] =
			sums{p.Sum[i], p.Count[i], p.Min[i], p.Max[i]}
	}
	return points, nil
}
