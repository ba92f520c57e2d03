package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The names of leases; that of an operation is leaseOperation and its id.
const (
	kindLease      = "lease"
	leaseLeader    = "leader"
	leaseSweep     = "sweep"
	leaseOperation = "operation/"
)

// lease is the right to do something that one process at a time may do. What is
// done under it uses its context, which ends when the lease is lost.
type lease struct {
	name  string
	ctx   context.Context
	lose  context.CancelFunc
	taken time.Time
}

// leaseRecord is a lease as it is stored. A free one has no holder, or one that
// is gone: a holder's sign of life is the only renewal there is.
type leaseRecord struct {
	Holder  string `json:"holder"`
	For     string `json:"for,omitempty"` // the sweep that runs
	name    string
	version int64
	expires time.Time
}

func leaseOf(rec Record) (leaseRecord, error) {
	l := leaseRecord{name: rec.ID, version: rec.Version, expires: rec.ExpiresAt}
	return l, json.Unmarshal(rec.Data, &l)
}

// record is the lease as it would be written over the version that was read.
func (l leaseRecord) record() Record {
	data, _ := json.Marshal(l)
	return Record{Kind: kindLease, ID: l.name, Version: l.version, Data: data, ExpiresAt: l.expires}
}

// readLease returns a lease as it stands, a free one if there is none.
func (f *fleet) readLease(ctx context.Context, name string) (leaseRecord, error) {
	rec, err := f.e.backend.Records.Get(ctx, kindLease, name)
	if errors.Is(err, ErrNotFound) {
		return leaseRecord{name: name}, nil
	}
	if err != nil {
		return leaseRecord{}, fmt.Errorf("reading lease %s: %w", name, err)
	}
	return leaseOf(rec)
}

// free tells whether this process may take a lease.
func (f *fleet) free(ctx context.Context, l leaseRecord) (bool, error) {
	switch {
	case !f.proven() || f.holds(l.name):
		return false, nil
	case l.Holder == "" || l.Holder == f.id:
		return true, nil
	}
	return f.gone(ctx, l.Holder)
}

// take asks for a lease, to be used within ctx. It answers nil when another
// process has it.
func (f *fleet) take(ctx context.Context, name string) (*lease, error) {
	if !f.shared {
		return f.hold(ctx, name), nil
	}
	call, cancel := context.WithTimeout(ctx, storeFor)
	defer cancel()
	l, err := f.readLease(call, name)
	if err != nil {
		return nil, err
	}
	if free, err := f.free(call, l); err != nil || !free {
		return nil, err
	}
	l.Holder = f.id
	err = f.e.backend.Records.Put(call, nil, l.record())
	if errors.Is(err, ErrVersion) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("taking lease %s: %w", name, err)
	}
	return f.hold(ctx, name), nil
}

// hold notes a lease that is written with this process as its holder.
func (f *fleet) hold(ctx context.Context, name string) *lease {
	l := &lease{name: name, taken: time.Now()}
	l.ctx, l.lose = context.WithCancel(ctx)
	if f.shared {
		f.mu.Lock()
		f.held[name] = l
		f.mu.Unlock()
	}
	return l
}

// proven tells whether others can know that this process lives.
func (f *fleet) proven() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return time.Since(f.proof) < standDown
}

func (f *fleet) holds(name string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.held[name] != nil
}

// forget ends a lease here; what is stored is the caller's affair.
func (f *fleet) forget(l *lease) {
	l.lose()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held[l.name] == l {
		delete(f.held, l.name)
		delete(f.leases, l.name)
	}
}

// release gives a lease free for others, also while this process ends. If that
// cannot be written it is free once this process has gone.
func (f *fleet) release(ctx context.Context, l *lease) {
	f.forget(l)
	if !f.shared {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeFor)
	defer cancel()
	for {
		now, err := f.readLease(ctx, l.name)
		if err == nil && now.Holder == f.id {
			now.Holder, now.For = "", ""
			err = f.e.backend.Records.Put(ctx, nil, now.record())
		}
		if errors.Is(err, ErrVersion) {
			continue
		}
		f.logged(ctx, "giving a lease free", err)
		return
	}
}

// standDown lets go of everything: this process could not show that it lives,
// and others are about to take over.
func (f *fleet) standDown() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, l := range f.held {
		l.lose()
		delete(f.held, name)
	}
}

// look reads who holds what: a lease that another process has taken is lost
// here, news of others' work is told, and if nobody leads this process does.
func (f *fleet) look(ctx context.Context) error {
	began := time.Now()
	records, err := listAll(ctx, f.e.backend.Records, kindLease)
	if err != nil {
		return err
	}
	leases := make(map[string]leaseRecord, len(records))
	for _, rec := range records {
		l, err := leaseOf(rec)
		if err != nil {
			return fmt.Errorf("reading lease %s: %w", rec.ID, err)
		}
		leases[l.name] = l
	}
	f.mu.Lock()
	before := f.leases
	f.leases = leases
	for name, l := range f.held {
		if l.taken.Before(began) && leases[name].Holder != f.id {
			l.lose()
			delete(f.held, name)
		}
	}
	f.mu.Unlock()
	f.tell(before, leases)
	return f.lead(ctx)
}

// tell passes on what changed at a lease: somebody began or ended something,
// or steered an operation.
func (f *fleet) tell(before, after map[string]leaseRecord) {
	changed := func(name string) {
		switch id, operation := strings.CutPrefix(name, leaseOperation); {
		case operation:
			f.e.Operations.wake(id)
			f.e.Events.Touch(TopicOperations, TopicAudit)
		case name == leaseSweep:
			f.e.Events.Touch(TopicSweeps, TopicAudit)
		default:
			f.e.Events.Touch(TopicOverview)
		}
	}
	for name, l := range after {
		if before[name].version != l.version {
			changed(name)
		} else if name == leaseSweep && l.For != "" {
			f.e.Events.Touch(TopicSweeps) // it is at work
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			changed(name)
		}
	}
}

// open lists the operations that are not over, with their holders.
func (f *fleet) open() map[string]string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	list := map[string]string{}
	for name, l := range f.leases {
		if id, ok := strings.CutPrefix(name, leaseOperation); ok {
			list[id] = l.Holder
		}
	}
	return list
}

// lease answers a lease as it was last read.
func (f *fleet) lease(name string) leaseRecord {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.leases[name]
}
