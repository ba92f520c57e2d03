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
	floors  map[string]string           // by pipeline: the stored floor
	lost    []string                    // processes that went without a word
	doubts  *doubts
	readAt  time.Time
	told    map[pipeline.StepKey]int64 // what this process said it runs
	toldAt  time.Time
	listing turn // of the first who makes this process known

	io turn // of reading and writing, so that nothing is counted twice
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

	runningPrefix = "run#"   // + process: what it runs at the moment
	sequence      = "seq."   // + process: its newest write, so that none is made twice
	lowPrefix     = "low#"   // + pipeline, see floor.go
	floorPrefix   = "floor#" // + pipeline
	runningFresh  = 15 * time.Second
	recountEvery  = 10 // flushes
	runningKept   = 40 * 24 * time.Hour
)

func newCounts(s *Store, process string) *counts {
	return &counts{s: s, process: process, log: s.log, doubts: newDoubts(), listing: newTurn(), io: newTurn(), deltas: map[string]map[string]int64{}, told: map[pipeline.StepKey]int64{}}
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

// flush writes what was counted since the last time, a write a pipeline. What an
// earlier flush could not write goes first, as it was.
func (c *counts) flush(ctx context.Context) error {
	ctx = spend(ctx, purposeIdle)
	if err := c.io.take(ctx); err != nil {
		return c.s.table.fail(err, "UpdateItem")
	}
	defer c.io.end()
	c.mu.Lock()
	left := c.sending != nil
	c.mu.Unlock()
	err := c.send(ctx)
	if left && err == nil {
		err = c.send(ctx)
	}
	return errors.Join(err, c.tell(ctx))
}

func (c *counts) send(ctx context.Context) error {
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
	return failed
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

// marks are the stored floor of a pipeline and the oldest row below it that some
// process queued again after it was finished, as last read.
func (c *counts) marks(name string) (floor, reopened string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.floors[name], c.lows[name]
}

// reopened notes such a row at once; others read of it.
func (c *counts) reopened(name, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lows == nil {
		c.lows = map[string]string{}
	}
	if low := c.lows[name]; low == "" || id < low {
		c.lows[name] = id
	}
}

// remark takes over what was written about such a row.
func (c *counts) remark(name, from, to string, gone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.lows[name] != from:
	case gone:
		delete(c.lows, name)
	default:
		c.lows[name] = to
	}
}
