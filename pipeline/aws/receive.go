package aws

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"redrive/pipeline"
)

const (
	readsAtOnce = 32                     // rows read or written at the same time by one call
	pollWorth   = 100 * time.Millisecond // of waiting that is left, for which one more poll is made: it has a price
)

// work is the worker's side of the queues.
type work struct{ s *Store }

// Receive polls a step's queue, reads the row of each message, and leases what
// is to be done. What needs no call (a flag that is set already, a message that
// is stale, one that is no row) is seen to and not answered.
func (w work) Receive(ctx context.Context, req pipeline.ReceiveRequest) ([]pipeline.Delivery, error) {
	ctx = spend(ctx, purposeSteps)
	if req.N <= 0 || !w.s.hasStep(req.Pipeline, req.Step) {
		return nil, nil
	}
	q, err := w.s.queues.get(ctx, w.s.names.queue(req.Pipeline, req.Step))
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(req.Wait)
	for {
		messages, at, err := w.poll(ctx, q, req, time.Until(deadline))
		if err != nil {
			return nil, err
		}
		ds, err := w.leaseAll(context.WithoutCancel(ctx), q, req, messages, at)
		if err != nil || len(ds) > 0 || time.Until(deadline) < pollWorth || ctx.Err() != nil {
			return ds, err
		}
	}
}

// poll brings messages: a long poll for the first, then as many more as are
// there, while they come in full batches.
func (w work) poll(ctx context.Context, q *queue, req pipeline.ReceiveRequest, wait time.Duration) ([]types.Message, time.Time, error) {
	give := func(ms []types.Message) { w.giveBack(q, req, ms) }
	messages, at, err := q.wait(ctx, q.life, w.s.queues.polling, min(req.N, batchMost), req.Hide, max(wait, 0), give)
	if err != nil || len(messages) < batchMost || req.N <= batchMost {
		if len(messages) > req.N { // of a poll begun when more was allowed
			give(messages[req.N:])
			messages = messages[:req.N]
		}
		return messages, at, err
	}
	most := min(req.N, batchesMost*batchMost)
	for polls := 1; len(messages) < most; polls *= 2 {
		more := w.pollMore(ctx, q, req, min(polls*batchMost, most-len(messages)))
		messages = append(messages, more...)
		if len(more) < polls*batchMost {
			break
		}
	}
	return messages, at, nil
}

// batchesMost is how many batches one Receive asks for. It asks for more at the
// same time only after all before were full: an empty one has a price too.
const batchesMost = 8

