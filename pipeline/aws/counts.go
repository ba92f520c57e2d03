package aws

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"redrive/pipeline"
)

// counts are the counters kept with the rows: one item a pipeline, to which each
// process adds what it did in the last moment, in one write. What a process had
// not written when it was killed is missing until the sweep counts again.
type counts struct {
	s       *Store
	process string
	log     *slog.Logger

	mu      sync.Mutex
	deltas  map[string]map[string]int64 // by pipeline and counter, not written yet
	sending map[string]map[string]int64 // being written
	number  int64                       // of the writes of sending
	read    map[string]map[string]int64 // as last read, with what was written since
	others  map[pipeline.StepKey]int64  // running in other processes
	lows    map[string]string           // by pipeline: the oldest row that was finished and is not any more
	lost    []string                    // processes that went without a word
	readAt  time.Time
	told    map[pipeline.StepKey]int64 // what this process said it runs
	toldAt  time.Time

	io sync.Mutex // held while reading or writing, so that nothing is counted twice
}

const (
	countersPK     = "C"
	countWaiting   = "waiting"
	countQueued    = "queued"
	countRunning   = "running"
	countRetrying  = "retrying"
	countDead      = "dead"
	countProcessed = "processed"
	countFailed    = "failed"
	countThrottled = "throttled"

	runningPrefix = "run#" // + process: what it runs at the moment
	sequence      = "seq." // + process: its newest write, so that none is made twice
	lowPrefix     = "low#" // + pipeline, see floor.go
	runningFresh  = 15 * time.Second
	recountEvery  = 10 // flushes
	runningKept   = 40 * 24 * time.Hour
)

func newCounts(s *Store, process string) *counts {
	return &counts{s: s, process: process, log: s.log, deltas: map[string]map[string]int64{}, told: map[pipeline.StepKey]int64{}}
}

func rowCounter(status pipeline.Status) string { return "r." + string(status) }

func stepCounter(step, what string) string { return "s." + step + "." + what }

// add changes one counter.
func (c *counts) add(name, counter string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	bump(c.deltas, name, counter, n)
}

func bump(m map[string]map[string]int64, name, counter string, n int64) {
	if m[name] == nil {
		m[name] = map[string]int64{}
	}
	m[name][counter] += n
}

// standing is where a row stands, as counters.
func standing(r *row, sign int64, into map[string]int64) {
	status := r.status()
	into[rowCounter(status)] += sign
	if status == pipeline.StatusDiscarded || status == pipeline.StatusRejected {
		return
	}
	for _, n := range r.graph.Nodes() {
		state := pipeline.StateWaiting
		if c, ok := r.cell(n.Name); ok {
			state = c.state()
		}
		if state != pipeline.StateProcessed {
			into[stepCounter(n.Name, string(state))] += sign
		}
	}
}

// moved counts what a change of a row's flags means; before is nil for a new row,
// after for one that is gone.
func (c *counts) moved(before, after *row) {
	d := map[string]int64{}
	var name string
	if before != nil {
		name = before.pipeline()
		standing(before, -1, d)
	}
	if after != nil {
		name = after.pipeline()
		standing(after, 1, d)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for counter, n := range d {
		if n != 0 {
			bump(c.deltas, name, counter, n)
		}
	}
}

// added counts a row that was stored.
func (c *counts) added(n *pipeline.NewRow) {
	it := item{attrPipeline: str(n.Pipeline)}
	if n.Status == pipeline.StatusRejected {
		it[attrRejected] = str(n.Error)
	}
	c.moved(nil, &row{item: it, graph: n.Graph, cells: map[string]cell{}})
}

// run writes what has been counted until ctx ends, and once more.
func (c *counts) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			err := c.flush(ctx)
			if n++; n%recountEvery == 0 {
				err = errors.Join(err, c.recount(ctx))
			}
			if err != nil && ctx.Err() == nil {
				c.s.outage.note(c.log, err)
			}
		}
	}
}

// flush writes what was counted since the last time, a write a pipeline.
func (c *counts) flush(ctx context.Context) error {
	ctx = spend(ctx, purposeIdle)
	c.io.Lock()
	defer c.io.Unlock()
	c.mu.Lock()
	if c.sending == nil {
		c.sending, c.deltas, c.number = c.deltas, map[string]map[string]int64{}, time.Now().UnixNano()
	}
	batch := maps.Clone(c.sending)
	c.mu.Unlock()
	var failed error
	for name, d := range batch {
		if err := c.write(ctx, name, d); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		c.mu.Lock()
		delete(c.sending, name)
		if c.read != nil {
			for counter, n := range d {
				bump(c.read, name, counter, n)
			}
		}
		c.mu.Unlock()
	}
	c.mu.Lock()
	if len(c.sending) == 0 {
		c.sending = nil
	}
	c.mu.Unlock()
	return errors.Join(failed, c.tell(ctx))
}

