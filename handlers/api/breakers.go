package api

import (
	"context"
	"slices"
	"strings"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type breakers interface {
	List(ctx context.Context) ([]pipeline.BreakerView, error)
	Get(ctx context.Context, name string) (pipeline.BreakerDetail, error)
	Force(ctx context.Context, name string, req pipeline.ForceRequest) (pipeline.BreakerView, error)
}

type breakerList struct {
	Breakers []breakerItem `json:"breakers"`
}

type breakerItem struct {
	Name        string     `json:"name"`
	State       string     `json:"state" enum:"closed,open,half-open"`
	Mode        string     `json:"mode" enum:"automatic,held"`
	FailureRate figure     `json:"failure_rate"`
	Calls       int        `json:"calls"`
	Failed      int        `json:"failed"`
	Since       stamp      `json:"since"`
	NextProbeAt stamp      `json:"next_probe_at"`
	Waiting     int64      `json:"waiting"`
	HeldBy      optional   `json:"held_by"`
	HeldUntil   stamp      `json:"held_until"`
	Reason      optional   `json:"reason"`
	Steps       []stepName `json:"steps"`
	OpensAt     figure     `json:"opens_at"`
}

type stepName struct {
	Pipeline string `json:"pipeline"`
	Step     string `json:"step"`
}

type breakerAnswer struct {
	breakerItem
	History []breakerChange `json:"history"`
	Probes  []probeItem     `json:"probes"`
}

type breakerChange struct {
	At     stamp    `json:"at"`
	From   string   `json:"from"`
	To     string   `json:"to"`
	By     string   `json:"by"`
	Reason optional `json:"reason"`
}

type probeItem struct {
	At       stamp    `json:"at"`
	Row      string   `json:"row_id"`
	Pipeline string   `json:"pipeline"`
	Step     string   `json:"step"`
	OK       bool     `json:"ok"`
	Error    optional `json:"error"`
}

type forceBody struct {
	State  string `json:"state" required:"true" enum:"open,half-open,closed,automatic"`
	For    *span  `json:"for"`
	Reason string `json:"reason"`
}

// ListBreakers lists every breaker.
func (a *API) ListBreakers() Operation {
	return Operation{Summary: "Every breaker", Answer: breakerList{}, Do: func(c *Call) (any, error) {
		views, err := a.s.Breakers.List(c.ctx())
		if err != nil {
			return nil, err
		}
		return breakerList{Breakers: list(views, toBreaker)}, nil
	}}
}

// GetBreaker is one breaker with its history and probes.
func (a *API) GetBreaker() Operation {
	return Operation{Summary: "One breaker with its history and probes", Answer: breakerAnswer{}, Do: func(c *Call) (any, error) {
		return a.breaker(c, c.name("name"))
	}}
}

// ForceBreaker lays an operator's hand on a breaker.
func (a *API) ForceBreaker() Operation {
	return Operation{
		Summary: "Hold a breaker open or closed for a time, probe now, or give it back to itself",
		Body:    forceBody{}, Answer: breakerAnswer{},
		Do: func(c *Call) (any, error) {
			var in forceBody
			if err := c.body(&in); err != nil {
				return nil, err
			}
			known := []string{"open", "half-open", "closed", "automatic"}
			switch {
			case !slices.Contains(known, in.State):
				return nil, problem.Invalid("state", "state must be one of "+strings.Join(known, ", ")+".")
			case in.For != nil && *in.For == 0:
				return nil, problem.Invalid("for", `for must be a duration above zero such as "15m"; left out it is an hour.`)
			}
			name := c.name("name")
			if _, err := a.s.Breakers.Force(c.ctx(), name, pipeline.ForceRequest{State: in.State, For: in.For.duration(), Reason: in.Reason}); err != nil {
				return nil, err
			}
			return a.breaker(c, name)
		},
	}
}

func (a *API) breaker(c *Call, name string) (any, error) {
	d, err := a.s.Breakers.Get(c.ctx(), name)
	if err != nil {
		return nil, err
	}
	return breakerAnswer{breakerItem: toBreaker(d.BreakerView), History: list(d.History, toBreakerChange), Probes: list(d.Probed, toProbe)}, nil
}

func toBreaker(b pipeline.BreakerView) breakerItem {
	mode := "automatic"
	if b.Held {
		mode = "held"
	}
	return breakerItem{
		Name: b.Name, State: b.State, Mode: mode, FailureRate: figure(b.FailureNow), Calls: b.Calls, Failed: b.Failed,
		Since: stamp(b.Since), NextProbeAt: stamp(b.NextProbeAt), Waiting: b.Waiting, HeldBy: optional(b.HeldBy), HeldUntil: stamp(b.HeldUntil),
		Reason: optional(b.Reason), OpensAt: figure(b.FailureRate),
		Steps: list(b.Steps, func(k pipeline.StepKey) stepName { return stepName(k) }),
	}
}

func toBreakerChange(c pipeline.BreakerChange) breakerChange {
	return breakerChange{At: stamp(c.At), From: c.From, To: c.To, By: c.By, Reason: optional(c.Reason)}
}

func toProbe(p pipeline.Probe) probeItem {
	return probeItem{At: stamp(p.At), Row: p.Row, Pipeline: p.Pipeline, Step: p.Step, OK: p.OK, Error: optional(p.Error)}
}
