package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// lostStep is a step that a sweep found, and the state it is in.
type lostStep struct {
	Stuck
	state State
}

// untriggered are the steps of a row that should be in a queue and are in none:
// every need is processed, and yet nothing was triggered.
func untriggered(g *Graph, row *Row) []lostStep {
	var list []lostStep
	for _, n := range g.Nodes() {
		if f, ok := row.Flag(n.Name); ok && f.State != StateWaiting {
			continue
		}
		if len(unmet(g, row, n.Name)) > 0 {
			continue
		}
		list = append(list, lostStep{Stuck{Row: row.ID, Step: n.Name, Why: whyUntriggered(row, n)}, StateWaiting})
	}
	return list
}

func whyUntriggered(row *Row, n Node) string {
	if len(n.Needs) == 0 {
		return fmt.Sprintf("the row was accepted at %s and never queued here", row.CreatedAt.UTC().Format(time.RFC3339))
	}
	var last time.Time
	alone := false
	for _, need := range n.Needs {
		if f, ok := row.Flag(need); ok {
			if f.ProcessedAt.After(last) {
				last = f.ProcessedAt
			}
			alone = alone || f.Alone
		}
	}
	why := fmt.Sprintf("%s processed by %s, and this step was never queued", strings.Join(n.Needs, " and "), last.UTC().Format(time.RFC3339))
	if alone {
		why += ": it was replayed alone, without what follows"
	}
	return why
}

// emptied is what one sweep knows of queues that cannot be searched: when each
// was last seen empty, asked once.
type emptied struct {
	e      *Engine
	seen   map[string]time.Time // by settingID
	failed error                // queues that could not be looked at
}

func (s *Sweeps) queues() *emptied { return &emptied{e: s.e, seen: map[string]time.Time{}} }

// lost are the steps of a row whose message got lost: due since before then,
// untouched, free to run, and yet their queue was seen empty.
func (q *emptied) lost(ctx context.Context, row *Row, before time.Time) []lostStep {
	if q.e.backend.Empty == nil {
		return nil
	}
	var list []lostStep
	for _, f := range row.Steps {
		due, since := f.TouchedAt, "queued since"
		switch {
		case f.State == StateRetrying && f.NextAttemptAt.After(due):
			due, since = f.NextAttemptAt, "due again since"
		case f.State != StateQueued && f.State != StateRetrying:
			continue
		}
		if due.After(before) || !q.served(row.Pipeline, f.Name) {
			continue
		}
		if empty := q.empty(ctx, row.Pipeline, f.Name); empty.After(due) {
			list = append(list, lostStep{Stuck{Row: row.ID, Step: f.Name, Why: fmt.Sprintf("%s %s, and its queue was seen empty at %s: its message got lost",
				since, due.UTC().Format(time.RFC3339), empty.UTC().Format(time.RFC3339))}, f.State})
		}
	}
	return list
}

// served tells whether somebody would take a step's rows now.
func (q *emptied) served(pipeline, step string) bool {
	w := q.e.worker(pipeline, step)
	return w != nil && !q.e.Steps.inForce(w).Paused && q.e.openBreaker(pipeline, step) == ""
}

func (q *emptied) empty(ctx context.Context, pipeline, step string) time.Time {
	id := settingID(pipeline, step)
	at, known := q.seen[id]
	if known {
		return at
	}
	at, err := q.e.backend.Empty(ctx, StepKey{pipeline, step})
	if err != nil {
		at, q.failed = time.Time{}, errors.Join(q.failed, fmt.Errorf("looking into the queue of step %s of %s: %w", step, pipeline, err))
	}
	q.seen[id] = at
	return at
}
