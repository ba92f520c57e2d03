package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	kindOperation     = "operation"
	operationRateMost = 1e6
	idsMost           = 10000
	keepOperations    = 90 * 24 * time.Hour
)

// Operations are redrives, discards, replays and restores over many rows. Each
// is stored, shows its progress, and goes on after a crash.
type Operations struct {
	e *Engine

	mu   sync.Mutex
	live map[string]*operationRun // those at work in this process
	all  sync.WaitGroup
	life context.Context // of Run
	over bool            // Run waits for what has begun; nothing begins any more
}

// operationRun is an operation at work; a change of its state wakes it.
type operationRun struct {
	id     string
	wake   chan struct{}
	limits *limits
}

func newOperations(e *Engine) *Operations {
	return &Operations{e: e, live: map[string]*operationRun{}}
}

// Start freezes what the request matches, stores the operation and begins. A
// dry run only counts and is kept nowhere: its ID is empty.
func (o *Operations) Start(ctx context.Context, req OperationRequest) (op Operation, err error) {
	entry := NewEntry(ctx, string(req.Kind)+".start", "redrives", req.Reason, map[string]any{"selector": req.Selector, "rate_per_second": req.Rate})
	if !req.DryRun {
		defer o.e.Audit.failed(ctx, entry, &err)
	}
	if err := o.validate(req); err != nil {
		return Operation{}, err
	}
	op = Operation{Kind: req.Kind, State: OpRunning, Selector: req.Selector, Rate: req.Rate, By: ActorFrom(ctx).Name, Reason: req.Reason,
		StartedAt: time.Now().UTC().Truncate(time.Millisecond), Skipped: []Skip{}}
	src := o.source(&op)
	if err := freeze(ctx, src, &op, req); err != nil {
		return Operation{}, err
	}
	if op.HeldBy, err = src.held(ctx, &op); err != nil {
		return Operation{}, err
	}
	if op.HeldBy != "" {
		op.State = OpHeld
	}
	if req.DryRun {
		op.State = OpDone
		return op, nil
	}
	op.ID = NewID()
	entry.Object = pathOf(op)
	entry.with(map[string]any{"selector": op.Selector, "matched": op.Matched, "eligible": op.Eligible, "rate_per_second": op.Rate, "state": op.State})
	if err := o.save(ctx, &op, entry, o.opened(&op)...); err != nil {
		return Operation{}, err
	}
	o.e.Events.Touch(TopicOperations, TopicAudit)
	o.launch(op.ID)
	return op, nil
}

// freeze counts what an operation is about, and holds it against the preview if
// there was one.
func freeze(ctx context.Context, src source, op *Operation, req OperationRequest) error {
	if req.Previewed == "" {
		err := src.freeze(ctx, op)
		op.preview = op.previewed(req.Selector).String()
		return err
	}
	was, err := readPreview(req.Previewed)
	if err != nil {
		return err
	}
	was.bound(op)
	if err := src.freeze(ctx, op); err != nil {
		return err
	}
	op.preview = req.Previewed
	return was.holds(op, req.Selector)
}

func pathOf(op Operation) string { return "redrives/" + op.ID }

func (o *Operations) validate(req OperationRequest) error {
	switch {
	case o.e.pipeline(req.Pipeline) == nil && req.Pipeline == "":
		return invalid("pipeline", "say which pipeline")
	case o.e.pipeline(req.Pipeline) == nil:
		return notFound("there is no pipeline named " + req.Pipeline)
	case req.Step != "" && o.e.worker(req.Pipeline, req.Step) == nil && !o.knows(req.Pipeline, req.Step):
		return invalid("step", fmt.Sprintf("pipeline %s has no step %s", req.Pipeline, req.Step))
	case req.Rate < 0 || req.Rate > operationRateMost || req.Rate != req.Rate:
		return invalid("rate_per_second", "rate_per_second is a number from 0, no limit, to a million")
	case !req.DryRun && strings.TrimSpace(req.Reason) == "":
		return invalid("reason", "say why: it needs a reason")
	case len(req.IDs) > idsMost:
		return invalid("ids", fmt.Sprintf("at most %d ids at once; choose by group, q or all instead", idsMost))
	}
	return req.selectorError()
}

func (o *Operations) knows(pipeline, step string) bool {
	_, gone := o.e.Steps.gone(pipeline, step)
	return gone
}

