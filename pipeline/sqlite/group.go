package sqlite

import "time"

// tries is how many jobs of a group that failed are run alone before the others
// are given up.
const tries = 3

// restAfterFailure keeps the writer from spinning while the disk is full.
const restAfterFailure = time.Second

const (
	groupJobs   = 512     // jobs in one transaction at most
	groupWeight = 1 << 10 // and items: rows, outcomes, points
	itemBytes   = 4 << 10 // so much payload weighs as much as an item
)

// gather adds the jobs that wait already.
func (w *writer) gather(group []*job) []*job {
	weight := 0
	for _, j := range group {
		weight += j.weight
	}
	for len(group) < groupJobs && weight < groupWeight {
		select {
		case j := <-w.db.jobs:
			group = append(group, j)
			weight += j.weight
		default:
			return group
		}
	}
	return group
}

// drain answers what was sent before the store was closed.
func (w *writer) drain(group []*job) {
	for {
		group = w.gather(group[:0])
		if len(group) == 0 {
			break
		}
		w.run(group)
	}
	for _, q := range w.queues {
		for _, wt := range q.waiters {
			wt.err = errClosed()
			close(wt.done)
		}
		q.waiters = nil
	}
}

// run commits a group with what is due by itself; if that fails, each of its
// jobs alone and then what is due.
func (w *writer) run(group []*job) {
	w.now = time.Now().UnixMilli()
	err := w.transact(group, w.now >= w.restUntil)
	if err == nil {
		for _, j := range group {
			j.done <- nil
		}
		return
	}
	if len(group) == 1 && !w.housekeeping() {
		group[0].done <- err
		return
	}
	failed := 0
	if failureOf(err) == failBusy {
		failed = tries // somebody else writes: waiting as long for each would not help
	}
	for _, j := range group {
		// When the disk is full there is no use in trying them all.
		if failed >= tries && !j.reads {
			j.done <- err
			continue
		}
		one := w.transact([]*job{j}, false)
		if f := failureOf(one); one != nil && f != failTooBig && f != failOther {
			failed++
		}
		j.done <- one
	}
	if err := w.reload(); err != nil || failed >= tries {
		w.restUntil = w.now + restAfterFailure.Milliseconds()
		return
	}
	if err := w.transact(nil, true); err != nil {
		w.db.log.Error("the store cannot hand out work", "error", err)
		w.restUntil = w.now + restAfterFailure.Milliseconds()
	}
}

// housekeeping tells whether something is due by itself.
func (w *writer) housekeeping() bool {
	next, ok := w.next()
	return ok && next <= w.now
}

// transact applies a group, gives waiting receivers what became ready, and
// commits. After an error nothing of it happened, in memory neither.
func (w *writer) transact(group []*job, due bool) error {
	err := w.reload()
	if err == nil && w.full {
		due, err = w.makeRoom(group, due)
	}
	if err == nil {
		err = w.apply(group, due)
	}
	if err == nil {
		err = w.commit()
	}
	if err != nil {
		w.full = w.full || failureOf(err) == failFull
		w.rollback()
		return err
	}
	w.leases.commit()
	w.flows.commit()
	w.popped = w.popped[:0]
	for _, wt := range w.served {
		close(wt.done)
	}
	clear(w.served)
	w.served = w.served[:0]
	w.boundLog()
	return nil
}

func (w *writer) apply(group []*job, due bool) error {
	if due {
		if err := w.expireLeases(); err != nil {
			return err
		}
	}
	for _, j := range group {
		if !j.reads {
			if err := w.begin(); err != nil {
				return err
			}
		}
		if err := j.apply(w); err != nil {
			return err
		}
	}
	if !due {
		return nil
	}
	return w.serve()
}

// begin opens the transaction before the group's first write.
func (w *writer) begin() error {
	if w.conn.inTransaction() {
		return nil
	}
	return w.conn.prep("BEGIN IMMEDIATE").run()
}

func (w *writer) commit() error {
	if err := w.storeFlows(); err != nil {
		return err
	}
	if !w.conn.inTransaction() {
		return nil
	}
	if err := w.storeTallies(); err != nil {
		return err
	}
	if err := w.storeCauses(); err != nil {
		return err
	}
	if err := w.storeProgress(); err != nil {
		return err
	}
	return w.conn.prep("COMMIT").run()
}

// rollback undoes the running group, on disk and in memory. What memory holds
// is read again; only leases and queues, which are nowhere else, are undone one
// by one.
func (w *writer) rollback() {
	if w.conn.inTransaction() {
		if err := w.conn.prep("ROLLBACK").run(); err != nil {
			w.db.log.Error("the store cannot roll back", "error", err)
		}
	}
	w.leases.undo()
	w.flows.clear()
	for _, p := range w.popped {
		p.q.push(p.e)
	}
	w.popped = w.popped[:0]
	for _, wt := range w.served {
		wt.got, wt.worker = wt.got[:0], 0
		if wt.q != nil {
			wt.q.waiters = append(wt.q.waiters, wt)
		}
	}
	clear(w.served)
	w.served = w.served[:0]
	w.progress = w.progress[:0]
	w.db.payloads.clear()
	w.stale = true
}

// reload reads what a rollback made uncertain. Until that works nothing is
// written.
func (w *writer) reload() error {
	if !w.stale {
		return nil
	}
	err := w.load()
	w.stale = err != nil
	return err
}
