package pipeline

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// letterSource: dead letters, redriven or discarded.
type letterSource struct{ e *Engine }

func (s letterSource) filter(op *Operation, n int) LetterFilter {
	sel := op.Selector
	return LetterFilter{Pipeline: sel.Pipeline, Step: sel.Step, IDs: sel.IDs, Group: sel.Group, Query: sel.Query,
		UpTo: op.UpTo, Oldest: true, Limit: n, Cursor: op.Cursor}
}

// freeze notes the newest letter there is, or was when somebody looked: later
// ones are not part of it.
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
	op.UpTo = cmp.Or(op.UpTo, newest.Items[0].ID)
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
