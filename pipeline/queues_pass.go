package pipeline

import (
	"context"
	"slices"
	"time"
)

// pass takes message after message until nothing is left to be moved, or the
// state of the move changes.
func (r *queueRun) pass(ctx context.Context) error {
	for empty := 0; ctx.Err() == nil && r.move.State == MoveRunning; {
		m := &r.move
		switch {
		case !m.All && len(without(m.Open, m.Sent)) == 0:
			return r.end(ctx, MoveDone, "")
		case !m.All && len(r.hand.held) >= queueKeptMost:
			return r.end(ctx, MoveStopped, tooDeep(len(m.Open)))
		}
		if err := r.look(ctx); err != nil {
			return err
		}
		if r.move.State != MoveRunning {
			return nil
		}
		batch, err := r.q.e.backend.Queues.Take(ctx, m.Queue, r.reach(), r.q.hide, queueTakeWait)
		if err != nil {
			if err := r.trouble(ctx, err); err != nil {
				return err
			}
			continue
		}
		if len(batch) > 0 {
			empty = 0
			if err := r.sort(ctx, batch); err != nil {
				return err
			}
			continue
		}
		// One empty answer can be chance, and what a process that ended had in hand
		// is not back before its time is over.
		if empty++; empty < 2 {
			continue
		}
		hidden := time.Until(m.HiddenBy)
		if hidden <= 0 {
			return r.end(ctx, MoveDone, "")
		}
		pause(ctx, min(hidden, r.q.e.cfg.Lease/3), r.wake)
	}
	return nil
}

// reach is how many are taken at once: of all that are to be moved no more than
// go within half a minute, so that the others stay with their readers.
func (r *queueRun) reach() int {
	if !r.move.All || r.move.Rate == 0 {
		return queueBatch
	}
	return max(1, min(queueBatch, int(r.move.Rate*30)))
}

// sort finds what of a batch is to be moved, and moves it. All else stays in
// hand until the end, so that it is met only once.
func (r *queueRun) sort(ctx context.Context, batch []QueueMessage) error {
	var chosen, sent, ghosts []QueueMessage
	for _, msg := range batch {
		switch {
		case r.done[msg.ID]: // a queue may give out once more what was deleted
			ghosts = append(ghosts, msg)
		case slices.Contains(r.move.Sent, msg.ID):
			sent = append(sent, msg)
		case r.move.All && msg.SentAt.After(r.move.StartedAt):
			r.hand.keepNewer(msg)
		case !r.move.All && !slices.Contains(r.move.Open, msg.ID):
			r.hand.keep(msg)
		case r.move.To == "" && msg.Source == "":
			r.passOver(msg, "does not say which queue it came from")
		default:
			chosen = append(chosen, msg)
		}
	}
	if len(ghosts) > 0 {
		r.q.e.backend.Transfers.Delete(ctx, r.move.Queue, ghosts...)
	}
	r.clear(ctx, sent)
	r.hand.keep(chosen...)
	for len(chosen) > 0 {
		n, err := r.permit(ctx, len(chosen))
		if n == 0 || err != nil {
			return err
		}
		if err := r.forward(ctx, chosen[:n]); err != nil {
			return err
		}
		r.paced(n)
		chosen = chosen[n:]
	}
	return nil
}

// passOver leaves a message that cannot be moved where it is.
func (r *queueRun) passOver(msg QueueMessage, why string) {
	r.move.skip(why, 1)
	r.move.Open = without(r.move.Open, []string{msg.ID})
	r.hand.keep(msg)
}

