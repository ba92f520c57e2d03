package pipeline

import (
	"context"
	"time"
)

// hand is what a move has taken out of a queue and not yet given back: hidden
// from everybody else, for as long as the move has it.
type hand struct {
	q         *Queues
	queue     string
	held      map[string]heldMessage
	newer     int64          // of them, sent after the move started
	undeleted []QueueMessage // sent, and still here
}

// heldMessage is as little of a message as it takes to give it back.
type heldMessage struct {
	message QueueMessage
	until   time.Time // when it comes back by itself
}

func newHand(q *Queues, queue string) hand {
	return hand{q: q, queue: queue, held: map[string]heldMessage{}}
}

func (h *hand) keep(msgs ...QueueMessage) {
	until := time.Now().Add(h.q.hide)
	for _, m := range msgs {
		if old, ok := h.held[m.ID]; ok && old.message.Receipt == m.Receipt {
			continue
		}
		h.held[m.ID] = heldMessage{QueueMessage{ID: m.ID, Receipt: m.Receipt}, until}
	}
}

func (h *hand) keepNewer(m QueueMessage) {
	if _, ok := h.held[m.ID]; !ok {
		h.newer++
	}
	h.keep(m)
}

func (h *hand) drop(ids ...string) {
	for _, id := range ids {
		delete(h.held, id)
	}
}

// tend hides for longer what would come back soon.
func (h *hand) tend(ctx context.Context) error {
	now := time.Now()
	var due []QueueMessage
	for _, held := range h.held {
		if held.until.Sub(now) < h.q.hide/2 {
			due = append(due, held.message)
		}
	}
	if len(due) == 0 {
		return nil
	}
	if err := h.q.e.backend.Queues.Hide(ctx, h.queue, h.q.hide, due...); err != nil {
		return err
	}
	for _, m := range due {
		h.held[m.ID] = heldMessage{m, now.Add(h.q.hide)}
	}
	return nil
}

// back gives some of it back at once.
func (h *hand) back(ctx context.Context, msgs ...QueueMessage) error {
	h.drop(idsOf(msgs)...)
	if len(msgs) == 0 {
		return nil
	}
	return h.q.e.backend.Queues.Hide(ctx, h.queue, 0, msgs...)
}

// release gives all of it back at once.
func (h *hand) release(ctx context.Context) error {
	all := make([]QueueMessage, 0, len(h.held))
	for _, held := range h.held {
		all = append(all, held.message)
	}
	h.newer, h.undeleted = 0, nil
	return h.back(ctx, all...)
}
