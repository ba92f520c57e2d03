package sqlite

import (
	"context"
	"time"
)

// tries is how many jobs of a group that failed are run alone before the others
// are given up.
const tries = 3

// restAfterFailure keeps the writer from spinning while the disk is full.
const restAfterFailure = time.Second

const (
	groupJobs   = 512     // jobs in one transaction at most
	groupWeight = 4 << 20 // bytes and items, see weigh
	itemWeight  = 1 << 10
)

// job is one call's work for the writer.
type job struct {
	apply  func(*writer) error // in the group's transaction; an error is a failure of SQLite or a refusal of the whole call
	reads  bool                // apply changes nothing on disk
	weight int
	done   chan error // has room for the answer
}

// writer is the goroutine that changes things. Everything in here is its own.
type writer struct {
	db   *DB
	conn *conn
	now  int64 // of the running group

	leases   leases
	queues   map[int64]*queue
	tallies  map[int64]*tally
	causes   map[int64]*cause
	causeIDs map[string]int64

	dirtyTallies []*tally
	dirtyCauses  []*cause
	progress     []progress
	served       []*waiter // by the running group

	seqs      sequence
	letter    int64 // last letter's id
	stale     bool  // memory must be read again before it is used
	restUntil int64 // after a failure that no caller caused
	cells     []cellRow
}

// do hands apply to the writer and waits for the commit. A caller whose context
// ends leaves without the answer; what it asked for may still be done.
func (db *DB) do(ctx context.Context, items int, reads bool, apply func(*writer) error) error {
	j := &job{apply: apply, reads: reads, weight: items * itemWeight, done: make(chan error, 1)}
	if err := db.send(ctx, j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return db.unavailable(err)
	case <-ctx.Done():
		return ctx.Err()
	case <-db.stopped:
		select {
		case err := <-j.done:
			return db.unavailable(err)
		default:
			return errClosed()
		}
	}
}

func (db *DB) send(ctx context.Context, j *job) error {
	if db.readOnly {
		return unavailablef(db.path+" was opened for reading", nil)
	}
	if err := db.usable(ctx); err != nil {
		return err
	}
	select {
	case db.jobs <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-db.closing:
		return errClosed()
	}
}

// loop runs until the store is closed and all jobs are answered.
func (w *writer) loop() {
	defer close(w.db.stopped)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var group []*job
	for {
		timer.Stop()
		if next, ok := w.next(); ok {
			timer.Reset(max(0, time.Until(time.UnixMilli(next))))
		}
		select {
		case j := <-w.db.jobs:
			group = append(group[:0], j)
		case <-timer.C:
			group = group[:0]
		case <-w.db.closing:
			w.drain(group[:0])
			return
		}
		group = w.gather(group)
		w.run(group)
		clear(group)
	}
}

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
	if err == nil {
		err = w.apply(group, due)
	}
	if err == nil {
		err = w.commit()
	}
	if err != nil {
		w.rollback()
		return err
	}
	w.leases.commit()
	for _, wt := range w.served {
		close(wt.done)
	}
	clear(w.served)
	w.served = w.served[:0]
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
// is read again; only leases, which are nowhere else, are undone one by one.
func (w *writer) rollback() {
	if w.conn.inTransaction() {
		if err := w.conn.prep("ROLLBACK").run(); err != nil {
			w.db.log.Error("the store cannot roll back", "error", err)
		}
	}
	w.leases.undo()
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

// next answers when something is due by itself.
func (w *writer) next() (at int64, ok bool) {
	if len(w.leases.heap) > 0 {
		at, ok = w.leases.heap[0].deadline, true
	}
	for _, q := range w.queues {
		if len(q.waiters) > 0 && len(q.window) > 0 && (!ok || q.window[0].due < at) {
			at, ok = q.window[0].due, true
		}
		if len(q.waiters) > 0 && (q.waiters[0].once || len(q.window) == 0 && !q.complete) {
			at, ok = w.now, true
		}
	}
	return max(at, w.restUntil), ok
}
