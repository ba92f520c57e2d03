package aws

import (
	"context"
	"maps"
	"strings"
	"time"

	"redrive/pipeline"
)

// refresh reads the counters if they are older than a moment.
func (c *counts) refresh(ctx context.Context) error {
	if err := c.io.take(ctx); err != nil {
		return c.s.table.fail(err, "Query")
	}
	defer c.io.end()
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
	floors := map[string]string{}
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
		if name, ok := strings.CutPrefix(sk, floorPrefix); ok {
			floors[name] = it.str("id")
			continue
		}
		for attr := range it {
			if strings.HasPrefix(attr, "r.") || strings.HasPrefix(attr, "s.") {
				bump(read, sk, attr, it.num(attr))
			}
		}
	}
	c.mu.Lock()
	c.read, c.others, c.lows, c.floors, c.lost, c.readAt = read, others, lows, floors, lost, start
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
