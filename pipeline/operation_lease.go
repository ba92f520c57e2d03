package pipeline

import (
	"context"
	"errors"
	"time"
)

// alone works on an operation while no other process does: under its lease,
// whose record also says that the operation is not over.
func (o *Operations) alone(ctx context.Context, run *operationRun) {
	held, err := o.e.fleet.take(ctx, leaseOperation+run.id)
	if err != nil {
		o.e.fleet.logged(ctx, "going on with an operation", err)
		return // tried again by takeOver
	}
	if held == nil {
		return
	}
	if o.work(held.ctx, run) {
		o.e.fleet.forget(held) // the lease went with the last state
		return
	}
	o.e.fleet.release(ctx, held)
}

// storedWithin is how long after its lease an operation may still be stored, with
// room for clocks that differ.
const storedWithin = time.Minute

// takeOver launches what nobody works on: its process is gone, or has let go.
func (o *Operations) takeOver(ctx context.Context) {
	for id, holder := range o.e.fleet.open() {
		o.mu.Lock()
		here := o.live[id] != nil
		o.mu.Unlock()
		if here || holder != "" && holder != o.e.fleet.id && o.e.fleet.present(holder) {
			continue
		}
		op, err := o.read(ctx, id)
		switch {
		case errors.Is(err, ErrNotFound) && time.Since(bornAt(id)) < storedWithin:
			continue // its lease is written first
		case errors.Is(err, ErrNotFound) || err == nil && op.State.Final():
			err = o.e.backend.Records.Put(ctx, nil, closed(id))
		case err == nil:
			o.launch(id)
		}
		o.e.fleet.logged(ctx, "taking over an operation", err)
	}
}

// opened is the lease of an operation that begins in this process.
func (o *Operations) opened(op *Operation) []Record {
	if !o.e.fleet.shared {
		return nil
	}
	l := leaseRecord{name: leaseOperation + op.ID, expires: op.expires()}
	o.mu.Lock()
	if !o.over && o.life != nil && o.life.Err() == nil {
		l.Holder = o.e.fleet.id
	}
	o.mu.Unlock()
	return []Record{l.record()}
}

// closed deletes the lease of an operation that is over.
func closed(id string) Record {
	return Record{Kind: kindLease, ID: leaseOperation + id, Version: AnyVersion}
}

// ended is what is written with a last state.
func (o *Operations) ended(op *Operation) []Record {
	if !o.e.fleet.shared {
		return nil
	}
	return []Record{closed(op.ID)}
}

// steered writes the lease again as it is: whoever works on the operation sees
// that within a second and looks at its state.
func (o *Operations) steered(ctx context.Context, op *Operation) ([]Record, error) {
	if !o.e.fleet.shared || op.State.Final() {
		return o.ended(op), nil
	}
	l, err := o.e.fleet.readLease(ctx, leaseOperation+op.ID)
	l.expires = op.expires()
	return []Record{l.record()}, err
}