// pollMore asks for up to n messages that are there already, ten a request.
func (w work) pollMore(ctx context.Context, q *queue, req pipeline.ReceiveRequest, n int) (messages []types.Message) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for left := n; left > 0; left -= batchMost {
		all.Go(func() {
			more, err := q.receive(context.WithoutCancel(ctx), min(left, batchMost), req.Hide, 0)
			if err == nil { // one poll has brought something: the rest may fail
				mu.Lock()
				messages = append(messages, more...)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return messages
}

// giveBack puts messages back that nobody waits for any more: a copy is sent and
// the message deleted, since its receive count would be taken for an attempt.
func (w work) giveBack(q *queue, req pipeline.ReceiveRequest, messages []types.Message) {
	for _, m := range messages {
		w.again(q.life, q, receivedOf(m, time.Now()))
	}
	w.s.log.Debug("messages given back", "pipeline", req.Pipeline, "step", req.Step, "messages", len(messages))
}

// again sends a message anew, as one that was never received.
func (w work) again(ctx context.Context, q *queue, m received) {
	body := m.body
	if m.Row != "" {
		body = m.untried()
	}
	if err := q.sends.do(ctx, body)[0]; err != nil {
		w.s.log.WarnContext(ctx, "giving a message back", "queue", q.name, "error", err)
		return // it comes back when its time-out runs out
	}
	q.deletes.later(m.handle)
}

// leaseAll turns messages into deliveries. A row that cannot be read makes its
// message come back; only if none could be read is it an error.
func (w work) leaseAll(ctx context.Context, q *queue, req pipeline.ReceiveRequest, messages []types.Message, at time.Time) ([]pipeline.Delivery, error) {
	found := make([]*pipeline.Delivery, len(messages))
	errs := make([]error, len(messages))
	allAtOnce(len(messages), func(i int) {
		m := receivedOf(messages[i], at)
		if found[i], errs[i] = w.lease(ctx, q, req, m); errs[i] != nil {
			w.s.log.WarnContext(ctx, "reading the row of a message", "queue", q.name, "error", errs[i])
			w.unread(ctx, q, m)
		}
	})
	ds := make([]pipeline.Delivery, 0, len(messages))
	var broken error
	for i := range messages {
		if found[i] != nil {
			ds = append(ds, *found[i])
		}
		if errs[i] != nil {
			broken = errs[i]
		}
	}
	if len(ds) > 0 {
		return ds, nil
	}
	return nil, broken
}

// unread puts a message back whose row could not be read. It is sent anew, since
// this receive was no attempt; one that is no row keeps its receives, so that SQS
// moves it away if it can never be seen to.
func (w work) unread(ctx context.Context, q *queue, m received) {
	if _, ok := parseID(m.Row); ok && w.s.renew(ctx, q, m.Row, m.Gen, m.count-1, m.handle, unreadFor) == nil {
		return
	}
	q.hides.later(hide{handle: m.handle, until: unreadFor})
}

const unreadFor = time.Second // until a message whose row could not be read comes back

// allAtOnce calls do for 0 to n-1, many at the same time.
func allAtOnce(n int, do func(i int)) {
	if n == 1 {
		do(0)
		return
	}
	slots := make(chan struct{}, readsAtOnce)
	var all sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			do(i)
			<-slots
		})
	}
	all.Wait()
}

// lease reads the row of a message and decides what the message means.
func (w work) lease(ctx context.Context, q *queue, req pipeline.ReceiveRequest, m received) (*pipeline.Delivery, error) {
	id, ok := parseID(m.Row)
	if !ok {
		w.s.setAside(ctx, q, m, "it is no message of a step: it names no row")
		return nil, nil
	}
	defer w.s.leases.look(id.text, req.Step)()
	flags, payload, held, err := w.readUnder(ctx, id, req.Step)
	if err != nil {
		return nil, err
	}
	if flags == nil {
		w.s.setAside(ctx, q, m, "its row "+m.Row+" does not exist")
		return nil, nil
	}
	r, err := w.s.row(ctx, flags)
	if err != nil {
		return nil, err
	}
	if r.pipeline() != req.Pipeline || !r.graph.Has(req.Step) {
		w.s.setAside(ctx, q, m, "its row "+m.Row+" of pipeline "+r.pipeline()+" has no step "+req.Step)
		return nil, nil
	}
	c, ok := r.cell(req.Step)
	switch {
	case m.Gen > c.Gen || m.Gen < 0:
		w.s.setAside(ctx, q, m, "its row "+m.Row+" was never queued so often: generation "+strconv.FormatInt(m.Gen, 10))
		return nil, nil
	case r.rejected() || !ok || c.State == cellWaiting || m.Gen != c.Gen:
		q.deletes.later(m.handle) // stale: what it was sent for is over
		return nil, nil
	case c.State == cellProcessed:
		return nil, w.s.settled(ctx, q, r, req.Step, c, m)
	case c.State == cellDead:
		return nil, w.s.buried(ctx, q, r, req.Step, c, m)
	}
	return w.leaseOpen(ctx, q, req, r, c, payload, held, m)
}

// readUnder reads a row, and the lease that this process had of the step all the
// while: of one that ends in between the outcome may not have been read.
func (w work) readUnder(ctx context.Context, id rowID, step string) (flags, payload item, held *lease, err error) {
	for {
		held = w.s.leases.of(id.text, step)
		flags, payload, err = w.s.read(ctx, id)
		if err != nil || w.s.leases.of(id.text, step) == held {
			return flags, payload, held, err
		}
	}
}