// forward sends messages and then deletes them here, writing down before and in
// between what a crash must not forget.
func (r *queueRun) forward(ctx context.Context, msgs []QueueMessage) error {
	r.move.Sending = idsOf(msgs)
	if err := r.keep(ctx); err != nil {
		return err
	}
	if r.move.State != MoveRunning || ctx.Err() != nil {
		r.move.Sending = nil
		return nil
	}
	batch, cancel := context.WithTimeout(context.WithoutCancel(ctx), queueFinishFor) // what has begun is finished
	defer cancel()
	o := r.send(batch, msgs)
	r.sent(&o)
	if err := r.keep(batch); err != nil {
		return err
	}
	if len(o.sent) > 0 {
		if err := r.q.e.backend.Copies.Moved(batch, r.move.Queue, r.move.ID, time.Now().UTC(), o.moved...); err != nil {
			r.q.e.log.WarnContext(ctx, "noting what was moved", "queue", r.move.Queue, "error", err)
		}
		r.clear(batch, o.sent)
	}
	if len(o.later) == 0 {
		return nil
	}
	if err := r.hand.back(batch, o.later...); err != nil { // to be taken and sent again
		r.q.e.log.WarnContext(ctx, "letting messages go", "queue", r.move.Queue, "error", err)
	}
	return r.trouble(ctx, o.err)
}

// outcome is what sending a batch came to.
type outcome struct {
	sent   []QueueMessage
	moved  []MovedMessage // the same
	later  []QueueMessage // not sent for sure
	unsure []string       // of later, those that may have been sent
	err    error          // why
}

// sent notes what a batch came to.
func (r *queueRun) sent(o *outcome) {
	m, ids := &r.move, idsOf(o.sent)
	again := common(m.Unsure, ids)
	m.Twice += int64(len(again))
	m.Unsure = append(without(m.Unsure, again), without(o.unsure, m.Unsure)...)
	if o.err == nil {
		m.Trouble = ""
	}
	m.Sent, m.Sending = append(m.Sent, ids...), nil
}

// send sends messages to the one queue of the move, or each to where it came
// from. What a queue never takes is passed over.
func (r *queueRun) send(ctx context.Context, msgs []QueueMessage) (o outcome) {
	for len(msgs) > 0 {
		to, here, rest := r.move.To, msgs, []QueueMessage(nil)
		if to == "" {
			to = msgs[0].Source
			here = slices.DeleteFunc(slices.Clone(msgs), func(m QueueMessage) bool { return m.Source != to })
			rest = slices.DeleteFunc(slices.Clone(msgs), func(m QueueMessage) bool { return m.Source == to })
		}
		for i, a := range r.q.e.backend.Transfers.Send(ctx, to, here...) {
			msg := here[i]
			switch a.State {
			case SendDone:
				o.sent = append(o.sent, msg)
				o.moved = append(o.moved, MovedMessage{ID: msg.ID, To: to, As: a.ID})
			case SendRefused:
				r.passOver(msg, "not taken by "+to+": "+sentenceOf(a.Err))
			case SendUnsure:
				o.unsure = append(o.unsure, msg.ID)
				fallthrough
			default:
				o.later, o.err = append(o.later, msg), a.Err
			}
		}
		msgs = rest
	}
	return o
}

// clear deletes what was sent. What cannot be deleted now is tried again at the
// end.
func (r *queueRun) clear(ctx context.Context, sent []QueueMessage) {
	if len(sent) == 0 {
		return
	}
	for i, err := range r.q.e.backend.Transfers.Delete(ctx, r.move.Queue, sent...) {
		msg := sent[i]
		if err != nil {
			r.q.e.log.WarnContext(ctx, "deleting what was sent", "queue", r.move.Queue, "message", msg.ID, "error", err)
			r.hand.keep(msg)
			r.hand.undeleted = append(r.hand.undeleted, msg)
			continue
		}
		r.hand.drop(msg.ID)
		r.done[msg.ID] = true
		r.move.Sent = without(r.move.Sent, []string{msg.ID})
		r.move.Open = without(r.move.Open, []string{msg.ID})
		r.move.Moved++
	}
}

func idsOf(msgs []QueueMessage) []string {
	ids := make([]string, len(msgs))
	for i, m := range msgs {
		ids[i] = m.ID
	}
	return ids
}

func without(ids, gone []string) []string {
	if len(gone) == 0 {
		return ids
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(gone, id) })
}

func common(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(id string) bool { return !slices.Contains(b, id) })
}
