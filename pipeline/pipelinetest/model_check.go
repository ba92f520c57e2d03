package pipelinetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
)

func modelRules() []rule {
	return []rule{
		{name: "any workload", run: anyWorkload, crowd: true,
			rule: "After any calls in any order, rows, lists, letters, groups and counters agree with the rules and with one another."},
	}
}

const (
	defaultSeeds   = 200
	seedsPerStore  = 10
	callsPerSeed   = 40
	replaysPerSeed = 10
)

// anyWorkload runs many seeds, a few on each store and, where time can be made
// up, in a bubble a store. Each leaves its store as empty as it was.
func anyWorkload(e *env) {
	seeds, each := cmp.Or(e.h.Seeds, defaultSeeds), seedsPerStore
	if !e.h.Bubble {
		each = 1 // they wait in real time: side by side
	}
	for first := 0; first < seeds; first += each {
		last := min(first+each, seeds) - 1
		e.Run(fmt.Sprintf("seeds %d to %d", first, last), func(t *testing.T) {
			t.Parallel()
			e.check(t, rule{rule: modelRules()[0].rule, run: func(e *env) {
				w := newWorkload(e)
				for seed := first; seed <= last && !w.Failed(); seed++ {
					w.runSeed(uint64(seed))
				}
			}})
		})
	}
}

func (w *workload) runSeed(seed uint64) {
	w.Rand, w.log = rand.New(rand.NewPCG(seed, 0)), nil
	defer func() {
		if w.Failed() {
			w.Logf("seed %d:\n\t%s", seed, strings.Join(w.log, "\n\t"))
		}
	}()
	for i := 1; i <= callsPerSeed && !w.Failed(); i++ {
		w.step()
	}
	w.look()
	w.drain()
	for range replaysPerSeed { // now that there is much to replay
		w.requeueOne()
	}
	w.drain()
	w.look()
	w.lookAtLists()
	w.clear()
}

// clear deletes all rows; two old leases stay in hand for the next seed.
func (w *workload) clear() {
	for _, r := range w.sorted() {
		if !r.discarded {
			w.discard("op-2", r.id)
		}
	}
	for _, g := range w.graphs {
		w.expire(g, w.now().Add(time.Minute+w.h.Grain), len(w.m.rows)+1)
	}
	clear(w.m.rows)
	w.held = w.held[max(0, len(w.held)-2):]
	w.look()
	w.lookAtLists()
}

// tally counts what single rows say, to be compared with counters and lists.
type tally struct {
	rows   map[string]map[pipeline.Status]int64
	steps  map[pipeline.StepKey]pipeline.StepCounts
	oldest map[string]time.Time
}

// lookFor is how long reading a whole store may take where time is real.
const lookFor = 5 * time.Second

// steady waits until no lease runs out while the store is read.
func (w *workload) steady() {
	if w.h.Bubble {
		return
	}
	for again := true; again; {
		again = false
		for _, r := range w.m.rows {
			for _, c := range r.cells {
				if left := time.Until(c.due); c.state == pipeline.StateRunning && left > -blur && left < lookFor {
					w.pass(left + 2*blur)
					again = true
				}
			}
		}
	}
}

// look compares the whole store with the model and with itself.
func (w *workload) look() {
	w.steady()
	now := w.now()
	t := tally{rows: map[string]map[pipeline.Status]int64{}, steps: map[pipeline.StepKey]pipeline.StepCounts{}, oldest: map[string]time.Time{}}
	for _, r := range w.sorted() {
		d := w.get(r.id)
		w.lookAt(r, d, now)
		t.add(r.g, d)
	}
	w.lookAtCounters(t)
	w.lookAtLetters()
}

func (w *workload) lookAt(r *modelRow, d pipeline.RowDetail, now time.Time) {
	if !slices.Contains(r.statuses(), d.Status) {
		w.Errorf("row %s is %s, want one of %v", r.id, d.Status, r.statuses())
	}
	for _, n := range r.g.Nodes() {
		c, f := r.cells[n.Name], pipeline.Flag{State: pipeline.StateWaiting}
		if got, ok := d.Flag(n.Name); ok {
			f = got
		}
		if want := c.states(now); !slices.Contains(want, f.State) {
			w.Errorf("%s of row %s is %s, want one of %v", n.Name, r.id, f.State, want)
		}
		if c != nil && f.State != pipeline.StateWaiting {
			same(w.env, n.Name+"'s attempts of row "+r.id, f.Attempts, c.attempts)
		}
	}
}

