package aws

import (
	"context"
	"sync"
	"time"

	"redrive/pipeline"
)

// floor knows, for each pipeline, the row before which all are finished. What is
// still to do lies above it, so that looking for it costs nothing for the
// millions below. It is stored now and then, so that a new process begins there.
type floor struct {
	s  *Store
	mu sync.Mutex
	of map[string]*groundOf

	received map[pipeline.StepKey]time.Time // when what was received last had been due
}

type groundOf struct {
	low    string // id: every row before it is finished, dead or set aside
	at     time.Time
	oldest time.Time            // when the oldest unfinished row was accepted
	due    map[string]time.Time // by step: due time of the first queued cells above
	stored time.Time            // when the floor was stored
}

const (
	floorLag   = 15 * time.Second // rows may still be stored with times that far back
	floorLook  = 100              // rows looked at behind the first unfinished one, for what is due
	floorWalk  = 5_000            // finished rows one look goes over
	floorEvery = 10               // times as seldom as counters
	floorStore = time.Minute
)

func newFloor(s *Store) *floor {
	return &floor{s: s, of: map[string]*groundOf{}, received: map[pipeline.StepKey]time.Time{}}
}

// ground is where a pipeline's floor is in this process. The caller holds the
// lock.
func (f *floor) ground(name string) *groundOf {
	g := f.of[name]
	if g == nil {
		g = &groundOf{low: firstID(0)}
		f.of[name] = g
	}
	stored, reopened := f.s.counts.marks(name)
	if stored > g.low {
		g.low = stored
	}
	if reopened != "" && reopened < g.low {
		g.low, g.at = reopened, time.Time{}
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

// took notes when a step that is given out had been due: what is still queued
// there is hardly older.
func (f *floor) took(name, step string, due time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.received[pipeline.StepKey{Pipeline: name, Step: step}] = due
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
				s.OldestDue = f.due(key, &g)
				out.Steps[key] = s
			}
		}
	}
	return nil
}

// due is when the oldest queued row of a step was due: the first that was seen,
// else about as old as what was received last.
func (f *floor) due(key pipeline.StepKey, g *groundOf) time.Time {
	if at := g.due[key.Step]; !at.IsZero() {
		return at
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := f.received[key]; !at.IsZero() {
		return at
	}
	return g.at.UTC()
}

// look reads the first unfinished rows above the floor, and raises it to them.
func (f *floor) look(ctx context.Context, name string) (groundOf, error) {
	f.mu.Lock()
	g := *f.ground(name)
	f.mu.Unlock()
	if time.Since(g.at) < floorEvery*f.s.age() {
		return g, nil
	}
	next, err := f.scan(ctx, name, g)
	if err != nil {
		return g, err
	}
	f.mu.Lock()
	if now := f.ground(name).low; now < g.low { // lowered meanwhile
		next.low = now
	}
	*f.of[name] = next
	f.mu.Unlock()
	return next, f.store(ctx, name, &next)
}

func (f *floor) scan(ctx context.Context, name string, was groundOf) (groundOf, error) {
	now := time.Now()
	g := groundOf{low: was.low, at: now, due: map[string]time.Time{}, stored: was.stored}
	young := firstID(now.Add(-floorLag).UnixMilli())
	open, looked, passed := 0, 0, ""
	for r, err := range f.s.walk(ctx, span{pipelines: []string{name}, from: g.low, pageRows: floorLook}) {
		if err != nil {
			return g, err
		}
		shown := f.s.leases.over(r.row, now)
		if status := shown.status(); status != pipeline.StatusDiscarded && status != pipeline.StatusRejected {
			g.note(shown)
		}
		if open == 0 {
			passed = r.id.text
		}
		if shown.unfinished() {
			if open++; open == 1 {
				g.oldest, looked = r.id.created(), 0
			}
		}
		if looked++; open > 0 && looked >= floorLook || looked >= floorWalk {
			break
		}
	}
	if passed != "" {
		g.low = max(g.low, min(passed, young))
	}
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

// store keeps a floor that was raised, once in a while, and moves the mark of
// rows that were queued again below the stored floor up to where it stands now.
func (f *floor) store(ctx context.Context, name string, g *groundOf) error {
	stored, reopened := f.s.counts.marks(name)
	if reopened != "" && g.low > reopened {
		if err := f.moveMark(ctx, name, reopened, g.low, stored); err != nil {
			return err
		}
	}
	if g.low <= stored || time.Since(g.stored) < floorStore {
		return nil
	}
	c := condition{expr: "attribute_not_exists(id) OR id < :id", values: item{":id": str(g.low)}}
	if _, err := f.s.table.update(ctx, countersPK, floorPrefix+name, "SET id = :id", c); err != nil && !refused(err) {
		return err
	}
	f.mu.Lock()
	f.of[name].stored = time.Now()
	f.mu.Unlock()
	return nil
}

func (f *floor) moveMark(ctx context.Context, name, from, to, stored string) error {
	same := condition{expr: "id = :was", values: item{":was": str(from)}}
	var err error
	if to >= stored {
		err = f.s.table.delete(ctx, countersPK, lowPrefix+name, same)
	} else {
		same.values[":to"] = str(to)
		_, err = f.s.table.update(ctx, countersPK, lowPrefix+name, "SET id = :to", same)
	}
	if refused(err) {
		return nil // lowered again meanwhile
	}
	if err == nil {
		f.s.counts.remark(name, from, to, to >= stored)
	}
	return err
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
	s.counts.reopened(r.pipeline(), r.id.text)
	c := condition{expr: "attribute_not_exists(id) OR id > :id", values: item{":id": str(r.id.text)}}
	_, err := s.table.update(ctx, countersPK, lowPrefix+r.pipeline(), "SET id = :id", c)
	if refused(err) {
		return nil
	}
	return err
}
