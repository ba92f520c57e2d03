package pipeline

import (
	"context"
	"fmt"
	"time"
)

// QueueSight is what one look into a queue saw.
type QueueSight struct {
	Queue    string
	Seen     int  // messages in this look
	New      int  // of them, never seen before
	All      bool // nothing else came: it was everything that could be taken
	Messages []QueueMessage
}

// Browse takes up to most messages (100 when 0, 1,000 at most), copies them and
// lets them go. What it does to a message is what every receive does: its
// receive count is one more, and it is hidden from others for some seconds.
func (q *Queues) Browse(ctx context.Context, name string, most int) (sight QueueSight, err error) {
	entry := NewEntry(ctx, "queue.browse", queuePath(name), "", map[string]any{"max": most})
	defer q.e.Audit.failed(ctx, entry, &err)
	switch {
	case most == 0:
		most = queueLookUsual
	case most < 0 || most > queueLookMost:
		return QueueSight{}, invalid("max", fmt.Sprintf("max is a whole number from 1 to %d", queueLookMost))
	}
	if _, err := q.there(ctx, name); err != nil {
		return QueueSight{}, err
	}
	sight = QueueSight{Queue: name, Messages: []QueueMessage{}}
	at := time.Now().UTC().Truncate(time.Millisecond)
	err = q.see(ctx, &sight, most, at)
	entry.with(map[string]any{"max": most, "seen": sight.Seen, "new": sight.New})
	if err != nil {
		entry.Result = sentenceOf(err)
	}
	by := ActorFrom(ctx).Name
	noted := q.note(context.WithoutCancel(ctx), name, entry, func(l *QueueLook) {
		if sight.Seen > 0 || err == nil {
			l.At, l.By, l.Seen, l.New, l.All = at, by, sight.Seen, sight.New, sight.All
		}
	})
	q.changed(TopicAudit)
	if err == nil {
		err = noted
	}
	return sight, err
}

// see takes, copies and lets go. What is taken goes back however it ends.
func (q *Queues) see(ctx context.Context, sight *QueueSight, most int, at time.Time) error {
	b := q.e.backend
	var held []QueueMessage
	defer func() {
		back := context.WithoutCancel(ctx)
		if err := b.Queues.Hide(back, sight.Queue, 0, held...); err != nil {
			q.e.log.WarnContext(ctx, "letting messages go", "queue", sight.Queue, "error", err)
		}
	}()
	have := map[string]bool{}
	for sight.Seen < most && time.Since(at) < queueLookFor {
		batch, err := b.Queues.Take(ctx, sight.Queue, min(queueBatch, most-sight.Seen), queueLookHide, queueTakeWait)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			sight.All = true
			return nil
		}
		held = append(held, batch...)
		var fresh []QueueMessage
		for _, m := range batch {
			if !have[m.ID] {
				have[m.ID] = true
				fresh = append(fresh, m)
			}
		}
		sight.Messages = append(sight.Messages, fresh...)
		sight.Seen = len(sight.Messages)
		before, err := b.Copies.Keep(ctx, sight.Queue, at, fresh...)
		if err != nil {
			return fmt.Errorf("copying what was seen: %w", err)
		}
		for _, seen := range before {
			if !seen {
				sight.New++
			}
		}
	}
	return nil
}