func (req OperationRequest) selectorError() error {
	chosen := 0
	for _, set := range []bool{req.IDs != nil, req.Group != "", req.Query != "", req.All, req.OlderThan > 0, req.Oldest > 0} {
		if set {
			chosen++
		}
	}
	waiting := req.OlderThan > 0 || req.Oldest > 0
	if err := searchable(req.Query); err != nil {
		return err
	}
	switch {
	case req.OlderThan < 0 || req.Oldest < 0:
		return invalid("older_than", "older_than and oldest are above 0")
	case req.Kind == OpRestore && req.Discard == "":
		return invalid("discard", "say which discard to take back")
	case req.Kind == OpRestore || req.Kind == OpReplay && chosen == 0:
		return req.windowError()
	case req.Kind == OpReplay:
		return invalid("all", "a replay is chosen by since, until, status and step")
	case chosen != 1:
		return invalid("ids", "choose exactly one of ids, group, q, all")
	case req.IDs != nil && len(req.IDs) == 0:
		return invalid("ids", "ids is empty; name at least one dead letter")
	case waiting && req.Kind != OpDiscard:
		return invalid("older_than", "older_than and oldest only select rows to discard")
	case waiting && req.Step == "":
		return invalid("step", "say at which step the rows wait")
	}
	return nil
}

func (req OperationRequest) windowError() error {
	if !req.Until.IsZero() && !req.Since.IsZero() && !req.Until.After(req.Since) {
		return invalid("until", "until must be after since")
	}
	return nil
}

func (o *Operations) save(ctx context.Context, op *Operation, entry *Entry, also ...Record) error {
	data, err := json.Marshal(op)
	if err != nil {
		return err
	}
	rec := Record{Kind: kindOperation, ID: op.ID, Version: op.version, Data: data, ExpiresAt: op.expires()}
	if err := o.e.backend.Records.Put(ctx, entry, append(also, rec)...); err != nil {
		return fmt.Errorf("storing operation %s: %w", op.ID, err)
	}
	op.version++
	return nil
}

// read returns the stored operation as it is.
func (o *Operations) read(ctx context.Context, id string) (Operation, error) {
	rec, err := o.e.backend.Records.Get(ctx, kindOperation, id)
	if errors.Is(err, ErrNotFound) {
		return Operation{}, notFound("there is no operation " + id)
	}
	if err != nil {
		return Operation{}, err
	}
	return operationOf(rec)
}

func operationOf(rec Record) (Operation, error) {
	var op Operation
	err := json.Unmarshal(rec.Data, &op)
	op.version = rec.Version
	return op, err
}

// Get returns an operation with its progress, or ErrNotFound.
func (o *Operations) Get(ctx context.Context, id string) (Operation, error) {
	op, err := o.read(ctx, id)
	if err != nil {
		return op, err
	}
	return op, o.progress(ctx, &op)
}

// progress adds what became of the moved rows; it is counted with the rows.
func (o *Operations) progress(ctx context.Context, op *Operation) error {
	if op.Kind == OpRestore {
		op.Succeeded = op.Moved
		return nil
	}
	p, err := o.e.backend.Moves.Progress(ctx, op.ID)
	op.Moved, op.Succeeded, op.FailedAgain = p.Moved, p.Succeeded, p.FailedAgain
	if op.Kind == OpDiscard {
		op.Succeeded = op.Moved
	}
	return err
}

// List returns operations of a kind, or all with an empty one, newest first.
func (o *Operations) List(ctx context.Context, kind OperationKind, cursor string, limit int) (Page[Operation], error) {
	list := Page[Operation]{Items: []Operation{}, Next: cursor}
	if err := knownCursor(cursor); err != nil {
		return list, err
	}
	limit = cmp.Or(limit, 50)
	for {
		page, err := o.e.backend.Records.List(ctx, kindOperation, list.Next, limit-len(list.Items))
		if err != nil {
			return list, err
		}
		for _, rec := range page.Items {
			op, err := operationOf(rec)
			if err == nil && (kind == "" || op.Kind == kind) {
				err = o.progress(ctx, &op)
				list.Items = append(list.Items, op)
			}
			if err != nil {
				return list, err
			}
		}
		if list.Next = page.Next; list.Next == "" || len(list.Items) >= limit {
			return list, nil
		}
	}
}

