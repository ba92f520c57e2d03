package aws

import (
	"context"
	"errors"
	"time"

	"redrive/pipeline"
)

// unlock sends what a processed step triggers: each step that has all it needs
// and has not been anything else yet. Whoever set the last of the needed flags
// is the one who sees them all set. Doing it again sends a message again, which
// is dropped.
func (s *Store) unlock(ctx context.Context, r *row, step string) error {
	c := r.cells[step]
	if c.State != cellProcessed || c.Quiet || c.Alone || r.aside != nil {
		return nil
	}
	for _, u := range r.graph.Unlocks(step) {
		if !r.met(u.Step) {
			continue
		}
		gen, ok, err := s.unlocked(ctx, r, u.Step)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := s.send(ctx, pipeline.StepKey{Pipeline: r.pipeline(), Step: u.Step}, messageBody(r.id.text, gen)); err != nil {
			return err
		}
	}
	return nil
}

// unlocked makes sure that a step counts as queued and answers the generation of
// its message. Mostly that follows from the flags; a step that waits again after
// a replay, or that a need replayed alone holds back, has to be written down.
func (s *Store) unlocked(ctx context.Context, r *row, step string) (int64, bool, error) {
	c, written := r.cells[step]
	if written && c.State != cellWaiting {
		return 0, false, nil
	}
	if !written {
		if derived, ok := r.cell(step); ok {
			return derived.Gen, true, nil
		}
	}
	now := time.Now().UnixMilli()
	next := c
	next.State, next.Gen, next.Due, next.Touched, next.Token = cellQueued, c.Gen+1, now, now, tokenText(randomToken())
	after, err := s.write(ctx, r.id, &change{token: next.Token, set: map[string]cell{step: next}, was: map[string]string{step: r.raw[step]}})
	if errors.Is(err, errMoved) {
		return 0, false, nil // somebody else has queued it
	}
	if err != nil {
		return 0, false, err
	}
	return after.cells[step].Gen, true, nil
}

// settled sees to a message whose flag is set already: what it triggers may have
// been cut off, so it is triggered again, and then the message goes.
func (s *Store) settled(ctx context.Context, q *queue, r *row, step string, c cell, m received) error {
	if err := s.unlock(ctx, r, step); err != nil {
		return err
	}
	q.deletes.later(m.handle)
	return nil
}

// buried sees to a message whose step is dead already: its letter may be
// missing, so it is written again, and then the message goes. If somebody moved
// the dead letter's own message here, with the tools of SQS, that is a redrive.
func (s *Store) buried(ctx context.Context, q *queue, r *row, step string, c cell, m received) error {
	if r.aside == nil && c.Dead != nil && m.Letter == c.Dead.ID {
		entry := pipeline.NewEntry(ctx, "redrive.move", "rows/"+r.id.text, "its message was moved from the dead-letter queue to the queue of its step",
			map[string]string{"pipeline": r.pipeline(), "step": step, "dead_letter": m.Letter})
		move := pipeline.Move{Row: r.id.text, Step: step, If: pipeline.StateDead, Letter: m.Letter, At: time.Now().UTC()}
		if _, err := (moves{s}).Requeue(ctx, entry, move); err != nil {
			return err
		}
		q.deletes.later(m.handle)
		return nil
	}
	if r.aside == nil {
		if err := s.bury(ctx, r, step); err != nil {
			return err
		}
	}
	q.deletes.later(m.handle)
	return nil
}
