package aws

import (
	"context"
	"sync"
	"time"
)

// batchMost is how many entries one batch request of SQS takes.
const batchMost = 10

// batcher gathers what many callers ask for at about the same time into
// requests of up to ten, each of which costs as much as one alone.
type batcher[T any] struct {
	linger time.Duration // how long the first of a batch waits for others
	flush  func(ctx context.Context, entries []T) []error
	life   context.Context // of requests; outlives their callers
	all    *underWay

	mu      sync.Mutex
	waiting []waiting[T]
	timer   *time.Timer
}

type waiting[T any] struct {
	entry T
	done  chan error
	cause purpose // what it is spent on; the first of a batch says it for all
}

func newBatcher[T any](life context.Context, all *underWay, linger time.Duration, flush func(context.Context, []T) []error) *batcher[T] {
	return &batcher[T]{linger: linger, flush: flush, life: life, all: all}
}

// do answers for each entry, in order, once its request is answered.
func (b *batcher[T]) do(ctx context.Context, entries ...T) []error {
	calls := b.add(purposeOf(ctx), entries)
	errs := make([]error, len(calls))
	for i, c := range calls {
		select {
		case errs[i] = <-c.done:
		case <-ctx.Done():
			errs[i] = ctx.Err()
		}
	}
	return errs
}

// later leaves entries to a request soon; nobody waits for the answer.
func (b *batcher[T]) later(entries ...T) { b.add(purposeOf(b.life), entries) }

func (b *batcher[T]) add(cause purpose, entries []T) []waiting[T] {
	calls := make([]waiting[T], len(entries))
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, e := range entries {
		calls[i] = waiting[T]{entry: e, done: make(chan error, 1), cause: cause}
		b.waiting = append(b.waiting, calls[i])
		if len(b.waiting) == batchMost {
			b.send()
		}
	}
	if len(b.waiting) > 0 && b.timer == nil {
		b.timer = time.AfterFunc(b.linger, b.expire)
	}
	return calls
}

func (b *batcher[T]) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.send()
}

// send makes a request of what waits. The caller holds the lock.
func (b *batcher[T]) send() {
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	batch := b.waiting
	b.waiting = nil
	if len(batch) == 0 {
		return
	}
	b.all.Go(func() {
		entries := make([]T, len(batch))
		for i := range batch {
			entries[i] = batch[i].entry
		}
		for i, err := range b.flush(onBehalf(b.life, batch[0].cause), entries) {
			batch[i].done <- err
		}
	})
}
