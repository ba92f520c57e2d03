package aws

import (
	"context"
	"errors"
	"time"

	"redrive/pipeline"
)

// overtaken stands for a cell that somebody else has changed at the same moment: its
// message comes back.
const overtaken = "overtaken"

// lostError is what an attempt says whose worker went away.
const lostError = "the worker went away before the outcome was stored"

const lostMost = 100 // attempts lost at once; more means that a count is wrong

// countLost writes down the attempts that were cut off since the message was
// accounted for: its receives without an outcome, or the claim that ran out.
// From then on the worker that was cut off changes nothing any more.
func (s *Store) countLost(ctx context.Context, r *row, req pipeline.ReceiveRequest, c cell, held *lease, m received) (cell, string, error) {
	raw := r.raw[req.Step]
	n := lostAttempts(c, req, m)
	if n == 0 {
		return c, raw, nil
	}
	attempt := lostAttempt(c, held, m, req.Step)
	next := c
	next.Token, next.Touched, next.Seen = tokenText(randomToken()), time.Now().UnixMilli(), m.count-1
	next.Spent += n
	if c.State == cellRunning {
		next.State, next.Due = cellQueued, min(c.Due, time.Now().UnixMilli())
	} else {
		if err := s.keepLast(ctx, r, req.Step, c); err != nil {
			return c, raw, err
		}
		for i := range n - 1 {
			attempt.Number = c.Attempts + 1 + i
			if err := s.table.put(ctx, s.attemptItem(r.id, r.pipeline(), attempt)); err != nil {
				return c, raw, err
			}
		}
		next.Attempts += n
	}
	next.Last = lastOf(&attempt, time.Now())
	if next.Failed == 0 {
		next.Failed = next.Last.Started
	}
	ch := &change{token: next.Token, set: map[string]cell{req.Step: next}, was: map[string]string{req.Step: raw}}
	if c.State == cellRunning {
		ch.claim = map[string]int64{req.Step: 0}
	}
	after, err := s.write(ctx, r.id, ch)
	if errors.Is(err, errMoved) {
		return c, overtaken, nil
	}
	if err != nil {
		return c, raw, err
	}
	s.leases.drop(r.id.text, req.Step)
	*r = *after
	return after.cells[req.Step], after.raw[req.Step], nil
}

func lostAttempts(c cell, req pipeline.ReceiveRequest, m received) int {
	switch {
	case c.State == cellRunning:
		return 1
	case req.Exclusive:
		return 0 // it would have been claimed
	}
	return min(max(m.count-1-c.Seen, 0), lostMost)
}

// lostAttempt is what is known of an attempt that was cut off: what its claim
// says, or this process's own lease, else when its message was first received.
func lostAttempt(c cell, held *lease, m received, step string) pipeline.Attempt {
	a := pipeline.Attempt{Step: step, Number: c.Attempts, StartedAt: m.first, Outcome: pipeline.AttemptLost, Error: lostError}
	switch {
	case c.State == cellRunning && c.Last != nil:
		a.StartedAt, a.Worker = fromMillis(c.Last.Started), c.Last.Worker
	case held != nil && held.message == m.id:
		a.StartedAt, a.Worker = held.started, held.worker
	}
	if a.StartedAt.IsZero() {
		a.StartedAt = m.at.UTC()
	}
	return a
}

// claim writes a cell as running before the call, for an exclusive step. It
// answers the cell as written, or overtaken.
func (s *Store) claim(ctx context.Context, r *row, step string, c cell, raw string, l *lease) (string, error) {
	if err := s.keepLast(ctx, r, step, c); err != nil {
		return "", err
	}
	next := c
	next.State, next.Attempts, next.Token, next.Touched = cellRunning, c.Attempts+1, tokenText(l.token), time.Now().UnixMilli()
	next.Last = &last{Started: l.started.UnixMilli(), Worker: l.worker}
	if c.Last != nil {
		next.Last.Error = c.Last.Error
	}
	ch := &change{token: next.Token, set: map[string]cell{step: next}, was: map[string]string{step: raw},
		claim: map[string]int64{step: l.until.UnixMilli()}, inPlace: true}
	_, err := s.write(ctx, r.id, ch)
	if errors.Is(err, errMoved) {
		return overtaken, nil
	}
	return next.encode(), err
}

