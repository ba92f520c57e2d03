package pipelinetest

import (
	"context"
	"sync"
	"time"

	"redrive/pipeline"
)

// Fault makes one call of a backend fail: before it reaches the store, or after
// the store has done it, when the answer gets lost on the way back.
type Fault struct {
	Method string // "Work.Settle"; empty: any
	Nth    int    // which call of it fails, from 1
	Lost   bool   // the store does it, the caller gets the error
	Dead   bool   // every later call of any method fails too: the process is gone
	Err    error  // nil: an Error with CodeUnavailable

	mu    sync.Mutex
	calls int
	down  bool
}

// Faulty wraps every port of b with a fault.
func Faulty(b pipeline.Backend, f *Fault) pipeline.Backend {
	out := b
	out.Rows, out.Work = faultyRows{b.Rows, f}, faultyWork{b.Work, f}
	out.Moves, out.Letters = faultyMoves{b.Moves, f}, faultyLetters{b.Letters, f}
	out.Metrics, out.Records = faultyMetrics{b.Metrics, f}, faultyRecords{b.Records, f}
	out.Audit = faultyAudit{b.Audit, f}
	out.Ready = func(ctx context.Context) error {
		return through1(f, "Ready", func() error { return b.Ready(ctx) })
	}
	return out
}

// Cut puts the store out of reach of whoever uses it through this fault, or
// within reach again. What is under way is done and its answer lost.
func (f *Fault) Cut(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *Fault) isDown() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down
}

// Hit tells whether the fault has happened.
func (f *Fault) Hit() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls >= f.Nth
}

// hits tells whether this call fails, and whether the store does it all the same.
func (f *Fault) hits(method string) (fails, reaches bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down || f.Dead && f.calls >= f.Nth {
		return true, false
	}
	if f.Method != "" && f.Method != method {
		return false, true
	}
	f.calls++
	return f.calls == f.Nth, f.Lost
}

func (f *Fault) err(method string) error {
	if f.Err != nil {
		return f.Err
	}
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: method + " was made to fail"}
}

func through[T any](f *Fault, method string, call func() (T, error)) (T, error) {
	fails, reaches := f.hits(method)
	var none T
	if !fails {
		v, err := call()
		if f.isDown() {
			return none, f.err(method)
		}
		return v, err
	}
	if reaches {
		if _, err := call(); err != nil {
			return none, err
		}
	}
	return none, f.err(method)
}

func through1(f *Fault, method string, call func() error) error {
	_, err := through(f, method, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

type faultyRows struct {
	pipeline.RowStore
	f *Fault
}

func (p faultyRows) Insert(ctx context.Context, rows ...pipeline.NewRow) ([]pipeline.Inserted, error) {
	return through(p.f, "Rows.Insert", func() ([]pipeline.Inserted, error) { return p.RowStore.Insert(ctx, rows...) })
}

func (p faultyRows) Get(ctx context.Context, id string) (pipeline.RowDetail, error) {
	return through(p.f, "Rows.Get", func() (pipeline.RowDetail, error) { return p.RowStore.Get(ctx, id) })
}

func (p faultyRows) List(ctx context.Context, f pipeline.RowFilter) (pipeline.Page[pipeline.Row], error) {
	return through(p.f, "Rows.List", func() (pipeline.Page[pipeline.Row], error) { return p.RowStore.List(ctx, f) })
}

func (p faultyRows) Unfinished(ctx context.Context, name string, before time.Time, cursor string, limit int) (pipeline.Page[pipeline.Row], error) {
	return through(p.f, "Rows.Unfinished", func() (pipeline.Page[pipeline.Row], error) {
		return p.RowStore.Unfinished(ctx, name, before, cursor, limit)
	})
}

func (p faultyRows) Expire(ctx context.Context, name string, before time.Time, limit int) (int, error) {
	return through(p.f, "Rows.Expire", func() (int, error) { return p.RowStore.Expire(ctx, name, before, limit) })
}

type faultyWork struct {
	pipeline.Work
	f *Fault
}

func (p faultyWork) Receive(ctx context.Context, q pipeline.ReceiveRequest) ([]pipeline.Delivery, error) {
	return through(p.f, "Work.Receive", func() ([]pipeline.Delivery, error) { return p.Work.Receive(ctx, q) })
}

func (p faultyWork) Extend(ctx context.Context, hide time.Duration, ds ...pipeline.Delivery) ([]error, error) {
	return through(p.f, "Work.Extend", func() ([]error, error) { return p.Work.Extend(ctx, hide, ds...) })
}

func (p faultyWork) Settle(ctx context.Context, outcomes ...pipeline.Outcome) ([]error, error) {
	return through(p.f, "Work.Settle", func() ([]error, error) { return p.Work.Settle(ctx, outcomes...) })
}

type faultyMoves struct {
	pipeline.Moves
	f *Fault
}

func (p faultyMoves) Requeue(ctx context.Context, entry *pipeline.Entry, moves ...pipeline.Move) ([]error, error) {
	return through(p.f, "Moves.Requeue", func() ([]error, error) { return p.Moves.Requeue(ctx, entry, moves...) })
}

func (p faultyMoves) Discard(ctx context.Context, entry *pipeline.Entry, operation, reason string, rows ...string) ([]error, error) {
	return through(p.f, "Moves.Discard", func() ([]error, error) { return p.Moves.Discard(ctx, entry, operation, reason, rows...) })
}

func (p faultyMoves) Restore(ctx context.Context, entry *pipeline.Entry, operation string, rows ...string) ([]error, error) {
	return through(p.f, "Moves.Restore", func() ([]error, error) { return p.Moves.Restore(ctx, entry, operation, rows...) })
}

func (p faultyMoves) Discarded(ctx context.Context, operation, cursor string, limit int) (pipeline.Page[string], error) {
	return through(p.f, "Moves.Discarded", func() (pipeline.Page[string], error) { return p.Moves.Discarded(ctx, operation, cursor, limit) })
}

func (p faultyMoves) Progress(ctx context.Context, operation string) (pipeline.Progress, error) {
	return through(p.f, "Moves.Progress", func() (pipeline.Progress, error) { return p.Moves.Progress(ctx, operation) })
}
