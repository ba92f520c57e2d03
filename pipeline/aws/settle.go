package aws

import (
	"context"
	"errors"
	"sync"
	"time"
	"unicode/utf8"

	"redrive/pipeline"
)

const (
	resultMost  = 256      // bytes of a result that are kept unless the step keeps all
	resultAll   = 32 << 10 // of one that does
	flagsBudget = 1000     // bytes: flags are charged by the kilobyte
)

// Settle writes outcomes, each under the condition that the step's cell is still
// what it was when its message was received. Then it sends what an outcome
// triggers, and lets the message go last.
func (w work) Settle(ctx context.Context, outcomes ...pipeline.Outcome) ([]error, error) {
	if len(outcomes) == 0 {
		return nil, nil
	}
	ctx = spend(ctx, purposeSteps)
	answers := make([]error, len(outcomes))
	then := make([]func(), len(outcomes))
	groups := byToken(outcomes)
	allAtOnce(len(groups), func(n int) {
		for _, i := range groups[n] {
			answers[i] = w.settleOnce(ctx, &outcomes[i], &then[i])
		}
	})
	followUp(then)
	var broken error
	for i, err := range answers {
		switch {
		case errors.Is(err, errMoved):
			answers[i] = pipeline.ErrLeaseLost
			w.s.leases.end(outcomes[i].Delivery.Row, outcomes[i].Delivery.Step, outcomes[i].Delivery.Receipt.Token)
		case err != nil && !errors.Is(err, pipeline.ErrLeaseLost):
			broken = err
		}
	}
	if broken != nil {
		return nil, broken
	}
	return answers, nil
}

// followUp does what follows from flags that were set, all of it at the same
// time: the messages that go out share requests.
func followUp(then []func()) {
	var all sync.WaitGroup
	for _, do := range then {
		if do != nil {
			all.Go(do)
		}
	}
	all.Wait()
}

// byToken keeps the outcomes of one delivery together, in order.
func byToken(outcomes []pipeline.Outcome) [][]int {
	place := map[int64]int{}
	var groups [][]int
	for i := range outcomes {
		token := outcomes[i].Delivery.Receipt.Token
		n, known := place[token]
		if !known {
			n = len(groups)
			place[token] = n
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], i)
	}
	return groups
}

// settleOnce settles a delivery whose outcome this process has not settled to
// its end before.
func (w work) settleOnce(ctx context.Context, o *pipeline.Outcome, then *func()) error {
	key := tokenText(o.Delivery.Receipt.Token)
	if w.s.over.has(key) {
		return pipeline.ErrLeaseLost
	}
	err := w.settle(ctx, o, then)
	if err == nil {
		w.s.over.first(key)
	}
	return err
}

// settlement is one outcome on its way.
type settlement struct {
	work
	o    *pipeline.Outcome
	d    *pipeline.Delivery
	id   rowID
	seen receipt
	was  cell // as it was received
	q    *queue
	now  time.Time
	then *func() // what is done after
}

func (w work) settle(ctx context.Context, o *pipeline.Outcome, then *func()) error {
	st := settlement{work: w, o: o, d: &o.Delivery, now: time.Now(), then: then}
	var ok bool
	if st.id, ok = parseID(o.Delivery.Row); !ok {
		return pipeline.ErrLeaseLost
	}
	if st.seen, ok = parseReceipt(o.Delivery.Receipt.Handle); !ok {
		return pipeline.ErrLeaseLost
	}
	st.was, _ = parseCell(st.seen.Cell)
	st.was.Gen = st.seen.Gen
	var err error
	if st.q, err = w.s.queues.get(ctx, w.s.names.queue(o.Delivery.Pipeline, o.Delivery.Step)); err != nil {
		return err
	}
	switch o.Verdict {
	case pipeline.Processed:
		return st.processed(ctx)
	case pipeline.Retry:
		return st.retry(ctx)
	case pipeline.Dead:
		return st.dead(ctx)
	}
	return st.release(ctx)
}

