package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type replayList struct {
	Replays    []operationItem `json:"replays"`
	NextCursor optional        `json:"next_cursor"`
}

type replaysBody struct {
	Pipeline string     `json:"pipeline" required:"true"`
	Since    *time.Time `json:"since"`
	Until    *time.Time `json:"until"`
	Status   string     `json:"status" enum:"accepted,in_progress,done,dead,rejected,discarded"`
	Step     string     `json:"step"`
	Rate     *float64   `json:"rate_per_second"`
	DryRun   bool       `json:"dry_run"`
	Reason   string     `json:"reason"`
}

// StartReplay runs the rows of a time window again.
func (a *API) StartReplay() Operation {
	return Operation{
		Summary: "Run the rows of a time window again; processed steps are skipped and counted",
		Body:    replaysBody{}, Answer: operationItem{}, Status: http.StatusAccepted,
		Do: func(c *Call) (any, error) {
			var in replaysBody
			if err := c.body(&in); err != nil {
				return nil, err
			}
			selector, err := in.selector()
			if err != nil {
				return nil, err
			}
			return a.start(c, pipeline.OperationRequest{Kind: pipeline.OpReplay, Selector: selector, Rate: value(in.Rate), DryRun: in.DryRun, Reason: in.Reason})
		},
	}
}

func (in replaysBody) selector() (pipeline.Selector, error) {
	s := pipeline.Selector{Pipeline: in.Pipeline, Step: in.Step, Status: pipeline.Status(in.Status), Since: value(in.Since).UTC(), Until: value(in.Until).UTC()}
	if err := required("pipeline", in.Pipeline); err != nil {
		return s, err
	}
	if in.Status != "" && !slices.Contains(statuses(), in.Status) {
		return s, problem.Invalid("status", "status must be one of "+strings.Join(statuses(), ", ")+".")
	}
	if !s.Since.IsZero() && !s.Until.IsZero() && s.Until.Before(s.Since) {
		return s, problem.Invalid("until", "until lies before since.")
	}
	return s, rateFits(in.Rate)
}

// ListReplays lists replays newest first.
func (a *API) ListReplays() Operation {
	return Operation{Summary: "Replays, newest first", Query: paging(), Answer: replayList{}, Do: func(c *Call) (any, error) {
		items, next, err := a.page(c, pipeline.OpReplay)
		return replayList{Replays: items, NextCursor: next}, err
	}}
}

// GetReplay is one replay as it stands.
func (a *API) GetReplay() Operation { return a.getOperation("One replay as it stands") }
