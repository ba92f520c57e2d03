package sqlite

// claim leases a cell to a waiter: running, the attempt counted. An entry that
// is out of date is passed over.
func (w *writer) claim(wt *waiter, e entry) error {
	f, err := w.flow(e.row())
	if err != nil || f == nil || f.discarded() {
		return err
	}
	c := f.cell(wt.q.id)
	if c == nil || !c.open() || c.due != e.due {
		return nil
	}
	if err := w.nameWorker(wt); err != nil {
		return err
	}
	w.move(wt.q.tally, c.state, cellRunning)
	c.state, c.attempts, c.touched, c.started, c.worker = cellRunning, c.attempts+1, w.now, w.now, wt.worker
	w.change(f, changedCells)
	if f.status == rowAccepted {
		w.setStatus(f, rowInProgress)
	}
	l := w.leases.take(lease{row: f.row, q: wt.q, deadline: w.now + wt.hide})
	wt.got = append(wt.got, claim{row: f.row, slot: l.slot, token: l.token, attempt: c.attempts, spent: c.spent,
		firstFailed: c.firstFailed, lastError: c.lastError, alone: c.alone})
	return nil
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
		l := w.leases.heap[0]
		f, err := w.flow(l.row)
		if err != nil {
			return err
		}
		if f != nil {
			if err := w.takeBack(f, l.q); err != nil {
				return err
			}
		}
		w.leases.end(l)
	}
	return nil
}

// takeBack queues a running cell whose worker went away.
func (w *writer) takeBack(f *flow, q *queue) error {
	c := f.cell(q.id)
	if c == nil || c.state != cellRunning {
		return nil
	}
	if err := w.lose(f, c, q); err != nil {
		return err
	}
	if !f.discarded() {
		w.move(q.tally, cellRunning, cellQueued)
		q.push(newEntry(c.due, f.row, false))
	}
	return nil
}

const lostError = "the worker went away before the outcome was stored"

// lose keeps a running attempt as lost; its cell is due again now.
func (w *writer) lose(f *flow, c *cell, q *queue) error {
	err := w.insertAttempt(f.row, c, attempt{started: c.started, duration: max(0, w.now-c.started) * 1000,
		outcome: attemptLost, text: lostError, worker: c.worker})
	if err != nil {
		return err
	}
	w.count(q.tally, countFailed, 1)
	c.state, c.spent, c.due, c.touched, c.lastError = cellQueued, c.spent+1, w.now, w.now, lostError
	if c.firstFailed == 0 {
		c.firstFailed = w.now
	}
	w.change(f, changedCells)
	return nil
}
