package aws

import (
	"context"
	"sync"
	"time"

	"redrive/pipeline"
)

// floor knows, for each pipeline, the row before which all are finished. What is
// still to do lies above it, so that looking for it costs nothing for the
// millions below.
type floor struct {
	s  *Store
	mu sync.Mutex
	of map[string]*groundOf
}

type groundOf struct {
	low    string // id: every row before it is finished, dead or set aside
	at     time.Time
	oldest time.Time            // when the oldest unfinished row was accepted
	due    map[string]time.Time // by step: due time of the first queued cells above
	seen   time.Time            // how far the look went
}

const (
	floorLag   = 2 * time.Minute // rows may still be stored with times that far back
	floorLook  = 50              // unfinished rows looked at for what is due
	floorEvery = 5               // times as seldom as counters
)

func newFloor(s *Store) *floor { return &floor{s: s, of: map[string]*groundOf{}} }

func (f *floor) ground(name string) *groundOf {
	g := f.of[name]
	if g == nil {
		g = &groundOf{low: firstID(0)}
		f.of[name] = g
	}
	return g
}

// low is where to begin looking for unfinished rows of a pipeline.
func (f *floor) low(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ground(name).low
}

// lower makes room for a row below the floor.
func (f *floor) lower(name, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if g := f.ground(name); id < g.low {
		g.low, g.at = id, time.Time{}
	}
}

// oldest adds to counters when the oldest unfinished rows were accepted and the
// oldest queued steps were due.
func (f *floor) oldest(ctx context.Context, out *pipeline.Counts) error {
	for name, rows := range out.Rows {
		open := rows[pipeline.StatusAccepted] + rows[pipeline.StatusInProgress]
		queued := false
		for key, s := range out.Steps {
			queued = queued || key.Pipeline == name && s.Queued > 0
		}
		if open == 0 && !queued {
			continue
		}
		g, err := f.look(ctx, name)
		if err != nil {
			return err
		}
		if open > 0 {
			out.Oldest[name] = g.oldest
		}
		for key, s := range out.Steps {
			if key.Pipeline == name && s.Queued > 0 {
				if s.OldestDue = g.due[key.Step]; s.OldestDue.IsZero() {
					s.OldestDue = g.seen
				}
				out.Steps[key] = s
			}
		}
	}
	return nil
}

// look reads the first unfinished rows above the floor, and raises it to them.
func (f *floor) look(ctx context.Context, name string) (groundOf, error) {
	f.mu.Lock()
	g := *f.ground(name)
	if low := f.s.counts.low(name); low != "" && low < g.low {
		g.low, g.at = low, time.Time{}
	}
	f.mu.Unlock()
	if time.Since(g.at) < floorEvery*f.s.age() {
		return g, nil
	}
	next, err := f.scan(ctx, name, g.low)
	if err != nil {
		return g, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ground(name).low < g.low { // lowered meanwhile
		next.low = f.ground(name).low
	}
	*f.ground(name) = next
	return next, nil
}

func (f *floor) scan(ctx context.Context, name, low string) (groundOf, error) {
	now := time.Now()
	g := groundOf{low: low, at: now, due: map[string]time.Time{}, seen: now.UTC()}
	young := firstID(now.Add(-floorLag).UnixMilli())
	open, passed := 0, ""
	for r, err := range f.s.walk(ctx, span{pipelines: []string{name}, from: low, strong: true, pageRows: floorLook}) {
		if err != nil {
			return g, err
		}
		shown := f.s.leases.over(r.row, now)
		status := shown.status()
		if status != pipeline.StatusDiscarded && status != pipeline.StatusRejected {
			g.note(shown)
		}
		if !shown.unfinished() {
			if open == 0 {
				passed = r.id.text
			}
			continue
		}
		if open == 0 {
			g.oldest = r.id.created()
			passed = r.id.text
		}
		g.seen = r.id.created()
		if open++; open == floorLook {
			break
		}
	}
	if passed != "" {
		g.low = min(passed, young)
		if passed < young {
			f.s.counts.raised(name, passed)
		}
	}
	g.low = max(g.low, low)
	return g, nil
}

func (g *groundOf) note(r *row) {
	for _, n := range r.graph.Nodes() {
		if c, ok := r.cell(n.Name); ok && c.State == cellQueued {
			if at := fromMillis(c.Due); g.due[n.Name].IsZero() || at.Before(g.due[n.Name]) {
				g.due[n.Name] = at
			}
		}
	}
}

// reopen makes sure that a row that is finished, and may lie below the floors of
// other processes, is found again before it is queued again.
func (s *Store) reopen(ctx context.Context, r *row) error {
	if r.unfinished() {
		return nil
	}
	s.floor.lower(r.pipeline(), r.id.text)
	if time.Since(r.id.created()) < floorLag {
		return nil
	}
	c := condition{expr: "attribute_not_exists(id) OR id > :id", values: item{":id": str(r.id.text)}}
	_, err := s.table.update(ctx, countersPK, lowPrefix+r.pipeline(), "SET id = :id", c)
	if refused(err) {
		return nil
	}
	return err
}
