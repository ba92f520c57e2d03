package api

import (
	"context"
	"net/http"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type operations interface {
	operationReader
	Start(ctx context.Context, req pipeline.OperationRequest) (pipeline.Operation, error)
	operationActor
}

type operationReader interface {
	Get(ctx context.Context, id string) (pipeline.Operation, error)
	List(ctx context.Context, kind pipeline.OperationKind, cursor string, limit int) (pipeline.Page[pipeline.Operation], error)
}

type operationActor interface {
	Cancel(ctx context.Context, id, reason string) (pipeline.Operation, error)
	Pause(ctx context.Context, id, reason string) (pipeline.Operation, error)
	Resume(ctx context.Context, id string, rate *float64, reason string) (pipeline.Operation, error)
	Restore(ctx context.Context, id, reason string) (pipeline.Operation, error)
}

type operationItem struct {
	ID          optional     `json:"id"`
	Kind        string       `json:"kind" enum:"redrive,discard,replay,restore"`
	State       string       `json:"state" enum:"held,running,paused,done,cancelled,stopped"`
	DryRun      bool         `json:"dry_run"`
	Pipeline    optional     `json:"pipeline"`
	Step        optional     `json:"step"`
	Selector    selectorItem `json:"selector"`
	Matched     int64        `json:"matched"`
	Eligible    int64        `json:"eligible"`
	Skipped     []skipItem   `json:"skipped"`
	Moved       int64        `json:"moved"`
	Succeeded   int64        `json:"succeeded"`
	FailedAgain int64        `json:"failed_again"`
	Rate        count        `json:"rate_per_second"`
	By          string       `json:"by"`
	Reason      optional     `json:"reason"`
	StartedAt   stamp        `json:"started_at"`
	FinishedAt  stamp        `json:"finished_at"`
	StopReason  optional     `json:"stop_reason"`
	HeldBy      optional     `json:"held_by"`
	RestoredBy  optional     `json:"restored_by"`
}

// selectorItem says what was selected; of ids only how many.
type selectorItem struct {
	IDs       int      `json:"ids"`
	Group     optional `json:"group"`
	Query     optional `json:"q"`
	All       bool     `json:"all"`
	OlderThan *span    `json:"older_than"`
	Oldest    int      `json:"oldest"`
	Since     stamp    `json:"since"`
	Until     stamp    `json:"until"`
	Status    optional `json:"status"`
	Discard   optional `json:"discard"`
}

type skipItem struct {
	Why   string `json:"why"`
	Count int64  `json:"count"`
}

type resumeBody struct {
	Rate   *float64 `json:"rate_per_second"`
	Reason string   `json:"reason"`
}

// start begins an operation, or only says what it would do.
func (a *API) start(c *Call, req pipeline.OperationRequest) (any, error) {
	if !req.DryRun {
		if err := required("reason", req.Reason); err != nil {
			return nil, err
		}
	}
	return operationDone(a.s.Operations.Start(c.ctx(), req))
}

func operationDone(o pipeline.Operation, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return toOperation(o), nil
}

// getOperation answers one operation, whatever its kind: an id is enough to say
// which one is meant.
func (a *API) getOperation(summary string) Operation {
	return Operation{Summary: summary, Answer: operationItem{}, Do: func(c *Call) (any, error) {
		id, err := c.id()
		if err != nil {
			return nil, err
		}
		return operationDone(a.s.Operations.Get(c.ctx(), id))
	}}
}

// page reads one page of operations of a kind.
func (a *API) page(c *Call, kind pipeline.OperationKind) ([]operationItem, optional, error) {
	page, err := a.s.Operations.List(c.ctx(), kind, c.text("cursor"), c.limit())
	if err != nil {
		return nil, "", err
	}
	return list(page.Items, toOperation), optional(page.Next), nil
}

// CancelOperation ends an operation; what it moved stays moved.
func (a *API) CancelOperation() Operation {
	return a.steer("Cancel; what was moved stays moved", operationActor.Cancel)
}

// PauseOperation stops an operation until it is resumed.
func (a *API) PauseOperation() Operation {
	return a.steer("Pause until it is resumed", operationActor.Pause)
}

// RestoreDiscard takes the rows of a discard back, as an operation of its own.
func (a *API) RestoreDiscard() Operation {
	op := a.steer("Take the discarded rows back", operationActor.Restore)
	op.Status = http.StatusAccepted
	return op
}

func (a *API) steer(summary string, act func(actor operationActor, ctx context.Context, id, reason string) (pipeline.Operation, error)) Operation {
	return Operation{Summary: summary, Body: reasonBody{}, Answer: operationItem{}, Do: func(c *Call) (any, error) {
		var in reasonBody
		id, err := c.idAndBody(&in)
		if err != nil {
			return nil, err
		}
		return operationDone(act(a.s.Operations, c.ctx(), id, in.Reason))
	}}
}

// ResumeOperation lets a paused operation go on, at another rate if one is given.
func (a *API) ResumeOperation() Operation {
	return Operation{Summary: "Go on; may change the rate", Body: resumeBody{}, Answer: operationItem{}, Do: func(c *Call) (any, error) {
		var in resumeBody
		id, err := c.idAndBody(&in)
		if err != nil {
			return nil, err
		}
		if err := rateFits(in.Rate); err != nil {
			return nil, err
		}
		return operationDone(a.s.Operations.Resume(c.ctx(), id, in.Rate, in.Reason))
	}}
}

func rateFits(rate *float64) error {
	return between("rate_per_second", rate, 0, 1e6, "rate_per_second must be from 0, as fast as it goes, to 1000000.")
}

func toOperation(o pipeline.Operation) operationItem {
	state := o.State
	if o.ID == "" && state == "" {
		state = pipeline.OpDone // a dry run is over with its answer
	}
	s := o.Selector
	return operationItem{
		ID: optional(o.ID), Kind: string(o.Kind), State: string(state), DryRun: o.ID == "", Pipeline: optional(s.Pipeline), Step: optional(s.Step),
		Selector: toSelector(s), Matched: o.Matched, Eligible: o.Eligible,
		Skipped: list(o.Skipped, func(s pipeline.Skip) skipItem { return skipItem(s) }),
		Moved:   o.Moved, Succeeded: o.Succeeded, FailedAgain: o.FailedAgain, Rate: count(o.Rate), By: o.By, Reason: optional(o.Reason),
		StartedAt: stamp(o.StartedAt), FinishedAt: stamp(o.FinishedAt), StopReason: optional(o.StopReason),
		HeldBy: optional(o.HeldBy), RestoredBy: optional(o.RestoredBy),
	}
}

func toSelector(s pipeline.Selector) selectorItem {
	item := selectorItem{IDs: len(s.IDs), Group: optional(s.Group), Query: optional(s.Query), All: s.All, Oldest: s.Oldest,
		Since: stamp(s.Since), Until: stamp(s.Until), Status: optional(s.Status), Discard: optional(s.Discard)}
	if s.OlderThan > 0 {
		older := span(s.OlderThan)
		item.OlderThan = &older
	}
	return item
}

// notYet refuses a field that a later version will take.
func notYet(name string, given []byte) error {
	if len(given) == 0 || string(given) == "null" {
		return nil
	}
	return problem.Invalid(name, name+" is not supported yet; leave it out.")
}
