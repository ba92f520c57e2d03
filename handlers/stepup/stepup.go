// Package stepup asks for the password again before what cannot be undone, or
// is about very much: trouble on purpose, emptying a queue, operations on more
// rows than one is used to. It lies around the services, so that pages and API
// ask for the same.
//
// Only a person is asked, whose browser somebody else may have found open:
// programs have a token and a role.
package stepup

import (
	"context"
	"fmt"

	"redrive/pipeline"
	"redrive/pipeline/access"
	"redrive/views"
)

// Bulk is how many rows somebody may act on at once without the password.
type Bulk int64

// Ask asks for the password if n rows are too many. what is the deed, as the
// label of a button.
func (b Bulk) Ask(ctx context.Context, n int64, what string) error {
	if n <= int64(b) {
		return nil
	}
	return access.Fresh(ctx, fmt.Sprintf("%s: that is more than %s at once.", what, views.Plural(int64(b), "row", "rows")))
}

// stale tells whether whoever asks would have to give the password.
func stale(ctx context.Context) bool { return access.Fresh(ctx, "") != nil }

// Operations ask before an operation on many rows.
type Operations struct {
	*pipeline.Operations
	Bulk Bulk
}

// Start begins an operation. What was counted before it was let through is what
// it is about.
func (o Operations) Start(ctx context.Context, req pipeline.OperationRequest) (pipeline.Operation, error) {
	if req.DryRun || !stale(ctx) {
		return o.Operations.Start(ctx, req)
	}
	plan := req
	plan.DryRun = true
	op, err := o.Operations.Start(ctx, plan)
	if err != nil {
		return op, err
	}
	if err := o.Bulk.Ask(ctx, op.Matched, views.OperationTitle(op, "")); err != nil {
		return pipeline.Operation{}, err
	}
	req.Previewed = op.Preview()
	return o.Operations.Start(ctx, req)
}

// Faults ask before making trouble.
type Faults struct{ *pipeline.Faults }

// Start makes trouble at a step.
func (f Faults) Start(ctx context.Context, n pipeline.NewFault) (pipeline.Fault, error) {
	if err := access.Fresh(ctx, fmt.Sprintf("This makes trouble on purpose at %s of %s.", n.Step, n.Pipeline)); err != nil {
		return pipeline.Fault{}, err
	}
	return f.Faults.Start(ctx, n)
}

// Queues ask before emptying a queue, for good or into another.
type Queues struct {
	*pipeline.Queues
	Bulk Bulk
}

// Purge deletes everything in a queue.
func (q Queues) Purge(ctx context.Context, name, reason string) (pipeline.Queue, error) {
	if err := access.Fresh(ctx, "This deletes everything in "+name+", for good."); err != nil {
		return pipeline.Queue{}, err
	}
	return q.Queues.Purge(ctx, name, reason)
}

// Move moves messages out of a queue.
func (q Queues) Move(ctx context.Context, name string, req pipeline.QueueMoveRequest) (pipeline.QueueMove, error) {
	if !stale(ctx) {
		return q.Queues.Move(ctx, name, req)
	}
	n := int64(len(req.IDs))
	if req.All {
		queue, err := q.Get(ctx, name)
		if err != nil {
			return pipeline.QueueMove{}, err
		}
		n = queue.Depth()
	}
	if err := q.Bulk.Ask(ctx, n, fmt.Sprintf("Redrive %s of %s", views.Plural(n, "message", "messages"), name)); err != nil {
		return pipeline.QueueMove{}, err
	}
	return q.Queues.Move(ctx, name, req)
}