// states are those a cell may be shown in: one that is due may still be called
// by the name it had before.
func (c *modelCell) states(now time.Time) []pipeline.State {
	switch {
	case c == nil:
		return []pipeline.State{pipeline.StateWaiting}
	case c.parked:
		return []pipeline.State{c.state, pipeline.StateWaiting}
	case c.orphan, (c.state == pipeline.StateRetrying || c.state == pipeline.StateRunning) && c.due.Before(now.Add(blur)):
		return []pipeline.State{c.state, pipeline.StateQueued}
	default:
		return []pipeline.State{c.state}
	}
}

func (t tally) add(g *pipeline.Graph, d pipeline.RowDetail) {
	if t.rows[d.Pipeline] == nil {
		t.rows[d.Pipeline] = map[pipeline.Status]int64{}
	}
	t.rows[d.Pipeline][d.Status]++
	if d.Status == pipeline.StatusAccepted || d.Status == pipeline.StatusInProgress {
		if o := t.oldest[d.Pipeline]; o.IsZero() || d.CreatedAt.Before(o) {
			t.oldest[d.Pipeline] = d.CreatedAt
		}
	}
	if d.Status == pipeline.StatusDiscarded || d.Status == pipeline.StatusRejected {
		return
	}
	for _, n := range g.Nodes() {
		key := pipeline.StepKey{Pipeline: d.Pipeline, Step: n.Name}
		state := pipeline.StateWaiting
		if f, ok := d.Flag(n.Name); ok {
			state = f.State
		}
		t.steps[key] = one(t.steps[key], state)
	}
}

// one adds a step in a state to a step's counts.
func one(c pipeline.StepCounts, s pipeline.State) pipeline.StepCounts {
	switch s {
	case pipeline.StateWaiting:
		c.Waiting++
	case pipeline.StateQueued:
		c.Queued++
	case pipeline.StateRunning:
		c.Running++
	case pipeline.StateRetrying:
		c.Retrying++
	case pipeline.StateDead:
		c.Dead++
	case pipeline.StateProcessed:
	}
	return c
}

// lookAtLists compares the list of all rows with the counters.
func (w *workload) lookAtLists() {
	listed := map[string]map[pipeline.Status]int64{}
	for _, r := range w.list(pipeline.RowFilter{Limit: 25}) {
		if listed[r.Pipeline] == nil {
			listed[r.Pipeline] = map[pipeline.Status]int64{}
		}
		listed[r.Pipeline][r.Status]++
	}
	c := w.counts()
	for p := range w.graphs {
		for _, s := range pipeline.Statuses() {
			same(w.env, "rows listed of "+p+" "+string(s), listed[p][s], c.Rows[p][s])
		}
	}
}

func (w *workload) lookAtCounters(t tally) {
	c := w.counts()
	for _, g := range w.graphs {
		p := g.Pipeline()
		for _, s := range pipeline.Statuses() {
			same(w.env, "counter of "+p+" rows "+string(s), c.Rows[p][s], t.rows[p][s])
		}
		same(w.env, "oldest of "+p, c.Oldest[p], t.oldest[p])
		for _, n := range g.Nodes() {
			key := pipeline.StepKey{Pipeline: p, Step: n.Name}
			got, want := c.Steps[key], t.steps[key]
			same(w.env, p+"/"+n.Name+" processed in all", got.ProcessedTotal, w.m.processed[key])
			same(w.env, p+"/"+n.Name+" throttled in all", got.Throttled, w.m.throttled[key])
			same(w.env, p+"/"+n.Name+" oldest due is zero", got.OldestDue.IsZero(), got.Queued == 0)
			got.ProcessedTotal, got.Throttled, got.FailedTotal, got.OldestDue = 0, 0, 0, time.Time{}
			same(w.env, p+"/"+n.Name+" counters", got, want)
		}
	}
}

func (w *workload) lookAtLetters() {
	var want, got []string
	for _, r := range w.m.rows {
		for step, c := range r.cells {
			if c.state == pipeline.StateDead && !r.discarded {
				want = append(want, r.id+"/"+step)
			}
		}
	}
	for _, l := range w.letters(pipeline.LetterFilter{Limit: 3}) {
		got = append(got, l.Row+"/"+l.Step)
	}
	sameSet(w.env, "letters", got, want)
	same(w.env, "letters counted", w.countLetters(pipeline.LetterFilter{}), int64(len(want)))
	grouped := int64(0)
	for _, g := range w.groups("", "") {
		grouped += g.Count
	}
	same(w.env, "letters in groups", grouped, int64(len(want)))
}