// write adds to a pipeline's counters. The number of the write is kept with
// them: repeated after an answer got lost, it changes nothing.
func (c *counts) write(ctx context.Context, name string, d map[string]int64) error {
	e := &expression{names: map[string]string{}, values: item{}}
	var adds []string
	for _, counter := range sortedKeys(d) {
		if d[counter] != 0 {
			adds = append(adds, e.name(counter)+" "+e.number(d[counter]))
		}
	}
	if len(adds) == 0 {
		return nil
	}
	seq, now := e.name(sequence+c.process), e.number(c.number)
	cond := condition{expr: "attribute_not_exists(" + seq + ") OR " + seq + " < " + now, names: e.names, values: e.values}
	_, err := c.s.table.update(ctx, countersPK, name, "SET "+seq+" = "+now+" ADD "+strings.Join(adds, ", "), cond)
	if refused(err) {
		return nil // written before: the answer was lost
	}
	return err
}

// tell says what this process runs, for the counters of the others, and that it
// lives.
func (c *counts) tell(ctx context.Context) error {
	runs := c.running()
	for name, n := range c.fresh() {
		runs[pipeline.StepKey{Pipeline: name}] = n
	}
	c.mu.Lock()
	same := maps.Equal(runs, c.told) && time.Since(c.toldAt) < runningFresh/3
	c.mu.Unlock()
	if same {
		return nil
	}
	it := keyOf(countersPK, runningPrefix+c.process)
	for key, n := range runs {
		it[key.Pipeline+"#"+key.Step] = num(n)
	}
	it["at"], it[attrTTL] = at(time.Now()), expiry(time.Now().Add(runningKept))
	if err := c.s.table.put(ctx, it); err != nil {
		return err
	}
	c.mu.Lock()
	c.told, c.toldAt = runs, time.Now()
	c.mu.Unlock()
	return nil
}

// running are the steps this process runs without a claim in the table.
func (c *counts) running() map[pipeline.StepKey]int64 {
	runs, now := map[pipeline.StepKey]int64{}, time.Now()
	c.s.leases.each(now, func(key stepOfRow, l lease) {
		if l.claim == "" && !l.aside && l.until.After(now) {
			runs[pipeline.StepKey{Pipeline: l.pipeline, Step: key.step}]++
		}
	})
	return runs
}

// fresh are the rows of which this process makes the first attempt without a
// claim: in progress, although their flags do not say so yet.
func (c *counts) fresh() map[string]int64 {
	rows := map[string]int64{}
	seen := map[string]bool{}
	c.s.leases.each(time.Now(), func(key stepOfRow, l lease) {
		if l.claim == "" && l.fresh && !l.aside && !seen[key.row] {
			seen[key.row] = true
			rows[l.pipeline]++
		}
	})
	return rows
}

// refresh reads the counters if they are older than a moment.
func (c *counts) refresh(ctx context.Context) error {
	c.io.Lock()
	defer c.io.Unlock()
	c.mu.Lock()
	fresh := c.read != nil && time.Since(c.readAt) < c.s.age()
	c.mu.Unlock()
	if fresh {
		return nil
	}
	start := time.Now()
	items, err := c.s.table.all(ctx, query{pk: countersPK, strong: true})
	if err != nil {
		return err
	}
	var lost []string
	read, others, lows := map[string]map[string]int64{}, map[pipeline.StepKey]int64{}, map[string]string{}
	for _, it := range items {
		sk := it.str(attrSK)
		if process, ok := strings.CutPrefix(sk, runningPrefix); ok {
			if c.other(process, it, others) {
				lost = append(lost, process)
			}
			continue
		}
		if name, ok := strings.CutPrefix(sk, lowPrefix); ok {
			lows[name] = it.str("id")
			continue
		}
		for attr := range it {
			if strings.HasPrefix(attr, "r.") || strings.HasPrefix(attr, "s.") {
				bump(read, sk, attr, it.num(attr))
			}
		}
	}
	c.mu.Lock()
	c.read, c.others, c.lows, c.lost, c.readAt = read, others, lows, lost, start
	c.mu.Unlock()
	return nil
}

// other adds what another process runs; it answers whether that one is lost.
func (c *counts) other(process string, it item, others map[pipeline.StepKey]int64) bool {
	silent := time.Since(it.time("at"))
	if process == c.process || silent > runningFresh {
		return process != c.process && silent > c.s.cfg.Lost
	}
	for attr := range it {
		if name, step, ok := strings.Cut(attr, "#"); ok {
			others[pipeline.StepKey{Pipeline: name, Step: step}] += it.num(attr)
		}
	}
	return false
}

