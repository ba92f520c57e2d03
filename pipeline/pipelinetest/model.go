package pipelinetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"redrive/pipeline"
)

// model is what a store should hold: the rules of the ports over plain maps.
// Where a rule leaves a backend the choice, the model allows either.
type model struct {
	rows      map[string]*modelRow
	processed map[pipeline.StepKey]int64
	throttled map[pipeline.StepKey]int64
}

type modelRow struct {
	id, key   string
	g         *pipeline.Graph
	rejected  bool
	discarded bool
	touched   bool // an attempt was made
	released  bool // or received and given back: either status will do
	at        time.Time
	cells     map[string]*modelCell
}

type modelCell struct {
	state    pipeline.State
	attempts int
	spent    int
	due      time.Time // of queued and retrying; of running: when its lease runs out
	token    int       // of the current lease
	alone    bool
	parked   bool // unlocked while its row was discarded
	orphan   bool // running when its process ended: the lease may be over at once
}

func newModel() *model {
	return &model{rows: map[string]*modelRow{}, processed: map[pipeline.StepKey]int64{}, throttled: map[pipeline.StepKey]int64{}}
}

func (m *model) insert(id, key string, g *pipeline.Graph, rejected bool, at time.Time) {
	r := &modelRow{id: id, key: key, g: g, rejected: rejected, at: at, cells: map[string]*modelCell{}}
	if !rejected {
		for _, s := range g.Roots() {
			r.cells[s] = &modelCell{state: pipeline.StateQueued, due: at}
		}
	}
	m.rows[id] = r
}

// known finds the row of a key.
func (m *model) known(g *pipeline.Graph, key string) *modelRow {
	for _, r := range m.rows {
		if key != "" && r.key == key && r.g.Pipeline() == g.Pipeline() {
			return r
		}
	}
	return nil
}

// blur is how far the clocks of model and store may be apart.
const blur = 100 * time.Millisecond

// due tells whether a cell must and whether it may be received now.
func (r *modelRow) due(step string, now time.Time) (must, may bool) {
	c := r.cells[step]
	if r.waits(step) || r.discarded || c.state == pipeline.StateProcessed || c.state == pipeline.StateDead {
		return false, false
	}
	must = c.due.Before(now.Add(-blur)) || c.state == pipeline.StateQueued && !c.due.After(now)
	return must, must || c.orphan || c.due.Before(now.Add(blur))
}

// receive leases a cell; a lease that ran out before is an attempt lost.
func (r *modelRow) receive(step string, token int, until time.Time) *modelCell {
	c := r.cells[step]
	if c.state == pipeline.StateRunning {
		c.spent++
	}
	c.state, c.token, c.due, c.orphan = pipeline.StateRunning, token, until, false
	c.attempts++
	r.touched = true
	return c
}

// lease tells whether a token is the current lease of a cell, and whether it
// has surely not run out.
func (r *modelRow) lease(step string, token int, now time.Time) (current, sure bool) {
	if r == nil || r.cells[step] == nil {
		return false, false
	}
	c := r.cells[step]
	current = c.state == pipeline.StateRunning && c.token == token
	return current, current && !c.orphan && c.due.After(now.Add(blur))
}

func (m *model) settle(r *modelRow, out pipeline.Outcome, now time.Time) {
	step := out.Delivery.Step
	r.cells[step].orphan = false
	c, key := r.cells[step], pipeline.StepKey{Pipeline: r.g.Pipeline(), Step: step}
	switch out.Verdict {
	case pipeline.Processed:
		c.state = pipeline.StateProcessed
		m.processed[key]++
		r.unlock(step, now)
	case pipeline.Retry:
		c.state, c.due = pipeline.StateRetrying, out.RetryAt
		if out.Free {
			m.throttled[key]++
		} else {
			c.spent++
		}
	case pipeline.Dead:
		c.state = pipeline.StateDead
	case pipeline.Release:
		c.state, c.due = pipeline.StateQueued, now
		c.attempts--
		r.released = true
	}
}