// next is the cell of an outcome, before what its verdict adds. An outcome
// without a call is no attempt: what was counted for it is taken back.
func (st *settlement) next(state string) cell {
	c := st.was
	c.State, c.Token, c.Touched, c.Due, c.Seen = state, tokenText(st.d.Receipt.Token), st.now.UnixMilli(), 0, 0
	claimed := st.was.State == cellRunning
	switch {
	case st.o.Attempt.Number != 0:
		c.Attempts = st.d.Attempt
		c.Last = lastOf(&st.o.Attempt, st.now)
	case claimed:
		c.Attempts, c.Last = st.d.Attempt-1, nil
	}
	return c
}

// write makes the change of an outcome: first the attempt before it goes to the
// history, then the cell changes, then the lease is over.
func (st *settlement) write(ctx context.Context, c cell, total string) (*row, error) {
	r := &row{id: st.id, item: item{attrPipeline: str(st.d.Pipeline)}}
	if st.o.Attempt.Number != 0 && st.was.State != cellRunning { // a claim has kept it
		if err := st.s.keepLast(ctx, r, st.d.Step, st.was); err != nil {
			return nil, err
		}
	}
	ch := &change{token: c.Token, insists: true, total: total, set: map[string]cell{st.d.Step: c}, was: map[string]string{st.d.Step: st.seen.Cell}}
	if st.was.State == cellRunning {
		ch.claim = map[string]int64{st.d.Step: 0}
	}
	after, err := st.s.write(ctx, st.id, ch)
	if err != nil {
		return nil, err
	}
	st.s.leases.end(st.d.Row, st.d.Step, st.d.Receipt.Token)
	return after, st.s.keepLong(ctx, after, &st.o.Attempt)
}

func (st *settlement) processed(ctx context.Context) error {
	c := st.next(cellProcessed)
	c.Spent, c.Failed = 0, 0
	op := c.Op
	c.Op = ""
	if c.Last == nil {
		c.Last = &last{}
	}
	g, err := st.s.graphs.get(ctx, st.d.Graph)
	if err != nil {
		return err
	}
	c.Quiet = len(st.o.Unlocks) == 0 && !c.Alone && len(g.Unlocks(st.d.Step)) > 0
	if err := st.keepResult(ctx, &c); err != nil {
		return err
	}
	after, err := st.write(ctx, c, countProcessed)
	if err != nil {
		return err
	}
	st.s.cfg.Account.cost.processed(len(g.Nodes()))
	if err := st.s.outcomeOf(ctx, op, st.d.Row, st.d.Step, movedDone); err != nil {
		return err
	}
	*st.then = func() {
		if err := st.s.unlock(ctx, after, st.d.Step); err != nil {
			st.s.outage.note(st.s.log, err)
			return // the flag is set; the message stays, and its next delivery triggers again
		}
		st.q.deletes.later(st.seen.Handle)
	}
	return nil
}

// keepResult puts a short answer into the cell while the flags stay below a
// kilobyte, those of the steps to come too, and another one into the history.
func (st *settlement) keepResult(ctx context.Context, c *cell) error {
	body := st.o.Result
	if len(body) == 0 {
		return nil
	}
	most := resultMost
	if st.o.Keep {
		most = resultAll
	}
	body = cutBytes(body, most)
	if len(body) <= resultMost {
		kept := *c
		kept.Last = c.Last.with(body)
		bare, full := len(c.encode()), len(kept.encode())
		if st.seen.Room >= full+st.seen.Left*bare+st.seen.Beside*(full-bare) {
			c.Last = kept.Last
			return nil
		}
	}
	c.Last.Kept = true
	it := keyOf(st.id.history(), resultKey(st.d.Step, c.Token))
	it[attrBody], it[attrTTL] = blob(body), st.s.ttl(st.d.Pipeline, st.id)
	return st.s.table.put(ctx, it)
}

// cutBytes shortens text at a whole character, anything else at the byte.
func cutBytes(b []byte, most int) []byte {
	if len(b) <= most {
		return b
	}
	if utf8.Valid(b) {
		text, _ := bounded(string(b[:most+1]), most)
		return []byte(text)
	}
	return b[:most]
}

