package sqlite

import (
	"context"
	"slices"
	"time"

	"redrive/pipeline"
)

// waiter is a caller of Receive. The writer closes done when it has work for
// it; until then it may be dropped.
type waiter struct {
	pipe, step string
	q          *queue
	n          int
	hide       int64
	once       bool // does not wait
	workerName string
	worker     int64
	got        []claim
	err        error
	done       chan struct{}
}

// claim is a cell given to a waiter.
type claim struct {
	row, slot, token int64
	attempt, spent   int64
	firstFailed      int64
	lastError        string
	alone            bool
}

func (db *DB) receive(ctx context.Context, r pipeline.ReceiveRequest) ([]pipeline.Delivery, error) {
	if err := db.usable(ctx); err != nil || r.N <= 0 {
		return nil, err
	}
	wt := &waiter{pipe: r.Pipeline, step: r.Step, n: r.N, hide: max(r.Hide.Milliseconds(), 1),
		once: r.Wait <= 0, workerName: r.Worker, done: make(chan struct{})}
	if err := db.do(ctx, 1, true, wt.join); err != nil {
		if ctx.Err() != nil {
			db.dropLater(wt)
		}
		return nil, err
	}
	if err := db.wait(ctx, wt, r.Wait); err != nil {
		return nil, err
	}
	if wt.err != nil {
		return nil, wt.err
	}
	if len(wt.got) == 0 {
		return nil, nil
	}
	return db.deliver(ctx, r, wt)
}

// wait returns when the waiter has work or the time is over.
func (db *DB) wait(ctx context.Context, wt *waiter, d time.Duration) error {
	select {
	case <-wt.done:
		return nil
	default:
	}
	var over <-chan time.Time
	if !wt.once { // else the writer answers at once
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-wt.done:
		return nil
	case <-ctx.Done():
		db.dropLater(wt)
		return ctx.Err()
	case <-over:
	}
	// The writer may be giving it work right now: only the writer can tell.
	if err := db.do(ctx, 1, true, func(w *writer) error { wt.leave(); return nil }); err != nil {
		db.dropLater(wt)
		return err
	}
	return nil
}

// dropLater gives back what a caller that is gone was given or will be.
func (db *DB) dropLater(wt *waiter) {
	go func() {
		_ = db.do(context.Background(), 1, false, func(w *writer) error {
			wt.leave()
			for _, c := range wt.got {
				l := w.leases.find(pipeline.Receipt{Key: c.row, Slot: c.slot, Token: c.token})
				if l == nil {
					continue
				}
				if err := w.settle(l, &pipeline.Outcome{Verdict: pipeline.Release}); err != nil {
					return err
				}
			}
			return nil
		})
	}()
}

func (db *DB) deliver(ctx context.Context, r pipeline.ReceiveRequest, wt *waiter) ([]pipeline.Delivery, error) {
	list, err := db.contentsOf(ctx, wt.got)
	if err != nil {
		db.dropLater(wt)
		return nil, err
	}
	ds := make([]pipeline.Delivery, len(wt.got))
	for i, c := range wt.got {
		ds[i] = pipeline.Delivery{
			Row: formatID(c.row), Pipeline: r.Pipeline, Graph: list[i].graph, Step: r.Step,
			Attempt: int(c.attempt), Spent: int(c.spent), FirstFailedAt: fromMillis(c.firstFailed), LastError: c.lastError,
			Alone: c.alone, CreatedAt: idTime(c.row), ContentType: list[i].contentType, Trace: list[i].trace,
			Payload: list[i].body, Receipt: pipeline.Receipt{Key: c.row, Token: c.token, Slot: c.slot},
		}
	}
	return ds, nil
}

// join puts the waiter into its queue. It is served with the group.
func (wt *waiter) join(w *writer) error {
	n := w.db.names.Load()
	step, ok := n.stepID(wt.pipe, wt.step)
	if !ok {
		// Nothing was ever queued there. A waiter must be found when something is.
		if wt.once {
			w.served = append(w.served, wt)
			return nil
		}
		pipe, err := w.name(namePipeline, 0, wt.pipe)
		if err != nil {
			return err
		}
		if step, err = w.name(nameStep, pipe, wt.step); err != nil {
			return err
		}
	}
	wt.q = w.queue(step)
	if !slices.Contains(wt.q.waiters, wt) { // the job may run twice
		wt.q.waiters = append(wt.q.waiters, wt)
	}
	return nil
}

// leave takes the waiter out of its queue if it still is there.
func (wt *waiter) leave() {
	if wt.q == nil {
		return
	}
	if i := slices.Index(wt.q.waiters, wt); i >= 0 {
		wt.q.waiters = slices.Delete(wt.q.waiters, i, i+1)
	}
}

// serve gives ready cells to waiters, first come first served.
func (w *writer) serve() error {
	for _, q := range w.queues {
		for len(q.waiters) > 0 {
			wt := q.waiters[0]
			if err := w.fill(wt); err != nil {
				return err
			}
			if len(wt.got) == 0 {
				break
			}
			q.waiters = slices.Delete(q.waiters, 0, 1)
			w.served = append(w.served, wt)
		}
		w.dropOnce(q)
	}
	return nil
}

// dropOnce lets those go who do not wait.
func (w *writer) dropOnce(q *queue) {
	q.waiters = slices.DeleteFunc(q.waiters, func(wt *waiter) bool {
		if wt.once {
			w.served = append(w.served, wt)
		}
		return wt.once
	})
}

func (w *writer) fill(wt *waiter) error {
	for len(wt.got) < wt.n {
		e, ok := wt.q.first()
		if !ok || e.due > w.now {
			return nil
		}
		w.pop(wt.q)
		if err := w.claim(wt, e); err != nil {
			return err
		}
	}
	return nil
}