// claimKey is the key of the change that a claim is.
func claimKey(token, step string) string {
	return (&change{token: token, set: map[string]cell{step: {State: cellRunning}}}).key()
}

// unclaim takes back a claim of this process whose answer never came: no call
// was made under it. It answers the cell, or none if somebody else was faster.
func (s *Store) unclaim(ctx context.Context, r *row, step string, c cell) (cell, error) {
	next := c
	next.State, next.Attempts, next.Last, next.Token, next.Touched = cellQueued, c.Attempts-1, nil, tokenText(randomToken()), time.Now().UnixMilli()
	after, err := s.write(ctx, r.id, &change{token: next.Token, set: map[string]cell{step: next}, was: map[string]string{step: r.raw[step]},
		claim: map[string]int64{step: 0}})
	if errors.Is(err, errMoved) {
		return cell{}, nil
	}
	if err != nil {
		return cell{}, err
	}
	*r = *after
	return after.cells[step], nil
}

// claimedUntil is when the claim of an exclusive step runs out.
func (r *row) claimedUntil(step string) time.Time { return r.item.time(claimPrefix + step) }

// notYet hides a message that came before its time, and accounts for this
// receive.
func (s *Store) notYet(ctx context.Context, q *queue, r *row, step string, c cell, raw string, m received, wait time.Duration) error {
	next := c
	next.Seen = max(c.Seen, m.count) // of two messages for one step the one received more often
	ch := &change{token: c.Token, set: map[string]cell{step: next}, was: map[string]string{step: raw}}
	if _, err := s.write(ctx, r.id, ch); err != nil && !errors.Is(err, errMoved) {
		return err
	}
	q.hides.later(hide{handle: m.handle, until: wait})
	return nil
}

// Extend hides messages for longer and, of exclusive steps, moves the end of the
// claim. A lease that ran out is lost, whatever SQS would still do with it.
func (w work) Extend(ctx context.Context, hold time.Duration, ds ...pipeline.Delivery) ([]error, error) {
	ctx = spend(ctx, purposeSteps)
	errs := make([]error, len(ds))
	failed := make([]error, len(ds))
	allAtOnce(len(ds), func(i int) { errs[i], failed[i] = w.extend(ctx, hold, &ds[i]) })
	return errs, errors.Join(failed...)
}

func (w work) extend(ctx context.Context, hold time.Duration, d *pipeline.Delivery) (answer, err error) {
	l := w.s.leases.held(d)
	now := time.Now()
	if l == nil || w.s.leases.runsOut(l).Before(now) {
		return pipeline.ErrLeaseLost, nil
	}
	until := now.Add(max(hold, time.Second))
	if l.claim != "" {
		if err := w.s.extendClaim(ctx, d, l, until); errors.Is(err, errMoved) {
			return pipeline.ErrLeaseLost, nil
		} else if err != nil {
			return nil, err
		}
	}
	q, err := w.s.queues.get(ctx, w.s.names.queue(d.Pipeline, d.Step))
	if err != nil {
		return nil, err
	}
	err = q.hides.do(ctx, hide{handle: l.handle, until: max(hold, time.Second)})[0]
	switch {
	case handleLost(err):
		return pipeline.ErrLeaseLost, nil
	case err != nil:
		return nil, q.fail(err, "ChangeMessageVisibility")
	}
	w.s.leases.extend(l, until)
	return nil, nil
}

func (s *Store) extendClaim(ctx context.Context, d *pipeline.Delivery, l *lease, until time.Time) error {
	id, ok := parseID(d.Row)
	if !ok {
		return errMoved
	}
	c := condition{expr: "#cell = :cell", names: map[string]string{"#cell": cellPrefix + d.Step, "#until": claimPrefix + d.Step},
		values: item{":cell": str(l.claim), ":until": at(until)}}
	_, err := s.table.update(ctx, id.pk(), id.text, "SET #until = :until", c)
	if refused(err) {
		return errMoved
	}
	return err
}
