package sqlite

import (
	"context"
	"time"

	"redrive/pipeline"
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

	audited      pipeline.Link // the end of the audit's chain, as it was last seen here
	dirtyTallies []*tally
	dirtyCauses  []*cause
	progress     []progress
	served       []*waiter // by the running group
	popped       []popped
	flows        flows

	seqs      sequence
	letter    int64 // last letter's id
	logLookAt int64 // when the log's size is looked at again
	stale     bool  // memory must be read again before it is used
	restUntil int64 // after a failure that no caller caused
	full      bool  // the disk was, at the last write
}

// popped is an entry the running group took out of a queue. If the group fails
// it goes back; an entry it put in stays, out of date.
type popped struct {
	q *queue
	e entry
}

func (w *writer) pop(q *queue) {
	e, _ := q.first()
	w.popped = append(w.popped, popped{q, e})
	q.pop()
}

// do hands apply to the writer and waits for the commit. A caller whose context
// ends leaves without the answer; what it asked for may still be done.
func (db *DB) do(ctx context.Context, items int, reads bool, apply func(*writer) error) error {
	j := &job{apply: apply, reads: reads, weight: items, done: make(chan error, 1)}
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

// next answers when something is due by itself.
func (w *writer) next() (at int64, ok bool) {
	if len(w.leases.heap) > 0 {
		at, ok = w.leases.heap[0].deadline, true
	}
	for _, q := range w.queues {
		if len(q.waiters) == 0 {
			continue
		}
		if e, some := q.first(); some && (!ok || e.due < at) {
			at, ok = e.due, true
		}
		if q.waiters[0].once {
			at, ok = w.now, true
		}
	}
	return max(at, w.restUntil), ok
}
