package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	beatEach  = 2 * time.Second // signs of life
	lookEach  = time.Second     // what others hold and do
	goneAfter = 8 * time.Second // of silence: others take over what a process held
	goneSure  = 3 * time.Second // without a record: a process that has just come may not be seen at once
	standDown = 6 * time.Second // without a sign of life stored, a process lets go itself
	joinFor   = 3 * time.Second // until every other process has seen a new one
	storeFor  = 5 * time.Second // one call of the store
)

// fleet is this process among those that run on the same store. Each stores a
// sign of life every two seconds; one that was not seen to do so for eight is
// gone, and what it held is free. Nobody compares clocks: silence is measured
// by the one who listens, and a process that cannot store its sign of life lets
// go two seconds before anybody may take over.
//
// On a store with one process nothing is stored and everything is this one's.
type fleet struct {
	e        *Engine
	id       string
	shared   bool
	started  time.Time
	stopping atomic.Bool
	fence    *time.Timer // goes off when this process must let go

	mu     sync.RWMutex
	proof  time.Time // when the last sign of life that was stored began
	others map[string]*sighting
	unseen map[string]time.Time // who holds something and has no record, and since when that is known
	looked time.Time            // when the others were last read
	joined time.Time            // before that, a shared rate waits
	leases map[string]leaseRecord
	held   map[string]*lease
}

func newFleet(e *Engine) *fleet {
	f := &fleet{e: e, id: NewID(), shared: e.backend.Shared, started: time.Now().UTC(), others: map[string]*sighting{}, unseen: map[string]time.Time{},
		leases: map[string]leaseRecord{}, held: map[string]*lease{}}
	return f
}

// enter makes this process known, reads who else there is, and shows signs of
// life until the function it answers takes it off the list again.
func (f *fleet) enter(ctx context.Context) (leave func(), err error) {
	if !f.shared {
		return func() {}, nil
	}
	f.fence = time.AfterFunc(standDown, f.standDown)
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	var beats sync.WaitGroup
	leave = func() {
		end()
		beats.Wait()
		f.fence.Stop()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeFor)
		defer cancel()
		f.logged(ctx, "leaving", f.e.backend.Records.Put(ctx, nil, Record{Kind: kindInstance, ID: f.id, Version: AnyVersion}))
	}
	if err = f.beat(ctx); err == nil {
		err = f.meet(ctx)
	}
	if err != nil {
		leave()
		return nil, fmt.Errorf("joining the other processes: %w", err)
	}
	beats.Go(func() { f.beats(alive, ctx.Done()) })
	return leave, nil
}

// meet looks around for the first time. A process that is not alone leaves
// shared rates alone until all others know of it.
func (f *fleet) meet(ctx context.Context) error {
	if err := f.see(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	f.joined = time.Now()
	if len(f.others) > 0 {
		f.joined = f.joined.Add(joinFor)
	}
	f.mu.Unlock()
	return f.look(ctx)
}

// beats shows signs of life; one more says that this process is stopping.
func (f *fleet) beats(ctx context.Context, stopping <-chan struct{}) {
	tick := time.NewTicker(beatEach)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-stopping:
			stopping = nil
			f.stopping.Store(true)
		case <-tick.C:
		}
		f.logged(ctx, "showing a sign of life", f.beat(ctx))
	}
}

// run looks at the others, and leads if nobody does.
func (f *fleet) run(ctx context.Context) error {
	if !f.shared {
		return nil
	}
	err := every(ctx, lookEach, func(ctx context.Context) {
		call, cancel := context.WithTimeout(ctx, storeFor)
		defer cancel()
		f.logged(ctx, "looking at other processes", errors.Join(f.see(call), f.look(call)))
	})
	f.resign(ctx)
	return err
}

func (f *fleet) logged(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		f.e.log.WarnContext(ctx, what, "error", err)
	}
}

// beat stores a sign of life. It is not cut off in the middle: none may arrive
// after this process has left.
func (f *fleet) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beatEach)
	defer cancel()
	began := time.Now()
	in := f.e.instance()
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	err = f.e.backend.Records.Put(ctx, nil, Record{Kind: kindInstance, ID: f.id, Version: AnyVersion, Data: data, ExpiresAt: in.SeenAt.Add(keepInstance)})
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.proof = began
	f.mu.Unlock()
	f.fence.Reset(standDown - time.Since(began))
	return nil
}
