package pipeline

import (
	"context"
	"slices"
)

// waitingSource: rows that wait at a step whose backlog is thrown away, the
// oldest first.
type waitingSource struct{ e *Engine }

func (s waitingSource) filter(op *Operation, state State, n int) RowFilter {
	f := RowFilter{Pipeline: op.Selector.Pipeline, Step: op.Selector.Step, State: state, Oldest: true, Limit: n, Until: op.StartedAt,
		Statuses: []Status{StatusAccepted, StatusInProgress, StatusDead}} // steps of discarded rows keep their state
	if op.Selector.OlderThan > 0 {
		f.Until = op.StartedAt.Add(-op.Selector.OlderThan)
	}
	return f
}

func (s waitingSource) freeze(ctx context.Context, op *Operation) error {
	for _, state := range []State{StateQueued, StateRetrying} {
		for f := s.filter(op, state, 500); ; {
			page, err := s.e.backend.Rows.List(ctx, f)
			if err != nil {
				return err
			}
			op.Matched += int64(len(page.Items))
			if f.Cursor = page.Next; f.Cursor == "" || s.enough(op) {
				break
			}
		}
	}
	if s.enough(op) {
		op.Matched = int64(op.Selector.Oldest)
	}
	op.Eligible = op.Matched
	op.MovedAll = op.Eligible == 0
	return nil
}

func (s waitingSource) enough(op *Operation) bool {
	return op.Selector.Oldest > 0 && op.Matched >= int64(op.Selector.Oldest)
}

func (s waitingSource) held(context.Context, *Operation) (string, error) { return "", nil }

// move takes the oldest that are there now: what was taken before no longer is.
func (s waitingSource) move(ctx context.Context, op *Operation, n int) error {
	if err := s.e.Operations.progress(ctx, op); err != nil { // a crash may have come before the count
		return err
	}
	n = int(min(int64(n), op.Matched-op.Moved))
	if n <= 0 {
		op.MovedAll = true
		return nil
	}
	var found []Row
	for _, state := range []State{StateQueued, StateRetrying} {
		page, err := s.e.backend.Rows.List(ctx, s.filter(op, state, n))
		if err != nil {
			return err
		}
		found = append(found, page.Items...)
	}
	slices.SortFunc(found, func(a, b Row) int { return a.CreatedAt.Compare(b.CreatedAt) })
	rows := make([]string, 0, n)
	for _, r := range found[:min(n, len(found))] {
		rows = append(rows, r.ID)
	}
	before := op.Moved
	if err := s.e.discard(ctx, op, rows); err != nil {
		return err
	}
	op.MovedAll = len(rows) == 0 || op.Moved == before || op.Moved >= op.Matched
	return nil
}

// restoreSource: the rows a discard set aside.
type restoreSource struct{ e *Engine }

func (s restoreSource) freeze(ctx context.Context, op *Operation) error {
	for cursor := ""; ; {
		page, err := s.e.backend.Moves.Discarded(ctx, op.Selector.Discard, cursor, 500)
		if err != nil {
			return err
		}
		op.Matched += int64(len(page.Items))
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	op.Eligible = op.Matched
	op.MovedAll = op.Eligible == 0
	return nil
}

func (s restoreSource) held(context.Context, *Operation) (string, error) { return "", nil }

func (s restoreSource) move(ctx context.Context, op *Operation, n int) error {
	page, err := s.e.backend.Moves.Discarded(ctx, op.Selector.Discard, "", n)
	if err != nil {
		return err
	}
	if len(page.Items) == 0 {
		op.MovedAll = true
		return nil
	}
	errs, err := s.e.backend.Moves.Restore(ctx, nil, op.Selector.Discard, page.Items...)
	if err != nil {
		return err
	}
	for _, err := range errs {
		if err == nil {
			op.Moved++
		}
	}
	op.MovedAll = !slices.ContainsFunc(errs, func(err error) bool { return err == nil })
	return nil
}
