package sqlite

import (
	"context"
	"slices"
	"time"

	"redrive/pipeline"
)

func (db *DB) settle(ctx context.Context, outcomes []pipeline.Outcome) ([]error, error) {
	if len(outcomes) == 0 {
		return nil, nil
	}
	answers := make([]error, len(outcomes))
	err := db.do(ctx, len(outcomes), false, func(w *writer) error {
		for i := range outcomes {
			l := w.leases.find(outcomes[i].Delivery.Receipt)
			if l == nil {
				answers[i] = pipeline.ErrLeaseLost
				continue
			}
			answers[i] = nil
			if err := w.settle(l, &outcomes[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

func (db *DB) extend(ctx context.Context, hide time.Duration, ds []pipeline.Delivery) ([]error, error) {
	answers := make([]error, len(ds))
	err := db.do(ctx, 1, true, func(w *writer) error {
		for i := range ds {
			answers[i] = nil
			if l := w.leases.find(ds[i].Receipt); l != nil {
				w.leases.extend(l, w.now+max(hide.Milliseconds(), 1))
			} else {
				answers[i] = pipeline.ErrLeaseLost
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

// settle writes an outcome.
func (w *writer) settle(l *lease, o *pipeline.Outcome) error {
	f, err := w.flow(l.row)
	if err != nil {
		return err
	}
	if f == nil || f.cell(l.q.id) == nil {
		return errCells
	}
	c, q := f.cell(l.q.id), l.q
	w.leases.end(l)
	w.change(f, changedCells)
	switch o.Verdict {
	case pipeline.Processed:
		return w.processed(f, c, q, o)
	case pipeline.Retry:
		return w.retry(f, c, q, o)
	case pipeline.Dead:
		return w.dead(f, c, q, o)
	default:
		w.release(f, c, q)
		return nil
	}
}

// leave takes a cell out of the running ones; due is when it is due again, if
// it is. An attempt that made no call is not counted.
func (w *writer) leave(f *flow, c *cell, q *queue, state, due int64, a *pipeline.Attempt) {
	if !f.discarded() {
		w.move(q.tally, cellRunning, state)
	}
	c.state, c.due, c.touched = state, due, w.now
	if a.Number == 0 {
		c.attempts--
	}
}

// processed sets the flag. The successful attempt is kept in the cell.
func (w *writer) processed(f *flow, c *cell, q *queue, o *pipeline.Outcome) error {
	a := &o.Attempt
	worker, err := w.workerOf(c, a)
	if err != nil {
		return err
	}
	started := startOf(c, a)
	if a.Number == 0 {
		started = 0
	}
	w.leave(f, c, q, cellProcessed, 0, a)
	c.started, c.duration, c.code, c.worker = started, a.Duration.Microseconds(), int64(a.StatusCode), worker
	if len(o.Result) > 0 {
		if err := w.putResult(f.row, c.step, o.Result); err != nil {
			return err
		}
	}
	w.count(q.tally, countProcessed, 1)
	if c.op != 0 {
		w.progressOf(c.op).succeeded++
		c.op = 0
	}
	return w.passed(f, *c, q, o)
}

func (w *writer) putResult(row, step int64, body []byte) error {
	if err := w.begin(); err != nil {
		return err
	}
	return w.conn.prep("INSERT OR REPLACE INTO results (row, step, body) VALUES (?, ?, ?)").int(1, row).int(2, step).blob(3, body).run()
}

func (w *writer) workerOf(c *cell, a *pipeline.Attempt) (int64, error) {
	if a.Worker == "" {
		return c.worker, nil
	}
	return w.name(nameWorker, 0, a.Worker)
}

func startOf(c *cell, a *pipeline.Attempt) int64 {
	if a.StartedAt.IsZero() {
		return c.started
	}
	return millis(a.StartedAt)
}

func (w *writer) retry(f *flow, c *cell, q *queue, o *pipeline.Outcome) error {
	outcome, spent := int64(attemptFailed), int64(1)
	if o.Free {
		outcome, spent = attemptThrottled, 0
		if o.Attempt.Outcome == pipeline.AttemptLost { // cut off by the end of the process
			outcome = attemptLost
		}
	}
	if err := w.keepAttempt(f, c, q, &o.Attempt, outcome); err != nil {
		return err
	}
	if c.firstFailed == 0 {
		c.firstFailed = spent * startOf(c, &o.Attempt)
	}
	if o.Attempt.Error != "" {
		c.lastError = o.Attempt.Error
	}
	c.spent += spent
	w.leave(f, c, q, cellRetrying, dueMillis(o.RetryAt), &o.Attempt)
	if !f.discarded() {
		q.push(newEntry(c.due, f.row, true))
	}
	return nil
}

// release puts the cell back where it was, as if it had not been received.
func (w *writer) release(f *flow, c *cell, q *queue) {
	w.leave(f, c, q, cellQueued, c.due, &pipeline.Attempt{})
	if !f.discarded() {
		q.push(newEntry(c.due, f.row, false))
	}
	if f.beneath() == rowInProgress && !slices.ContainsFunc(f.cells, cell.tried) {
		w.setStatus(f, rowAccepted)
	}
}

// keepAttempt stores an attempt that set no flag, and counts it.
func (w *writer) keepAttempt(f *flow, c *cell, q *queue, a *pipeline.Attempt, outcome int64) error {
	if a.Number == 0 {
		return nil
	}
	switch outcome {
	case attemptThrottled:
		w.count(q.tally, countThrottled, 1)
	case attemptFailed, attemptDead:
		w.count(q.tally, countFailed, 1)
	}
	worker, err := w.workerOf(c, a)
	if err != nil {
		return err
	}
	return w.insertAttempt(f.row, c, attempt{started: startOf(c, a), duration: a.Duration.Microseconds(), outcome: outcome,
		code: int64(a.StatusCode), text: a.Error, worker: worker})
}
