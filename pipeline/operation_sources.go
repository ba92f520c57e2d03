package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"
)

// source is what an operation works on: it counts it once at the start, says
// which breaker is in the way, and moves a slice at a time from op.Cursor on.
type source interface {
	freeze(ctx context.Context, op *Operation) error
	held(ctx context.Context, op *Operation) (breaker string, err error)
	move(ctx context.Context, op *Operation, n int) error
}

func (o *Operations) source(op *Operation) source {
	switch {
	case op.Kind == OpReplay:
		return replaySource{o.e}
	case op.Kind == OpRestore:
		return restoreSource{o.e}
	case op.Selector.OlderThan > 0 || op.Selector.Oldest > 0:
		return waitingSource{o.e}
	}
	return letterSource{o.e}
}

// letterSource: dead letters, redriven or discarded.
type letterSource struct{ e *Engine }

func (s letterSource) filter(op *Operation, n int) LetterFilter {
	sel := op.Selector
	return LetterFilter{Pipeline: sel.Pipeline, Step: sel.Step, IDs: sel.IDs, Group: sel.Group, Query: sel.Query,
		UpTo: op.UpTo, Oldest: true, Limit: n, Cursor: op.Cursor}
}

// freeze notes the newest letter there is: later ones are not part of it.
func (s letterSource) freeze(ctx context.Context, op *Operation) error {
	newest, err := s.e.backend.Letters.List(ctx, LetterFilter{Limit: 1})
	if err != nil {
		return err
	}
	if len(newest.Items) == 0 {
		op.MovedAll = true
		op.skip("no such dead letter", int64(len(slices.Compact(slices.Sorted(slices.Values(op.Selector.IDs))))))
		op.Matched = op.skipped()
		return nil
	}
	op.UpTo = newest.Items[0].ID
	if op.Selector.Group != "" {
		if err := s.name(ctx, op); err != nil {
			return err
		}
	}
	return s.count(ctx, op)
}

// name keeps the group's text: once the group is empty nobody else has it.
func (s letterSource) name(ctx context.Context, op *Operation) error {
	groups, err := s.e.backend.Letters.Groups(ctx, op.Selector.Pipeline, op.Selector.Step)
	for _, g := range groups {
		if g.Group == op.Selector.Group {
			op.Cause = g.Error
		}
	}
	return err
}

func (s letterSource) count(ctx context.Context, op *Operation) error {
	matched, err := s.e.backend.Letters.Count(ctx, s.filter(op, 0))
	if err != nil {
		return err
	}
	if op.Kind == OpRedrive {
		if err := s.countGone(ctx, op); err != nil {
			return err
		}
	}
	if ids := op.Selector.IDs; ids != nil {
		unique := int64(len(slices.Compact(slices.Sorted(slices.Values(ids)))))
		op.skip("no such dead letter in this pipeline", unique-matched)
		matched = unique
	}
	op.Matched, op.Eligible = matched, matched-op.skipped()
	op.MovedAll = op.Eligible == 0
	return nil
}

// countGone counts the letters of steps that nobody would take any more.
func (s letterSource) countGone(ctx context.Context, op *Operation) error {
	for _, gone := range s.e.Steps.goneSteps(op.Selector.Pipeline) {
		if op.Selector.Step != "" && op.Selector.Step != gone.Name {
			continue
		}
		f := s.filter(op, 0)
		f.Step = gone.Name
		n, err := s.e.backend.Letters.Count(ctx, f)
		if err != nil {
			return err
		}
		op.skip("step "+gone.Name+" is no longer part of the pipeline", n)
	}
	return nil
}

func (s letterSource) held(ctx context.Context, op *Operation) (string, error) {
	if op.Kind == OpDiscard {
		return "", nil
	}
	page, err := s.e.backend.Letters.List(ctx, s.filter(op, 1))
	if err != nil || len(page.Items) == 0 {
		return "", err
	}
	return s.e.openBreaker(page.Items[0].Pipeline, page.Items[0].Step), nil
}

func (s letterSource) move(ctx context.Context, op *Operation, n int) error {
	page, err := s.e.backend.Letters.List(ctx, s.filter(op, n))
	if err != nil {
		return err
	}
	if free := s.free(op, page.Items); free == 0 && len(page.Items) > 0 {
		return nil // its breaker has opened since: held next time
	} else if free < len(page.Items) {
		if page, err = s.e.backend.Letters.List(ctx, s.filter(op, free)); err != nil {
			return err
		}
	}
	if op.Kind == OpDiscard {
		rows := make([]string, len(page.Items))
		for i, l := range page.Items {
			rows[i] = l.Row
		}
		if err := s.e.discard(ctx, op, slices.Compact(rows)); err != nil {
			return err
		}
	} else if err := s.redrive(ctx, op, page.Items); err != nil {
		return err
	}
	op.Cursor = page.Next
	op.MovedAll = page.Next == ""
	return nil
}

// free counts the letters before the first that an open breaker holds.
func (s letterSource) free(op *Operation, letters []DeadLetter) int {
	held := slices.IndexFunc(letters, func(l DeadLetter) bool {
		return op.Kind == OpRedrive && s.e.openBreaker(l.Pipeline, l.Step) != ""
	})
	if held < 0 {
		return len(letters)
	}
	return held
}

func (s letterSource) redrive(ctx context.Context, op *Operation, letters []DeadLetter) error {
	moves := make([]Move, 0, len(letters))
	for _, l := range letters {
		if s.e.worker(l.Pipeline, l.Step) == nil {
			continue
		}
		moves = append(moves, Move{Row: l.Row, Step: l.Step, If: StateDead, Letter: l.ID, Operation: op.ID, At: time.Now().UTC()})
	}
	if len(moves) == 0 {
		return nil
	}
	_, err := s.e.backend.Moves.Requeue(ctx, nil, moves...)
	return err
}

// openBreaker names the breaker that keeps a step's worker from receiving.
func (e *Engine) openBreaker(pipeline, step string) string {
	w := e.worker(pipeline, step)
	if w == nil || w.guard == nil || w.guard.view().State != "open" {
		return ""
	}
	return w.guard.name
}

func (e *Engine) discard(ctx context.Context, op *Operation, rows []string) error {
	if len(rows) == 0 {
		return nil
	}
	errs, err := e.backend.Moves.Discard(ctx, nil, op.ID, op.Reason, rows...)
	if err != nil {
		return err
	}
	for _, err := range errs {
		if err == nil {
			op.Moved++
		}
	}
	return nil
}

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
	for f := s.filter(op, 500); ; {
		page, err := s.e.Rows.List(ctx, f)
		if err != nil {
			return err
		}
		for i := range page.Items {
			op.Matched++
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

func (o *Operation) skip(why string, n int64) {
	if n > 0 {
		i := slices.IndexFunc(o.Skipped, func(s Skip) bool { return s.Why == why })
		if i < 0 {
			o.Skipped = append(o.Skipped, Skip{Why: why})
			i = len(o.Skipped) - 1
		}
		o.Skipped[i].Count += n
	}
}

func (o *Operation) skipped() int64 {
	var n int64
	for _, s := range o.Skipped {
		n += s.Count
	}
	return n
}
