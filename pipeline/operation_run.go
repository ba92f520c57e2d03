package pipeline

import (
	"context"
	"errors"
	"time"
)

const (
	operationSlice = 200                    // moves in one write
	operationLook  = 500 * time.Millisecond // how often outcomes and breakers are looked at
)

// run goes on with what an earlier process left, takes over what others leave,
// and waits for the end.
func (o *Operations) run(ctx context.Context) error {
	o.mu.Lock()
	o.life = ctx
	o.mu.Unlock()
	for err := o.relaunch(ctx); err != nil && ctx.Err() == nil; err = o.relaunch(ctx) {
		o.e.log.WarnContext(ctx, "going on with operations", "error", err)
		sleep(ctx, storeDownFor)
	}
	_ = every(ctx, lookEach, o.takeOver)
	o.mu.Lock() // a launch that saw the engine alive has begun by now
	o.over = true
	o.mu.Unlock()
	o.all.Wait()
	return nil
}

// relaunch goes on with every operation that is not over.
func (o *Operations) relaunch(ctx context.Context) error {
	for cursor := ""; ; {
		page, err := o.e.backend.Records.List(ctx, kindOperation, cursor, 100)
		if err != nil {
			return err
		}
		for _, rec := range page.Items {
			op, err := operationOf(rec)
			if err != nil {
				o.e.log.WarnContext(ctx, "reading an operation", "operation", rec.ID, "error", err)
				continue
			}
			if !op.State.Final() {
				o.launch(op.ID)
			}
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

// launch sets a stored operation to work, if no other process does. Without a
// running engine it begins when the next one runs.
func (o *Operations) launch(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over || o.life == nil || o.life.Err() != nil || o.live[id] != nil {
		return
	}
	run := &operationRun{id: id, wake: make(chan struct{}, 1), limits: newLimits(operationSlice, 0)}
	o.live[id] = run
	o.all.Go(func() {
		o.alone(o.life, run)
		o.mu.Lock()
		delete(o.live, run.id)
		o.mu.Unlock()
	})
}

// work moves slice after slice until nothing is left, then waits for the
// outcomes. Every step of it may be repeated after a crash: what was moved
// already is no longer a dead letter. It answers whether the operation is over.
func (o *Operations) work(ctx context.Context, run *operationRun) (over bool) {
	for ctx.Err() == nil {
		op, err := o.read(ctx, run.id)
		if err == nil && op.State.Final() {
			return true
		}
		if err == nil {
			err = o.advance(ctx, run, &op)
		}
		if err != nil && !errors.Is(err, ErrVersion) && ctx.Err() == nil {
			o.e.log.WarnContext(ctx, "operation", "operation", run.id, "error", err)
			sleep(ctx, storeDownFor)
		}
	}
	return false
}

func (o *Operations) advance(ctx context.Context, run *operationRun, op *Operation) error {
	switch {
	case op.State == OpPaused:
		pause(ctx, time.Minute, run.wake)
		return nil
	case op.MovedAll:
		return o.finish(ctx, run, op)
	}
	run.limits.set(operationSlice, op.Rate, false)
	n, wait, _ := run.limits.take(operationSlice)
	if n == 0 {
		pause(ctx, wait, run.wake)
		return nil
	}
	defer func() {
		for range n {
			run.limits.done()
		}
	}()
	src := o.source(op)
	held, err := src.held(ctx, op)
	if err != nil {
		return err
	}
	if held != "" || op.State == OpHeld {
		return o.hold(ctx, run, op, held)
	}
	if err := src.move(ctx, op, n); err != nil {
		return err
	}
	o.e.Events.Touch(TopicOperations, TopicOverview, TopicRows, TopicLetters, TopicSteps)
	return o.keep(ctx, op)
}

// keep stores how far an operation has come. If an operator paused or cancelled
// it meanwhile, that stands, and what was moved is counted all the same.
func (o *Operations) keep(ctx context.Context, op *Operation) error {
	for {
		err := o.save(ctx, op, nil)
		if !errors.Is(err, ErrVersion) || ctx.Err() != nil {
			return err
		}
		now, err := o.read(ctx, op.ID)
		if err != nil {
			return err
		}
		now.Moved, now.Cursor, now.MovedAll = op.Moved, op.Cursor, op.MovedAll
		*op = now
	}
}

// hold waits while the breaker in front of what is to be moved is open: moving
// it would only fill a queue that nobody may work off.
func (o *Operations) hold(ctx context.Context, run *operationRun, op *Operation, by string) error {
	state := OpHeld
	if by == "" {
		state = OpRunning
	}
	if op.State != state || op.HeldBy != by {
		op.State, op.HeldBy = state, by
		if err := o.save(ctx, op, nil); err != nil {
			return err
		}
		o.e.Events.Touch(TopicOperations)
	}
	if by != "" {
		pause(ctx, operationLook, run.wake)
	}
	return nil
}

// finish waits until the outcome of everything that was moved is known.
func (o *Operations) finish(ctx context.Context, run *operationRun, op *Operation) error {
	if err := o.progress(ctx, op); err != nil {
		return err
	}
	if op.Pending() > 0 {
		o.e.Events.Touch(TopicOperations)
		pause(ctx, operationLook, run.wake)
		return nil
	}
	if op.Kind == OpRedrive {
		op.skip("gone meanwhile: replayed, redriven or discarded by somebody else", op.Matched-op.skipped()-op.Moved)
	}
	op.State, op.FinishedAt = OpDone, time.Now().UTC()
	o.e.Events.Touch(TopicOperations)
	return o.save(ctx, op, nil, o.ended(op)...)
}
