package sqlite

const (
	// A cell that nobody worked on or moved has nothing to be read.
	claimFresh = `UPDATE cells SET state = 2, was = 1, attempts = 1, touched_at = ?1, started_at = ?1, worker = ?2
		WHERE row = ?3 AND step = ?4 AND state = 1 AND due_at = ?5 AND attempts + spent = 0 AND coalesce(again, alone, op) IS NULL`
	claimKnown = `UPDATE cells SET state = 2, was = state, attempts = attempts + 1, touched_at = ?1, started_at = ?1, worker = ?2
		WHERE row = ?3 AND step = ?4 AND state IN (1, 3) AND due_at = ?5
		RETURNING was, attempts, spent, first_failed_at, last_error, op, again, alone`
)

// claim leases a cell to a waiter: running, the attempt counted. An entry that
// is out of date is passed over.
func (w *writer) claim(wt *waiter, e entry) error {
	if err := w.begin(); err != nil {
		return err
	}
	if err := w.nameWorker(wt); err != nil {
		return err
	}
	l := lease{row: e.row, q: wt.q, due: e.due, deadline: w.now + wt.hide, started: w.now, worker: wt.worker}
	c := claim{row: e.row}
	was, err := w.claimCell(&l, &c, e)
	if err != nil || was == 0 {
		return err
	}
	w.move(wt.q.tally, was, cellRunning)
	if l.attempts == 1 && (e.root || !l.fresh) {
		if err := w.firstAttempt(e.row, wt.q); err != nil {
			return err
		}
	}
	p := w.leases.take(l)
	c.slot, c.token, c.attempt, c.spent, c.alone = p.slot, p.token, p.attempts, p.spent, p.alone
	wt.got = append(wt.got, c)
	return nil
}

// claimCell answers the state the cell was in, 0 if it could not be had.
func (w *writer) claimCell(l *lease, c *claim, e entry) (was int64, err error) {
	if e.fresh {
		n, err := w.conn.prep(claimFresh).int(1, w.now).orNull(2, l.worker).int(3, e.row).int(4, l.q.id).int(5, e.due).exec()
		if err != nil {
			return 0, err
		}
		if n == 1 {
			l.fresh, l.attempts = true, 1
			return cellQueued, nil
		}
	}
	s := w.conn.prep(claimKnown).int(1, w.now).orNull(2, l.worker).int(3, e.row).int(4, l.q.id).int(5, e.due)
	_, err = s.one(func() {
		was, l.attempts, l.spent, c.firstFailed, c.lastError = s.i64(0), s.i64(1), s.i64(2), s.i64(3), s.str(4)
		l.op, l.again, l.alone = s.i64(5), s.i64(6) == 1, s.i64(7) == 1
	})
	return was, err
}

// firstAttempt takes the row from accepted to in_progress.
func (w *writer) firstAttempt(row int64, q *queue) error {
	n, err := w.conn.prep("UPDATE rows SET status = 2, changed_at = ? WHERE seq = ? AND status = 1").int(1, w.now).int(2, row).exec()
	if n == 1 {
		w.count(q.rows, rowAccepted, -1)
		w.count(q.rows, rowInProgress, 1)
	}
	return err
}

func (w *writer) nameWorker(wt *waiter) (err error) {
	if wt.worker == 0 && wt.workerName != "" {
		wt.worker, err = w.name(nameWorker, 0, wt.workerName)
	}
	return err
}

// expireLeases takes back what was not settled in time.
func (w *writer) expireLeases() error {
	for len(w.leases.heap) > 0 && w.leases.heap[0].deadline <= w.now {
		if err := w.begin(); err != nil {
			return err
		}
		l := w.leases.heap[0]
		if err := w.lose(l, w.now); err != nil {
			return err
		}
		if !l.discarded {
			w.move(l.q.tally, cellRunning, cellQueued)
			w.push(l.q, entry{due: w.now, row: l.row})
		}
		w.leases.end(l)
	}
	return nil
}

const lostError = "the worker went away before the outcome was stored"

// lose keeps a running attempt as lost and queues the cell for due.
func (w *writer) lose(l *lease, due int64) error {
	if err := w.keepLost(l.row, l.q.id, l.attempts, l.started, l.worker); err != nil {
		return err
	}
	w.count(l.q.tally, countFailed, 1)
	if l.discarded {
		due = -due
	}
	return w.conn.prep(`UPDATE cells SET state = 1, spent = spent + 1, due_at = ?1, touched_at = ?2, last_error = ?3,
		first_failed_at = coalesce(first_failed_at, ?2) WHERE row = ?4 AND step = ?5`).
		int(1, due).int(2, w.now).text(3, lostError).int(4, l.row).int(5, l.q.id).run()
}

func (w *writer) keepLost(row, step, number, started, worker int64) error {
	return w.conn.prep(`INSERT OR REPLACE INTO attempts (row, step, number, started_at, duration, outcome, error, worker)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`).int(1, row).int(2, step).int(3, number).int(4, started).
		int(5, max(0, w.now-started)*1000).int(6, attemptLost).text(7, lostError).orNull(8, worker).run()
}
