package api

import (
	"context"
	"math"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type steps interface {
	Get(ctx context.Context, pipeline, step string) (pipeline.StepDetail, error)
	Change(ctx context.Context, pipeline, step string, change pipeline.StepChange) (pipeline.StepView, error)
}

type stepItem struct {
	Pipeline       string       `json:"pipeline"`
	Name           string       `json:"name"`
	Needs          []string     `json:"needs"`
	Waiting        int64        `json:"waiting"`
	Queued         int64        `json:"queued"`
	Running        int64        `json:"running"`
	Retrying       int64        `json:"retrying"`
	Dead           int64        `json:"dead"`
	ProcessedTotal int64        `json:"processed_total"`
	FailedTotal    int64        `json:"failed_attempts_total"`
	ThrottledTotal int64        `json:"throttled_attempts_total"`
	Breaker        optional     `json:"breaker"`
	BreakerState   optional     `json:"breaker_state" enum:"closed,open,half-open"`
	Paused         bool         `json:"paused"`
	Rate           figure       `json:"rate"`
	Concurrency    int          `json:"concurrency"`
	Behind         bool         `json:"falling_behind"`
	Gone           bool         `json:"gone"`
	Target         optional     `json:"target"`
	Timeout        span         `json:"timeout"`
	Configured     stepSettings `json:"configured"`
	ChangedBy      optional     `json:"changed_by"`
	ChangedAt      stamp        `json:"changed_at"`
	ChangedWhy     optional     `json:"changed_reason"`
	DrainSeconds   figure       `json:"drain_seconds"`
	Faults         int          `json:"faults"`
}

type stepSettings struct {
	Paused      bool   `json:"paused"`
	Rate        figure `json:"rate"`
	Concurrency int    `json:"concurrency"`
}

type stepBody struct {
	Paused      *bool    `json:"paused"`
	Concurrency *int     `json:"concurrency"`
	Rate        *float64 `json:"rate"`
	Reset       bool     `json:"reset"`
	Reason      string   `json:"reason"`
}

// GetStep is one step as it stands.
func (a *API) GetStep() Operation {
	return Operation{
		Summary: "One step as it stands",
		Answer:  stepItem{},
		Do: func(c *Call) (any, error) {
			d, err := a.s.Steps.Get(c.ctx(), c.name("pipeline"), c.name("step"))
			if err != nil {
				return nil, err
			}
			return toStep(d.StepView), nil
		},
	}
}

// ChangeStep pauses a step or changes its limits while it runs.
func (a *API) ChangeStep() Operation {
	return Operation{
		Summary: "Pause a step or change its limits; takes effect without a restart. reset: back to the configuration",
		Body:    stepBody{},
		Answer:  stepItem{},
		Do: func(c *Call) (any, error) {
			var in stepBody
			if err := c.body(&in); err != nil {
				return nil, err
			}
			if in.Concurrency != nil && (*in.Concurrency < 1 || *in.Concurrency > 10_000) {
				return nil, problem.Invalid("concurrency", "concurrency must be a whole number from 1 to 10000.")
			}
			if err := between("rate", in.Rate, 0, math.MaxInt32, "rate must be 0, for no limit, or more."); err != nil {
				return nil, err
			}
			view, err := a.s.Steps.Change(c.ctx(), c.name("pipeline"), c.name("step"), pipeline.StepChange{
				Paused: in.Paused, Concurrency: in.Concurrency, Rate: in.Rate, Reset: in.Reset, Reason: in.Reason})
			if err != nil {
				return nil, err
			}
			return toStep(view), nil
		},
	}
}

func toStep(s pipeline.StepView) stepItem {
	return stepItem{
		Pipeline: s.Pipeline, Name: s.Name, Needs: list(s.Needs, func(need string) string { return need }),
		Waiting: s.Counts.Waiting, Queued: s.Counts.Queued, Running: s.Counts.Running, Retrying: s.Counts.Retrying, Dead: s.Counts.Dead,
		ProcessedTotal: s.Counts.ProcessedTotal, FailedTotal: s.Counts.FailedTotal, ThrottledTotal: s.Counts.Throttled,
		Breaker: optional(s.Breaker), BreakerState: optional(s.BreakerState),
		Paused: s.Settings.Paused, Rate: figure(s.Settings.Rate), Concurrency: s.Settings.Concurrency,
		Behind: s.Behind, Gone: s.Gone, Target: optional(s.Target), Timeout: span(s.Timeout),
		Configured: stepSettings{Paused: s.Configured.Paused, Rate: figure(s.Configured.Rate), Concurrency: s.Configured.Concurrency},
		ChangedBy:  optional(s.ChangedBy), ChangedAt: stamp(s.ChangedAt), ChangedWhy: optional(s.ChangedWhy),
		DrainSeconds: figure(s.DrainIn.Seconds()), Faults: s.FaultsOn,
	}
}