// Counts returns the counters of all processes, at most Age old, with what this
// one has not written yet.
func (c *counts) Counts(ctx context.Context) (pipeline.Counts, error) {
	ctx = spend(ctx, purposeIdle)
	if err := c.refresh(ctx); err != nil {
		return pipeline.Counts{}, err
	}
	c.mu.Lock()
	all := map[string]map[string]int64{}
	for _, m := range []map[string]map[string]int64{c.read, c.sending, c.deltas} {
		for name, d := range m {
			for counter, n := range d {
				bump(all, name, counter, n)
			}
		}
	}
	others := maps.Clone(c.others)
	c.mu.Unlock()
	out := pipeline.Counts{Rows: map[string]map[pipeline.Status]int64{}, Steps: map[pipeline.StepKey]pipeline.StepCounts{}, Oldest: map[string]time.Time{}}
	for name, d := range all {
		for counter, n := range d {
			spread(&out, name, counter, n)
		}
	}
	c.overlay(&out, others)
	return out, c.s.floor.oldest(ctx, &out)
}

// spread puts one counter where it belongs.
func spread(out *pipeline.Counts, name, counter string, n int64) {
	if status, ok := strings.CutPrefix(counter, "r."); ok {
		if out.Rows[name] == nil {
			out.Rows[name] = map[pipeline.Status]int64{}
		}
		out.Rows[name][pipeline.Status(status)] = max(n, 0)
		return
	}
	rest := strings.TrimPrefix(counter, "s.")
	i := strings.LastIndexByte(rest, '.')
	if i < 0 {
		return
	}
	key := pipeline.StepKey{Pipeline: name, Step: rest[:i]}
	s := out.Steps[key]
	n = max(n, 0)
	switch rest[i+1:] {
	case countWaiting:
		s.Waiting = n
	case countQueued:
		s.Queued = n
	case countRunning:
		s.Running = n
	case countRetrying:
		s.Retrying = n
	case countDead:
		s.Dead = n
	case countProcessed:
		s.ProcessedTotal = n
	case countFailed:
		s.FailedTotal = n
	case countThrottled:
		s.Throttled = n
	}
	out.Steps[key] = s
}

// overlay moves what runs without a claim from queued and retrying to running.
func (c *counts) overlay(out *pipeline.Counts, others map[pipeline.StepKey]int64) {
	now := time.Now()
	take := func(key pipeline.StepKey, retrying bool, n int64, running bool) {
		s := out.Steps[key]
		if retrying {
			m := min(n, s.Retrying)
			s.Retrying -= m
			s.Queued -= min(n-m, s.Queued)
		} else {
			m := min(n, s.Queued)
			s.Queued -= m
			s.Retrying -= min(n-m, s.Retrying)
		}
		if running {
			s.Running += n
		} else {
			s.Queued += n
		}
		out.Steps[key] = s
	}
	c.s.leases.each(now, func(key stepOfRow, l lease) {
		if l.claim == "" && !l.aside {
			take(pipeline.StepKey{Pipeline: l.pipeline, Step: key.step}, l.base.State == cellRetrying, 1, l.until.After(now))
		}
	})
	start := func(name string, n int64) {
		if rows := out.Rows[name]; rows != nil {
			n = min(n, rows[pipeline.StatusAccepted])
			rows[pipeline.StatusAccepted] -= n
			rows[pipeline.StatusInProgress] += n
		}
	}
	for name, n := range c.fresh() {
		start(name, n)
	}
	for key, n := range others {
		if key.Step == "" {
			start(key.Pipeline, n)
		} else {
			take(key, false, n, true)
		}
	}
}

// low is the oldest row of a pipeline that some process queued again after it
// was finished, as last read.
func (c *counts) low(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lows[name]
}

// raised forgets such a row once everything before the new floor is finished.
func (c *counts) raised(name, floor string) {
	c.mu.Lock()
	low := c.lows[name]
	c.mu.Unlock()
	if low == "" || low >= floor {
		return
	}
	c.s.queues.all.Go(func() {
		same := condition{expr: "id = :id", values: item{":id": str(low)}}
		if err := c.s.table.delete(c.s.life, countersPK, lowPrefix+name, same); err != nil && !refused(err) {
			c.s.outage.note(c.log, err)
		}
	})
}

// leave takes this process off the list: it has written all it counted.
func (c *counts) leave(ctx context.Context) error {
	return c.s.table.delete(ctx, countersPK, runningPrefix+c.process)
}
