package aws

import (
	"sync"
	"time"

	"redrive/pipeline"
)

// leases are the steps this process runs now. For steps that are not exclusive
// nothing else knows of them: pages and counters of this process show them as
// running, and a second message for one is not given out beside the first.
type leases struct {
	mu     sync.Mutex
	byStep map[stepOfRow]*lease
	looked map[stepOfRow]chan struct{} // steps that a message is looked into for; closed after
}

type stepOfRow struct{ row, step string }

// lease is one delivery whose outcome is not written yet.
type lease struct {
	token    int64
	pipeline string
	message  string // id of the SQS message
	handle   string
	base     cell // as it was received
	attempt  int
	worker   string
	started  time.Time
	until    time.Time
	claim    string // of an exclusive step: its cell as claimed
	aside    bool   // its row was set aside meanwhile
	fresh    bool   // no step of its row was tried before
}

// forgetAfter is how long a lease that ran out is remembered, so that the
// attempt is kept with its worker when its message comes back.
const forgetAfter = 12 * time.Hour

func newLeases() *leases {
	return &leases{byStep: map[stepOfRow]*lease{}, looked: map[stepOfRow]chan struct{}{}}
}

// look keeps other messages of a step waiting until the function it answers is
// called: until it is known whether the step is given out for this one. Two that
// are read at the same time would both find that nobody has done it.
func (ls *leases) look(row, step string) (done func()) {
	key, mine := stepOfRow{row, step}, make(chan struct{})
	for {
		other := ls.begin(key, mine)
		if other == nil {
			break
		}
		<-other
	}
	return func() {
		ls.mu.Lock()
		defer ls.mu.Unlock()
		delete(ls.looked, key)
		close(mine)
	}
}

// begin notes a look, or answers the one that is under way.
func (ls *leases) begin(key stepOfRow, mine chan struct{}) (other chan struct{}) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if other = ls.looked[key]; other == nil {
		ls.looked[key] = mine
	}
	return other
}

// take notes a lease in the place of an older one.
func (ls *leases) take(row, step string, l *lease) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.byStep[stepOfRow{row, step}] = l
}

// of returns the lease of a step, nil if this process has none.
func (ls *leases) of(row, step string) *lease {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.byStep[stepOfRow{row, step}]
}

// held returns the lease a delivery was given, nil if it is not the current one.
func (ls *leases) held(d *pipeline.Delivery) *lease {
	l := ls.of(d.Row, d.Step)
	if l == nil || l.token != d.Receipt.Token {
		return nil
	}
	return l
}

// end forgets a lease, if it still is the one of that token.
func (ls *leases) end(row, step string, token int64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.byStep[stepOfRow{row, step}]; l != nil && l.token == token {
		delete(ls.byStep, stepOfRow{row, step})
	}
}

// drop forgets whatever lease a step has.
func (ls *leases) drop(row, step string) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	delete(ls.byStep, stepOfRow{row, step})
}

// aside notes that a row was set aside or taken back.
func (ls *leases) aside(row string, aside bool, steps []pipeline.Node) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, n := range steps {
		if l := ls.byStep[stepOfRow{row, n.Name}]; l != nil {
			l.aside = aside
		}
	}
}

// tried notes that a row counts as in progress by its flags.
func (ls *leases) tried(row string, steps []pipeline.Node) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, n := range steps {
		if l := ls.byStep[stepOfRow{row, n.Name}]; l != nil {
			l.fresh = false
		}
	}
}

// extend moves the end of a lease that has not run out.
func (ls *leases) extend(l *lease, until time.Time) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l.until = until
}

func (ls *leases) runsOut(l *lease) time.Time {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return l.until
}

// each calls do with a copy of every lease, those long over left out.
func (ls *leases) each(now time.Time, do func(key stepOfRow, l lease)) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for key, l := range ls.byStep {
		if now.Sub(l.until) > forgetAfter {
			delete(ls.byStep, key)
			continue
		}
		do(key, *l)
	}
}

// over lays the leases of this process over a row's cells as they are written
// down: what it runs is running. A cell that changed since is left as it is.
func (ls *leases) over(r *row, now time.Time) *row {
	changed := map[string]cell{}
	for _, n := range r.graph.Nodes() {
		l := ls.of(r.id.text, n.Name)
		if l == nil || l.claim != "" {
			continue
		}
		c, ok := r.cell(n.Name)
		if !ok || !c.open() || c.Gen != l.base.Gen || c.Attempts != l.base.Attempts {
			continue
		}
		changed[n.Name] = l.over(c, ls.runsOut(l), now)
	}
	if len(changed) == 0 {
		return r
	}
	return r.with(changed)
}

func (l *lease) over(c cell, until, now time.Time) cell {
	c.State, c.Attempts = cellRunning, l.attempt
	c.Touched = max(c.Touched, l.started.UnixMilli())
	old := c.Last
	c.Last = &last{Started: l.started.UnixMilli(), Worker: l.worker}
	if old != nil {
		c.Last.Error = old.Error
	}
	if until.Before(now) { // its message comes back any moment
		c.State = cellQueued
		c.Due = until.UnixMilli()
	}
	return c
}