// Cancel ends an operation; what it moved stays moved.
func (o *Operations) Cancel(ctx context.Context, id, reason string) (Operation, error) {
	return o.steer(ctx, id, "cancel", reason, nil, func(op *Operation) error {
		if op.State.Final() {
			return conflict("it is " + string(op.State) + " already")
		}
		op.State, op.HeldBy, op.FinishedAt = OpCancelled, "", time.Now().UTC()
		return nil
	})
}

// Pause holds an operation where it is.
func (o *Operations) Pause(ctx context.Context, id, reason string) (Operation, error) {
	return o.steer(ctx, id, "pause", reason, nil, func(op *Operation) error {
		if op.State != OpRunning && op.State != OpHeld {
			return conflict("it is " + string(op.State) + " and cannot be paused")
		}
		op.State, op.HeldBy = OpPaused, ""
		return nil
	})
}

// Resume goes on with a paused or stopped-by-nobody operation, at a new rate if
// one is given; the rate of a running one is changed.
func (o *Operations) Resume(ctx context.Context, id string, rate *float64, reason string) (Operation, error) {
	if rate != nil && (*rate < 0 || *rate > operationRateMost || *rate != *rate) {
		return Operation{}, invalid("rate_per_second", "rate_per_second is a number from 0, no limit, to a million")
	}
	op, err := o.steer(ctx, id, "resume", reason, rate, func(op *Operation) error {
		if op.State.Final() {
			return conflict("it is " + string(op.State) + " already")
		}
		if op.State == OpRunning && rate == nil {
			return conflict("it is running already")
		}
		op.State = OpRunning
		if rate != nil {
			op.Rate = *rate
		}
		return nil
	})
	if err == nil {
		o.launch(op.ID)
	}
	return op, err
}

// steer changes a stored operation under an operator's hand.
func (o *Operations) steer(ctx context.Context, id, verb, reason string, rate *float64, change func(*Operation) error) (op Operation, err error) {
	entry := NewEntry(ctx, "redrive."+verb, "redrives/"+id, reason, nil)
	defer o.e.Audit.failed(ctx, entry, &err)
	for {
		if op, err = o.read(ctx, id); err != nil {
			return op, err
		}
		entry.Action = string(op.Kind) + "." + verb
		before, rateBefore := op.State, op.Rate
		if err := change(&op); err != nil {
			return op, err
		}
		was, is := map[string]any{"state": before}, map[string]any{"state": op.State}
		if rate != nil {
			was["rate_per_second"], is["rate_per_second"] = rateBefore, *rate
		}
		entry.with(beforeAfter(was, is, nil))
		also, err := o.steered(ctx, &op)
		if err != nil {
			return op, err
		}
		err = o.save(ctx, &op, entry, also...)
		if errors.Is(err, ErrVersion) {
			continue
		}
		if err != nil {
			return op, err
		}
		o.wake(id)
		o.e.Events.Touch(TopicOperations, TopicAudit)
		return op, o.progress(ctx, &op)
	}
}

func (o *Operations) wake(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if run := o.live[id]; run != nil {
		select {
		case run.wake <- struct{}{}:
		default:
		}
	}
}

// Restore takes a discard back, as an operation of its own.
func (o *Operations) Restore(ctx context.Context, id, reason string) (Operation, error) {
	op, err := o.restorable(ctx, id, reason)
	if err != nil {
		return op, err
	}
	restore, err := o.Start(ctx, OperationRequest{Kind: OpRestore, Reason: cmp.Or(reason, "taken back"),
		Selector: Selector{Pipeline: op.Selector.Pipeline, Discard: op.ID}})
	if err != nil {
		return restore, err
	}
	op.RestoredBy = restore.ID
	if err := o.save(ctx, &op, nil); err != nil && !errors.Is(err, ErrVersion) {
		return restore, err
	}
	return restore, nil
}

// restorable reads a discard that can be taken back.
func (o *Operations) restorable(ctx context.Context, id, reason string) (op Operation, err error) {
	defer o.e.Audit.failed(ctx, NewEntry(ctx, string(OpRestore)+".start", "redrives/"+id, reason, nil), &err)
	if op, err = o.read(ctx, id); err != nil {
		return op, err
	}
	switch {
	case op.Kind != OpDiscard:
		return op, conflict("only a discard can be taken back; this is a " + string(op.Kind))
	case !op.State.Final():
		return op, conflict("it is still " + string(op.State) + "; cancel it first")
	}
	return op, nil
}
