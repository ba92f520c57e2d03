package aws

import (
	"context"
	"errors"
	"strings"
	"time"
)

// A process that is killed takes with it what it had counted in its last second.
// Its entry among the counters then grows old instead of being taken away: that
// is how others know. Rows are the truth, so the counters are compared with them
// at the next quiet moment, when nothing has changed from before the comparison
// until after it, and set right. A process that does not know what one of its
// writes has changed asks for the same.

const (
	recountMost  = 300_000 // rows of a pipeline that are gone through for it
	recountQuiet = 3       // flushes without a change that make a moment quiet
)

// errBusy: rows changed while they were counted.
var errBusy = errors.New("not a quiet moment")

// recount sets the counters right if a process was lost since the last time, or
// this one has doubts.
func (c *counts) recount(ctx context.Context) error {
	c.mu.Lock()
	lost := c.lost
	c.mu.Unlock()
	doubts := c.doubts.take()
	if len(lost) == 0 && !doubts {
		return nil
	}
	done, err := c.recountAll(ctx, lost)
	if doubts && !done {
		c.doubts.giveBack()
	}
	return err
}

// recountAll answers whether all is counted again; else it is tried again soon.
func (c *counts) recountAll(ctx context.Context, lost []string) (bool, error) {
	names, err := c.s.partitions.pipelines(ctx)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		if err := c.recountOne(ctx, name); errors.Is(err, errBusy) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	for _, process := range lost {
		if err := c.s.table.delete(ctx, countersPK, runningPrefix+process); err != nil {
			return false, err
		}
	}
	c.mu.Lock()
	c.lost, c.read = nil, nil
	c.mu.Unlock()
	c.log.InfoContext(ctx, "counted again", "lost_processes", len(lost))
	return true, nil
}

func (c *counts) recountOne(ctx context.Context, name string) error {
	writes, still := c.doubts.still()
	if !still {
		return errBusy
	}
	if err := c.flush(ctx); err != nil {
		return err
	}
	start := time.Now().Add(-recountQuiet * c.s.cfg.Flush)
	was, err := c.s.table.get(ctx, countersPK, name, true)
	if err != nil {
		return err
	}
	have, err := c.countRows(ctx, name, start)
	if err != nil || have == nil {
		return err
	}
	if now, still := c.doubts.still(); !still || now != writes {
		return errBusy
	}
	return c.correct(ctx, name, was, have)
}

// countRows counts a pipeline's rows as they are; nil if there are too many.
func (c *counts) countRows(ctx context.Context, name string, start time.Time) (map[string]int64, error) {
	have := map[string]int64{}
	n := 0
	for r, err := range c.s.walk(ctx, span{pipelines: []string{name}, strong: true}) {
		if err != nil {
			return nil, err
		}
		if r.item.time(attrUpdated).After(start) {
			return nil, errBusy
		}
		standing(r.row, 1, have)
		for step, cell := range r.cells {
			if cell.State == cellProcessed {
				have[stepCounter(step, countProcessed)]++
			}
		}
		if n++; n > recountMost {
			c.log.WarnContext(ctx, "a process was lost and there are too many rows to count again: the counters may be off by what it did in its last second", "pipeline", name)
			return nil, nil
		}
	}
	return have, nil
}

// correct writes what the counters are off by, if they still are what they were
// before the rows were counted.
func (c *counts) correct(ctx context.Context, name string, was item, have map[string]int64) error {
	e := &expression{names: map[string]string{}, values: item{}}
	var sets, same []string
	for attr := range was {
		if strings.HasPrefix(attr, "r.") || strings.HasPrefix(attr, "s.") {
			have[attr] += 0
		}
	}
	for _, attr := range sortedKeys(have) {
		old, right := was.num(attr), have[attr]
		switch {
		case strings.HasSuffix(attr, "."+countFailed), strings.HasSuffix(attr, "."+countThrottled):
			continue // since the store was made: rows do not tell
		case strings.HasSuffix(attr, "."+countProcessed):
			right = max(old, right) // likewise, but no less than there are flags
		}
		ref := e.name(attr)
		if was.has(attr) {
			same = append(same, ref+" = "+e.number(old))
		} else {
			same = append(same, "attribute_not_exists("+ref+")")
		}
		if old != right {
			sets = append(sets, ref+" = "+e.number(right))
		}
	}
	if len(sets) == 0 {
		return nil
	}
	cond := condition{expr: strings.Join(same, " AND "), names: e.names, values: e.values}
	_, err := c.s.table.update(ctx, countersPK, name, "SET "+strings.Join(sets, ", "), cond)
	if refused(err) {
		return errBusy
	}
	return err
}
