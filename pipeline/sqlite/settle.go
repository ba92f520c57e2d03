package sqlite

import (
	"context"
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

func (w *writer) settle(l *lease, o *pipeline.Outcome) error {
	switch o.Verdict {
	case pipeline.Processed:
		return w.processed(l, o)
	case pipeline.Retry:
		return w.retry(l, o)
	case pipeline.Dead:
		return w.dead(l, o)
	default:
		return w.release(l)
	}
}

// calls answers the number of attempts with this one, if it was one.
func calls(l *lease, a *pipeline.Attempt) int64 {
	if a.Number == 0 {
		return l.attempts - 1
	}
	return l.attempts
}

// processed sets the flag. The successful attempt is kept in the cell.
func (w *writer) processed(l *lease, o *pipeline.Outcome) error {
	worker, err := w.worker(l, &o.Attempt)
	if err != nil {
		return err
	}
	started := startOf(l, &o.Attempt)
	if o.Attempt.Number == 0 {
		started = 0
	}
	err = w.conn.prep(`UPDATE cells SET state = 5, due_at = NULL, attempts = ?1, touched_at = ?2, started_at = ?3, duration = ?4,
		status_code = ?5, worker = ?6, op = NULL WHERE row = ?7 AND step = ?8`).
		int(1, calls(l, &o.Attempt)).int(2, w.now).orNull(3, started).orNull(4, o.Attempt.Duration.Microseconds()).
		orNull(5, int64(o.Attempt.StatusCode)).orNull(6, worker).int(7, l.row).int(8, l.q.id).run()
	if err != nil {
		return err
	}
	if len(o.Result) > 0 {
		err := w.conn.prep("INSERT OR REPLACE INTO results (row, step, body) VALUES (?, ?, ?)").int(1, l.row).int(2, l.q.id).blob(3, o.Result).run()
		if err != nil {
			return err
		}
	}
	w.counted(l, cellProcessed)
	w.count(l.q.tally, countProcessed, 1)
	if l.op != 0 {
		w.progressOf(l.op).succeeded++
	}
	w.leases.end(l)
	was := w.leases.ended[len(w.leases.ended)-1]
	for i := range o.Unlocks {
		if err := w.unlock(&was, &o.Unlocks[i]); err != nil {
			return err
		}
	}
	return w.maybeDone(&was, o.Delivery.Step, o.Sinks)
}

// counted moves a running cell in its step's counters.
func (w *writer) counted(l *lease, to int64) {
	if !l.discarded {
		w.move(l.q.tally, cellRunning, to)
	}
}

func (w *writer) worker(l *lease, a *pipeline.Attempt) (int64, error) {
	if a.Worker == "" {
		return l.worker, nil
	}
	return w.name(nameWorker, 0, a.Worker)
}

func startOf(l *lease, a *pipeline.Attempt) int64 {
	if a.StartedAt.IsZero() {
		return l.started
	}
	return millis(a.StartedAt)
}

func (w *writer) retry(l *lease, o *pipeline.Outcome) error {
	outcome, spent := int64(attemptFailed), int64(1)
	if o.Free {
		outcome, spent = attemptThrottled, 0
		if o.Attempt.Outcome == pipeline.AttemptLost { // cut off by the end of the process
			outcome = attemptLost
		}
	}
	if err := w.keepAttempt(l, &o.Attempt, outcome); err != nil {
		return err
	}
	due := dueMillis(o.RetryAt)
	at := due
	if l.discarded {
		at = -due
	}
	err := w.conn.prep(`UPDATE cells SET state = 3, due_at = ?1, attempts = ?2, spent = spent + ?3, touched_at = ?4,
		last_error = coalesce(?5, last_error), first_failed_at = coalesce(first_failed_at, ?6) WHERE row = ?7 AND step = ?8`).
		int(1, at).int(2, calls(l, &o.Attempt)).int(3, spent).int(4, w.now).textOrNull(5, o.Attempt.Error).
		orNull(6, spent*startOf(l, &o.Attempt)).int(7, l.row).int(8, l.q.id).run()
	if err != nil {
		return err
	}
	w.counted(l, cellRetrying)
	discarded := l.discarded
	q, row := l.q, l.row
	w.leases.end(l)
	if !discarded {
		w.push(q, entry{due: due, row: row, retrying: true})
	}
	return nil
}

// release puts the cell back where it was, as if it had not been received.
func (w *writer) release(l *lease) error {
	err := w.conn.prep("UPDATE cells SET state = 1, attempts = attempts - 1, touched_at = ? WHERE row = ? AND step = ?").
		int(1, w.now).int(2, l.row).int(3, l.q.id).run()
	if err != nil {
		return err
	}
	w.counted(l, cellQueued)
	q, e, discarded := l.q, entry{due: l.due, row: l.row, fresh: l.fresh}, l.discarded
	w.leases.end(l)
	if !discarded {
		w.push(q, e)
	}
	return nil
}

// keepAttempt stores an attempt that set no flag, and counts it.
func (w *writer) keepAttempt(l *lease, a *pipeline.Attempt, outcome int64) error {
	if a.Number == 0 {
		return nil
	}
	switch outcome {
	case attemptThrottled:
		w.count(l.q.tally, countThrottled, 1)
	case attemptFailed, attemptDead:
		w.count(l.q.tally, countFailed, 1)
	}
	worker, err := w.worker(l, a)
	if err != nil {
		return err
	}
	return w.conn.prep(`INSERT OR REPLACE INTO attempts (row, step, number, started_at, duration, outcome, status_code, error, worker)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`).int(1, l.row).int(2, l.q.id).int(3, l.attempts).int(4, startOf(l, a)).
		int(5, a.Duration.Microseconds()).int(6, outcome).orNull(7, int64(a.StatusCode)).textOrNull(8, a.Error).orNull(9, worker).run()
}