func (st *settlement) retry(ctx context.Context) error {
	c := st.next(cellRetrying)
	c.Due, c.Seen = dueMillis(st.o.RetryAt), max(st.was.Seen, st.seen.Count)
	if !st.o.Free {
		c.Spent++
		if c.Failed == 0 && c.Last != nil {
			c.Failed = c.Last.Started
		}
	}
	if c.Last != nil && c.Last.Error == "" && st.was.Last != nil {
		c.Last.Error = st.was.Last.Error
	}
	if _, err := st.write(ctx, c, st.failure()); err != nil {
		return err
	}
	wait := fromMillis(c.Due).Sub(st.now)
	if st.seen.Receives >= renewAfter {
		err := st.s.renew(ctx, st.q, st.d.Row, st.seen.Gen, st.seen.Count, st.seen.Handle, wait)
		if err == nil {
			return nil
		}
		st.s.outage.note(st.s.log, err)
	}
	return st.hide(ctx, wait)
}

// failure is the counter an attempt that set no flag goes to.
func (st *settlement) failure() string {
	switch st.o.Attempt.Outcome {
	case pipeline.AttemptThrottled:
		return countThrottled
	case pipeline.AttemptFailed, pipeline.AttemptDead:
		if st.o.Attempt.Number != 0 {
			return countFailed
		}
	}
	return ""
}

// dueMillis rounds up, so that nothing is due before its time.
func dueMillis(t time.Time) int64 {
	return t.Add(time.Millisecond - time.Nanosecond).UnixMilli()
}

// hide keeps the message out of sight until its step is due. If that cannot be,
// it comes back when its lease runs out, early, and is hidden again then.
func (st *settlement) hide(ctx context.Context, wait time.Duration) error {
	if err := st.q.hides.do(ctx, hide{handle: st.seen.Handle, until: max(wait, 0)})[0]; err != nil {
		st.s.outage.note(st.s.log, err)
	}
	return nil
}

func (st *settlement) dead(ctx context.Context) error {
	c := st.next(cellDead)
	op := c.Op
	c.Op = ""
	l := &st.o.Letter
	c.Dead = &grave{ID: pipeline.NewID(), Kind: string(l.Kind), Group: l.Group, Cause: l.Cause, Error: l.Error, Code: l.StatusCode,
		Failed: millis(l.FirstFailedAt), At: st.now.UnixMilli()}
	if st.o.Attempt.Number != 0 {
		c.Spent++
	}
	after, err := st.write(ctx, c, st.failure())
	if err != nil {
		return err
	}
	if err := st.s.outcomeOf(ctx, op, st.d.Row, st.d.Step, movedFailed); err != nil {
		return err
	}
	if err := st.s.bury(ctx, after, st.d.Step); err != nil {
		return err
	}
	st.q.deletes.later(st.seen.Handle)
	st.s.mirror.add(ctx, after, st.d.Step)
	return nil
}

// release gives a step back that was not called. Nothing is written unless it
// was claimed; the message is sent anew, so that this receive does not count.
func (st *settlement) release(ctx context.Context) error {
	if st.was.State != cellRunning {
		if st.s.leases.held(st.d) == nil {
			r, err := st.s.readRow(ctx, st.d.Row)
			if err != nil {
				return err
			}
			if r == nil || r.raw[st.d.Step] != st.seen.Cell {
				return pipeline.ErrLeaseLost
			}
			if other := st.s.leases.of(st.d.Row, st.d.Step); other != nil {
				return pipeline.ErrLeaseLost
			}
		}
		st.s.leases.end(st.d.Row, st.d.Step, st.d.Receipt.Token)
	} else {
		c := st.next(cellQueued)
		c.Due = st.now.UnixMilli()
		if _, err := st.write(ctx, c, ""); err != nil {
			return err
		}
	}
	st.again(context.WithoutCancel(ctx), st.q, received{stepMessage: stepMessage{Row: st.d.Row, Gen: st.seen.Gen}, handle: st.seen.Handle, count: st.seen.Count})
	return nil
}
