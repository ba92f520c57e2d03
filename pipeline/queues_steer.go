package pipeline

import (
	"context"
	"errors"
	"time"
)

// CancelMove ends a move; what it moved stays moved.
func (q *Queues) CancelMove(ctx context.Context, name, id, reason string) (QueueMove, error) {
	ended := false // by the service: it is asked once, however often the record has to be written
	return q.steer(ctx, name, id, "queue.cancel", reason, func(m *QueueMove) error {
		if m.State.Final() {
			return conflict("it is " + string(m.State) + " already")
		}
		if m.Native && !ended {
			moved, err := q.e.backend.Transfers.CancelNative(ctx, m.Queue, m.Handle)
			if err != nil {
				return err
			}
			ended, m.Moved = true, max(m.Moved, moved)
		}
		m.State, m.FinishedAt, m.Trouble = MoveCancelled, time.Now().UTC(), ""
		return nil
	})
}

// PauseMove holds a move of our own where it is; what is in hand goes back.
func (q *Queues) PauseMove(ctx context.Context, name, id, reason string) (QueueMove, error) {
	return q.steer(ctx, name, id, "queue.pause", reason, func(m *QueueMove) error {
		switch {
		case m.Native:
			return conflict("a native move cannot be paused; cancel it, and start another for the rest")
		case m.State != MoveRunning:
			return conflict("it is " + string(m.State) + " and cannot be paused")
		}
		m.State, m.Trouble = MovePaused, ""
		return nil
	})
}

// ResumeMove goes on with a paused move, at a new rate if one is given; the rate
// of a running one is changed.
func (q *Queues) ResumeMove(ctx context.Context, name, id string, rate *float64, reason string) (QueueMove, error) {
	if rate != nil && (*rate < 0 || *rate > operationRateMost || *rate != *rate) {
		return QueueMove{}, invalid("rate_per_second", "rate_per_second is a number from 0, no limit, to a million")
	}
	m, err := q.steer(ctx, name, id, "queue.resume", reason, func(m *QueueMove) error {
		switch {
		case m.Native:
			return conflict("a native move runs on the service's own terms; cancel it, and start another")
		case m.State.Final():
			return conflict("it is " + string(m.State) + " already")
		case m.State == MoveRunning && rate == nil:
			return conflict("it is running already")
		}
		if m.State == MovePaused {
			m.Worker, m.Until = q.e.cfg.Worker, time.Now().UTC().Add(q.e.cfg.Lease)
		}
		m.State = MoveRunning
		if rate != nil {
			m.Rate = *rate
		}
		return nil
	})
	if err == nil {
		q.launch(m)
	}
	return m, err
}

// steer changes a stored move under an operator's hand.
func (q *Queues) steer(ctx context.Context, name, id, action, reason string, change func(*QueueMove) error) (m QueueMove, err error) {
	entry := NewEntry(ctx, action, queuePath(name), reason, map[string]any{"move": id})
	defer q.e.Audit.failed(ctx, entry, &err)
	for {
		if m, err = q.GetMove(ctx, name, id); err != nil {
			return m, err
		}
		before, rate := m.State, m.Rate
		if err := change(&m); err != nil {
			return m, err
		}
		entry.with(beforeAfter(map[string]any{"state": before, "rate_per_second": rate}, map[string]any{"state": m.State, "rate_per_second": m.Rate},
			map[string]any{"move": id, "moved": m.Moved}))
		err = q.save(ctx, &m, entry)
		if errors.Is(err, ErrVersion) {
			continue
		}
		if err != nil {
			return m, err
		}
		q.wake(id)
		q.changed(TopicAudit)
		return m, nil
	}
}
