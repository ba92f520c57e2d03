package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ReplayRequest runs a step of a row again.
type ReplayRequest struct {
	Step       string // empty: every step that is not processed and could run
	Downstream bool   // go on with what it unlocks
	Force      bool   // also if it is processed already; needs a reason
	Reason     string
}

// Replay queues a step of one row again with a fresh budget, on the stored
// input. A processed step answers ErrConflict without Force; one whose needs
// are not processed, or that is on its way already, answers ErrConflict too.
func (r *Rows) Replay(ctx context.Context, id string, req ReplayRequest) (row RowDetail, err error) {
	entry := NewEntry(ctx, "row.replay", "rows/"+id, req.Reason, map[string]any{
		"step": req.Step, "downstream": req.Downstream, "force": req.Force})
	defer r.e.Audit.failed(ctx, entry, &err)
	if row, err = r.Get(ctx, id); err != nil {
		return row, err
	}
	g, err := r.e.graphs.get(ctx, row.Graph)
	if err != nil {
		return row, err
	}
	if err := replayable(row.Status); err != nil {
		return row, err
	}
	moves, err := r.moves(g, &row.Row, req)
	if err != nil {
		return row, err
	}
	before, after := replayed(&row.Row, moves)
	entry.with(beforeAfter(before, after, map[string]any{
		"step": req.Step, "downstream": req.Downstream, "force": req.Force, "status": row.Status}))
	errs, err := r.e.backend.Moves.Requeue(ctx, entry, moves...)
	if err != nil {
		return row, err
	}
	if !slices.Contains(errs, nil) {
		return row, conflict("the row changed while you looked at it; look again")
	}
	r.e.Events.Touch(TopicOverview, TopicRows, TopicLetters, TopicAudit, TopicSteps, "row:"+id)
	return r.Get(ctx, id)
}

// replayed are the steps a replay changes, before and after.
func replayed(row *Row, moves []Move) (before, after map[string]State) {
	before, after = map[string]State{}, map[string]State{}
	for _, m := range moves {
		before[m.Step], after[m.Step] = m.If, StateQueued
		for _, step := range m.Reset {
			if f, ok := row.Flag(step); ok && f.State == StateProcessed {
				before[step], after[step] = f.State, StateWaiting
			}
		}
	}
	return before, after
}

func replayable(s Status) error {
	switch s {
	case StatusDiscarded:
		return conflict("this row is discarded; restore it first")
	case StatusRejected:
		return conflict("this row broke its schema and never runs; send it again corrected")
	}
	return nil
}

func (r *Rows) moves(g *Graph, row *Row, req ReplayRequest) ([]Move, error) {
	if req.Step == "" {
		return r.openMoves(g, row, req)
	}
	if !g.Has(req.Step) {
		return nil, invalid("step", fmt.Sprintf("this row has no step %s; it has %s", req.Step, strings.Join(names(g), ", ")))
	}
	if err := r.runnable(row.Pipeline, req.Step); err != nil {
		return nil, err
	}
	f, _ := row.Flag(req.Step)
	m := Move{Row: row.ID, Step: req.Step, If: f.State, Alone: !req.Downstream, At: time.Now().UTC()}
	switch f.State {
	case StateProcessed:
		if !req.Force {
			return nil, conflict(fmt.Sprintf("%s is already processed, since %s; nothing was done", req.Step, f.ProcessedAt.UTC().Format(time.RFC3339)))
		}
		if strings.TrimSpace(req.Reason) == "" {
			return nil, invalid("reason", "say why: running a processed step again needs a reason")
		}
		if req.Downstream {
			m.Reset = g.Descendants(req.Step)
		}
	case StateWaiting:
		if open := unmet(g, row, req.Step); len(open) > 0 {
			return nil, conflict(fmt.Sprintf("%s cannot start before %s", req.Step, strings.Join(open, " and ")))
		}
	case StateQueued, StateRunning:
		return nil, conflict(fmt.Sprintf("%s is %s already; nothing was done", req.Step, f.State))
	}
	return []Move{m}, nil
}

// openMoves are all steps of the row that failed or got lost.
func (r *Rows) openMoves(g *Graph, row *Row, req ReplayRequest) ([]Move, error) {
	var moves []Move
	for _, f := range row.Steps {
		ready := f.State == StateWaiting && len(unmet(g, row, f.Name)) == 0
		if (ready || f.State == StateDead || f.State == StateRetrying) && r.runnable(row.Pipeline, f.Name) == nil {
			moves = append(moves, Move{Row: row.ID, Step: f.Name, If: f.State, Alone: !req.Downstream, At: time.Now().UTC()})
		}
	}
	if len(moves) == 0 {
		return nil, conflict("no step of this row can be run again: each is processed, on its way, or waits for another")
	}
	return moves, nil
}

// runnable: the step is still configured, so somebody will take it.
func (r *Rows) runnable(pipeline, step string) error {
	if r.e.worker(pipeline, step) == nil {
		return conflict(fmt.Sprintf("step %s is no longer part of pipeline %s; nobody would take it", step, pipeline))
	}
	return nil
}

// unmet are the needs of a step that are not processed in a row.
func unmet(g *Graph, row *Row, step string) []string {
	var open []string
	for _, need := range g.Needs(step) {
		if f, ok := row.Flag(need); !ok || f.State != StateProcessed {
			open = append(open, need)
		}
	}
	return open
}

func names(g *Graph) []string {
	list := make([]string, len(g.Nodes()))
	for i, n := range g.Nodes() {
		list[i] = n.Name
	}
	return list
}