// leaseOpen gives out a step that is to be done, unless somebody does it, its
// time has not come, or its row is set aside.
func (w work) leaseOpen(ctx context.Context, q *queue, req pipeline.ReceiveRequest, r *row, c cell, payload item, held *lease, m received) (*pipeline.Delivery, error) {
	now := time.Now()
	if held != nil && held.message != m.id && w.s.leases.runsOut(held).After(now) && held.base.Gen == c.Gen && held.base.Attempts == c.Attempts {
		w.s.duplicates.Add(1)
		q.deletes.later(m.handle) // a second message for what runs here
		return nil, nil
	}
	if c.State == cellRunning && w.s.unsure.has(claimKey(c.Token, req.Step)) {
		var err error
		if c, err = w.s.unclaim(ctx, r, req.Step, c); err != nil || c.State == "" {
			return nil, err
		}
	}
	if c.State == cellRunning && r.claimedUntil(req.Step).After(now) {
		q.hides.later(hide{handle: m.handle, until: r.claimedUntil(req.Step).Sub(now)})
		return nil, nil
	}
	c, raw, err := w.s.countLost(ctx, r, req, c, held, m)
	if err != nil || raw == overtaken {
		return nil, err
	}
	if r.aside != nil {
		q.deletes.later(m.handle) // Restore sends it anew
		return nil, nil
	}
	if due := fromMillis(c.Due); c.State == cellRetrying && due.After(now) {
		return nil, w.s.notYet(ctx, q, r, req.Step, c, raw, m, due.Sub(now))
	}
	return w.deliver(ctx, q, req, r, c, raw, payload, m)
}

func (w work) deliver(ctx context.Context, q *queue, req pipeline.ReceiveRequest, r *row, c cell, raw string, payload item, m received) (*pipeline.Delivery, error) {
	l := &lease{token: randomToken(), pipeline: req.Pipeline, message: m.id, handle: m.handle, base: c, attempt: c.Attempts + 1, worker: req.Worker,
		started: time.Now().UTC(), until: m.at.Add(max(req.Hide, time.Second)), fresh: r.status() == pipeline.StatusAccepted}
	d := &pipeline.Delivery{Row: r.id.text, Pipeline: req.Pipeline, Graph: r.graph.ID(), Step: req.Step, Attempt: l.attempt, Spent: c.Spent,
		FirstFailedAt: fromMillis(c.Failed), Alone: c.Alone, CreatedAt: r.id.created(), ContentType: r.item.str(attrType),
		Trace: payload.str(attrTrace)}
	var err error
	if d.Payload, err = payload.body(); err != nil {
		return nil, err
	}
	if d.Payload == nil {
		d.Payload = []byte{}
	}
	if c.Last != nil && c.Last.Outcome != string(pipeline.AttemptProcessed) {
		d.LastError = c.Last.Error
	}
	if req.Exclusive {
		claim, err := w.s.claim(ctx, r, req.Step, c, raw, l)
		if err != nil || claim == overtaken {
			return nil, err
		}
		raw, l.claim = claim, claim
	}
	left, beside := r.toCome(req.Step)
	d.Receipt = pipeline.Receipt{Token: l.token, Handle: receipt{Handle: m.handle, Message: m.id, Cell: raw, Gen: c.Gen, Count: m.count,
		Receives: m.count - max(m.Base, 0), Left: left, Beside: beside, Room: r.room(req.Step)}.encode()}
	w.s.leases.take(r.id.text, req.Step, l)
	w.s.floor.took(req.Pipeline, req.Step, fromMillis(c.Due))
	return d, nil
}

func randomToken() int64 {
	var b [8]byte
	rand.Read(b[:]) //nolint:errcheck // never fails
	return int64(binary.BigEndian.Uint64(b[:]) >> 1)
}

func tokenText(token int64) string { return strconv.FormatInt(token, 36) }
