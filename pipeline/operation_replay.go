package pipeline

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"
)

// replaySource: rows of a time window, run again from the archive.
type replaySource struct{ e *Engine }

func (s replaySource) filter(op *Operation, n int) RowFilter {
	until := op.Selector.Until
	if until.IsZero() || until.After(op.StartedAt) {
		until = op.StartedAt
	}
	return RowFilter{Pipeline: op.Selector.Pipeline, Status: op.Selector.Status, Since: op.Selector.Since, Until: until,
		Oldest: true, Limit: n, Cursor: op.Cursor}
}

func (s replaySource) freeze(ctx context.Context, op *Operation) error {
	op.rows = sha256.New()
	for f := s.filter(op, 500); ; {
		page, err := s.e.Rows.List(ctx, f)
		if err != nil {
			return err
		}
		for i := range page.Items {
			op.Matched++
			op.rows.Write([]byte(page.Items[i].ID))
			if moves, why := s.moves(op, &page.Items[i]); len(moves) == 0 {
				op.skip(why, 1)
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	op.Eligible = op.Matched - op.skipped()
	op.MovedAll = op.Eligible == 0
	return nil
}

func (s replaySource) held(_ context.Context, op *Operation) (string, error) {
	if op.Selector.Step == "" {
		return "", nil
	}
	return s.e.openBreaker(op.Selector.Pipeline, op.Selector.Step), nil
}

// moves are the steps of a row that a replay runs; without one it says why.
func (s replaySource) moves(op *Operation, row *Row) ([]Move, string) {
	if err := replayable(row.Status); err != nil {
		return nil, "the row is " + string(row.Status)
	}
	g, err := s.e.graphs.get(context.Background(), row.Graph)
	if err != nil {
		return nil, "its graph is not in the store"
	}
	var moves []Move
	why := "every step is processed already"
	for _, f := range row.Steps {
		if op.Selector.Step != "" && f.Name != op.Selector.Step {
			continue
		}
		switch {
		case f.State == StateProcessed:
		case f.State == StateQueued || f.State == StateRunning:
			why = "on its way already"
		case !f.TouchedAt.Before(op.StartedAt): // by this operation before a crash, or by its own retry
			why = "it was tried or moved since"
		case f.State == StateWaiting && len(unmet(g, row, f.Name)) > 0:
			why = "waits for steps before it"
		case s.e.worker(row.Pipeline, f.Name) == nil:
			why = "step " + f.Name + " is no longer part of the pipeline"
		default:
			moves = append(moves, Move{Row: row.ID, Step: f.Name, If: f.State, Operation: op.ID, At: time.Now().UTC()})
		}
	}
	if op.Selector.Step != "" && !g.Has(op.Selector.Step) {
		why = "the row has no step " + op.Selector.Step
	}
	return moves, why
}

func (s replaySource) move(ctx context.Context, op *Operation, n int) error {
	page, err := s.e.Rows.List(ctx, s.filter(op, n))
	if err != nil {
		return err
	}
	var moves []Move
	for i := range page.Items {
		m, _ := s.moves(op, &page.Items[i])
		moves = append(moves, m...)
	}
	if len(moves) > 0 {
		if _, err := s.e.backend.Moves.Requeue(ctx, nil, moves...); err != nil && !errors.Is(err, ErrConflict) {
			return err
		}
	}
	op.Cursor = page.Next
	op.MovedAll = page.Next == ""
	return nil
}
