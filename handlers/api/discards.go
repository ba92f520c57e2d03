package api

import (
	"net/http"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type discardList struct {
	Discards   []operationItem `json:"discards"`
	NextCursor optional        `json:"next_cursor"`
}

// discardBody selects as a redrive does, or rows that wait at a step: those
// older than a duration, or the oldest so many.
type discardBody struct {
	lettersBody
	OlderThan *span  `json:"older_than"`
	Oldest    *int   `json:"oldest"`
	DryRun    bool   `json:"dry_run"`
	Reason    string `json:"reason"`
}

// StartDiscard sets many rows aside.
func (a *API) StartDiscard() Operation {
	return Operation{
		Summary: "Set rows aside: selected as for a redrive, or at a step by older_than or oldest; undone by restore",
		Body:    discardBody{}, Answer: operationItem{}, Status: http.StatusAccepted,
		Do: func(c *Call) (any, error) {
			var in discardBody
			if err := c.body(&in); err != nil {
				return nil, err
			}
			selector, err := in.selector()
			if err != nil {
				return nil, err
			}
			return a.start(c, pipeline.OperationRequest{Kind: pipeline.OpDiscard, Selector: selector, DryRun: in.DryRun, Reason: in.Reason})
		},
	}
}

func (in discardBody) selector() (pipeline.Selector, error) {
	if in.OlderThan == nil && in.Oldest == nil {
		return in.lettersBody.selector()
	}
	s := pipeline.Selector{Pipeline: in.Pipeline, Step: in.Step, OlderThan: in.OlderThan.duration(), Oldest: value(in.Oldest)}
	if err := required("pipeline", in.Pipeline); err != nil {
		return s, err
	}
	if err := required("step", in.Step); err != nil {
		return s, problem.Invalid("step", "step is required with older_than and oldest.")
	}
	switch {
	case in.OlderThan != nil && in.Oldest != nil, len(in.given()) > 0:
		return s, problem.Invalid("older_than", "Say what to take by exactly one of ids, group, q, all, older_than and oldest.")
	case in.OlderThan != nil && *in.OlderThan <= 0:
		return s, problem.Invalid("older_than", `older_than must be a duration above zero such as "15m".`)
	case in.Oldest != nil && *in.Oldest < 1:
		return s, problem.Invalid("oldest", "oldest must be a whole number from 1.")
	}
	return s, nil
}

// ListDiscards lists discards newest first.
func (a *API) ListDiscards() Operation {
	return Operation{Summary: "Discards, newest first", Query: paging(), Answer: discardList{}, Do: func(c *Call) (any, error) {
		items, next, err := a.page(c, pipeline.OpDiscard)
		return discardList{Discards: items, NextCursor: next}, err
	}}
}

// GetDiscard is one discard, or the restore of one, as it stands.
func (a *API) GetDiscard() Operation { return a.getOperation("One discard as it stands") }
