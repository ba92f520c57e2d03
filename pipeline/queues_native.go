package pipeline

import (
	"context"
	"slices"
	"time"
)

const (
	nativeLook  = 2 * time.Second  // how often the service is asked how far it is
	nativeSlack = 10 * time.Second // its clock and ours may differ by so much
)

// beginNative lets the service begin and stores the move. The entry is written
// already; if the service refuses, the audit says that too.
func (q *Queues) beginNative(ctx context.Context, m *QueueMove) error {
	handle, err := q.e.backend.Transfers.StartNative(ctx, m.Queue, m.To, int(m.Rate))
	if err != nil {
		return q.refused(ctx, "queue.redrive", m.Queue, m.Reason, err)
	}
	m.Handle = handle
	return q.save(context.WithoutCancel(ctx), m, nil)
}

// follow writes down how far the service is, until it is done.
func (r *queueRun) follow(ctx context.Context) error {
	for ctx.Err() == nil && r.move.State == MoveRunning {
		list, err := r.q.e.backend.Transfers.Native(ctx, r.move.Queue)
		if err != nil {
			if err := r.trouble(ctx, err); err != nil {
				return err
			}
			continue
		}
		before := r.move
		r.told(list)
		if r.move.Moved != before.Moved || r.move.Matched != before.Matched || r.move.State != before.State || before.Trouble != "" {
			r.move.Trouble = ""
			err = r.keep(ctx)
		} else {
			err = r.look(ctx)
		}
		if err != nil || r.move.State != MoveRunning {
			return err
		}
		pause(ctx, nativeLook, r.wake)
	}
	return nil
}

// told takes over what the service says of the move. One that is over has no
// handle any more: it is the newest that began when ours did.
func (r *queueRun) told(list []NativeMove) {
	m := &r.move
	i := slices.IndexFunc(list, func(n NativeMove) bool { return n.Handle != "" && n.Handle == m.Handle })
	if i < 0 {
		i = slices.IndexFunc(list, func(n NativeMove) bool {
			return n.State.Final() && n.To == m.To && n.StartedAt.After(m.StartedAt.Add(-nativeSlack))
		})
	}
	if i < 0 {
		if time.Since(m.StartedAt) > nativeSlack {
			m.State, m.FinishedAt = MoveFailed, time.Now().UTC()
			m.StopReason = "the queue service no longer tells what became of it"
		}
		return
	}
	n := list[i]
	m.Moved = max(m.Moved, n.Moved)
	if n.ToMove > 0 {
		m.Matched = n.ToMove
	}
	if n.State.Final() {
		m.State, m.FinishedAt, m.StopReason = n.State, time.Now().UTC(), n.Failure
	}
}
