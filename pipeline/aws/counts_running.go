package aws

import (
	"context"
	"maps"
	"time"

	"redrive/pipeline"
)

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

// enlist makes this process known before it changes anything: else nobody would
// notice that what it did was not counted.
func (c *counts) enlist(ctx context.Context) error {
	if c.listed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(spend(ctx, purposeIdle), requestFor)
	defer cancel()
	if err := c.listing.take(ctx); err != nil {
		return c.s.table.fail(err, "PutItem")
	}
	defer c.listing.end()
	if c.listed() {
		return nil
	}
	return c.tell(ctx)
}

func (c *counts) listed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.toldAt.IsZero()
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

// leave takes this process off the list: it has written all it counted.
func (c *counts) leave(ctx context.Context) error {
	if c.doubts.any() {
		return nil // as if it was lost: the others count again
	}
	return c.s.table.delete(ctx, countersPK, runningPrefix+c.process)
}