func (r *modelRow) unlock(step string, now time.Time) {
	if r.cells[step].alone {
		return
	}
	for _, u := range r.g.Unlocks(step) {
		if r.waits(u.Step) && r.allProcessed(u.Needs) {
			c := &modelCell{state: pipeline.StateQueued, due: now, parked: r.discarded}
			if before := r.cells[u.Step]; before != nil {
				c.attempts = before.attempts
			}
			r.cells[u.Step] = c
		}
	}
}

// waits tells whether a step was never started or was reset.
func (r *modelRow) waits(step string) bool {
	return r.cells[step] == nil || r.cells[step].state == pipeline.StateWaiting
}

func (r *modelRow) allProcessed(steps []string) bool {
	return !slices.ContainsFunc(steps, func(s string) bool {
		return r.cells[s] == nil || r.cells[s].state != pipeline.StateProcessed
	})
}

func (r *modelRow) requeue(mv pipeline.Move) {
	c := r.cells[mv.Step]
	c.state, c.spent, c.due, c.alone = pipeline.StateQueued, 0, mv.At, mv.Alone
	for _, s := range mv.Reset {
		if r.cells[s] != nil && r.cells[s].state == pipeline.StateProcessed {
			r.cells[s].state = pipeline.StateWaiting
		}
	}
	r.touched = true
}

func (r *modelRow) restore() {
	r.discarded = false
	for _, c := range r.cells {
		c.parked = false
	}
}

// reopen leaves the leases of the process that is gone.
func (m *model) reopen() {
	for _, r := range m.rows {
		for _, c := range r.cells {
			c.orphan = c.state == pipeline.StateRunning
		}
	}
}

// statuses are those the row may have: two where a rule leaves the choice.
func (r *modelRow) statuses() []pipeline.Status {
	all := make([]string, 0, len(r.g.Nodes()))
	dead := false
	for _, n := range r.g.Nodes() {
		all = append(all, n.Name)
		dead = dead || r.cells[n.Name] != nil && r.cells[n.Name].state == pipeline.StateDead
	}
	switch {
	case r.discarded:
		return []pipeline.Status{pipeline.StatusDiscarded}
	case r.rejected:
		return []pipeline.Status{pipeline.StatusRejected}
	case dead:
		return []pipeline.Status{pipeline.StatusDead}
	case r.allProcessed(all):
		return []pipeline.Status{pipeline.StatusDone}
	case r.released && r.attempts() == 0:
		return []pipeline.Status{pipeline.StatusInProgress, pipeline.StatusAccepted}
	case r.touched:
		return []pipeline.Status{pipeline.StatusInProgress}
	default:
		return []pipeline.Status{pipeline.StatusAccepted}
	}
}

func (r *modelRow) attempts() int {
	n := 0
	for _, c := range r.cells {
		n += c.attempts
	}
	return n
}

func (r *modelRow) finished() bool {
	s := r.statuses()[0]
	return s == pipeline.StatusDone || s == pipeline.StatusRejected || s == pipeline.StatusDiscarded
}

// workload makes random calls on a store and its model.
type workload struct {
	*env
	*rand.Rand
	m     *model
	held  []lease
	given int
	back  map[int]bool // leases that were given back
	log   []string
}

// lease is a delivery the workload got, perhaps long ago.
type lease struct {
	d     pipeline.Delivery
	token int
}

func newWorkload(e *env) *workload { return &workload{env: e, m: newModel(), back: map[int]bool{}} }

func (w *workload) note(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

// any row of the model, in an order that only depends on the seed.
func (w *workload) row() *modelRow {
	if len(w.m.rows) == 0 {
		return nil
	}
	all := w.sorted()
	return all[w.IntN(len(all))]
}

func (w *workload) sorted() []*modelRow {
	all := make([]*modelRow, 0, len(w.m.rows))
	for _, r := range w.m.rows {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *modelRow) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	return all
}

// shuffled returns the steps of a graph in an order made from seed.
func shuffled(seed int, g *pipeline.Graph) []string {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	var steps []string
	for _, n := range g.Nodes() {
		steps = append(steps, n.Name)
	}
	r.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	return steps
}
