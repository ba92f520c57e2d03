package api

import (
	"context"
	"net/http"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type faults interface {
	List(ctx context.Context) []pipeline.Fault
	Start(ctx context.Context, f pipeline.NewFault) (pipeline.Fault, error)
	End(ctx context.Context, id, reason string) (pipeline.Fault, error)
}

type faultList struct {
	Faults []faultItem `json:"faults"`
}

type faultItem struct {
	ID        string   `json:"id"`
	Pipeline  string   `json:"pipeline"`
	Step      string   `json:"step"`
	ErrorRate figure   `json:"error_rate"`
	Latency   span     `json:"latency"`
	Throttle  figure   `json:"throttle"`
	For       span     `json:"for"`
	StartedAt stamp    `json:"started_at"`
	Until     stamp    `json:"until"`
	By        string   `json:"by"`
	Reason    optional `json:"reason"`
}

type faultBody struct {
	Pipeline  string   `json:"pipeline" required:"true"`
	Step      string   `json:"step" required:"true"`
	ErrorRate *float64 `json:"error_rate"`
	Latency   *span    `json:"latency"`
	Throttle  *float64 `json:"throttle"`
	For       *span    `json:"for" required:"true"`
	Reason    string   `json:"reason" required:"true"`
}

// ListFaults lists the faults that are on.
func (a *API) ListFaults() Operation {
	return Operation{Summary: "The faults on purpose that are on now", Answer: faultList{}, Do: func(c *Call) (any, error) {
		return faultList{Faults: list(a.s.Faults.List(c.ctx()), toFault)}, nil
	}}
}

// StartFault makes trouble at a step on purpose, for a time.
func (a *API) StartFault() Operation {
	return Operation{
		Summary: "Make trouble at a step on purpose; always ends by itself",
		Body:    faultBody{}, Answer: faultItem{}, Status: http.StatusCreated,
		Do: func(c *Call) (any, error) {
			var in faultBody
			if err := c.body(&in); err != nil {
				return nil, err
			}
			if err := in.check(); err != nil {
				return nil, err
			}
			return faultDone(a.s.Faults.Start(c.ctx(), pipeline.NewFault{Pipeline: in.Pipeline, Step: in.Step, ErrorRate: value(in.ErrorRate),
				Throttle: value(in.Throttle), Latency: in.Latency.duration(), For: in.For.duration(), Reason: in.Reason}))
		},
	}
}

func (in faultBody) check() error {
	for _, field := range []struct{ name, given string }{{"pipeline", in.Pipeline}, {"step", in.Step}, {"reason", in.Reason}} {
		if err := required(field.name, field.given); err != nil {
			return err
		}
	}
	if in.For.duration() <= 0 {
		return problem.Invalid("for", `for is required: a duration such as "15m", after which the fault ends by itself.`)
	}
	if err := between("error_rate", in.ErrorRate, 0, 1, "error_rate must be from 0 to 1."); err != nil {
		return err
	}
	return between("throttle", in.Throttle, 0, 1, "throttle must be from 0 to 1.")
}

// EndFault ends a fault before its time.
func (a *API) EndFault() Operation {
	return Operation{Summary: "End a fault before its time", Body: reasonBody{}, Answer: faultItem{}, Do: func(c *Call) (any, error) {
		var in reasonBody
		id, err := c.idAndBody(&in)
		if err != nil {
			return nil, err
		}
		return faultDone(a.s.Faults.End(c.ctx(), id, in.Reason))
	}}
}

func faultDone(f pipeline.Fault, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return toFault(f), nil
}

func toFault(f pipeline.Fault) faultItem {
	return faultItem{ID: f.ID, Pipeline: f.Pipeline, Step: f.Step, ErrorRate: figure(f.ErrorRate), Latency: span(f.Latency),
		Throttle: figure(f.Throttle), For: span(f.Until.Sub(f.StartedAt)), StartedAt: stamp(f.StartedAt), Until: stamp(f.Until),
		By: f.By, Reason: optional(f.Reason)}
}
