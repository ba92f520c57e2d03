package api

import (
	"context"
	"net/http"
	"time"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type sweeps interface {
	Start(ctx context.Context, dryRun bool, pipeline string) (pipeline.Sweep, error)
	Get(ctx context.Context, id string) (pipeline.Sweep, error)
	List(ctx context.Context, cursor string, limit int) (pipeline.Page[pipeline.Sweep], error)
	Schedule(ctx context.Context) (pipeline.SweepSchedule, error)
	SetSchedule(ctx context.Context, change pipeline.ScheduleChange) (pipeline.SweepSchedule, error)
}

type sweepList struct {
	Sweeps     []sweepItem `json:"sweeps"`
	NextCursor optional    `json:"next_cursor"`
}

type sweepItem struct {
	ID         string      `json:"id"`
	State      string      `json:"state" enum:"running,done,failed"`
	DryRun     bool        `json:"dry_run"`
	Pipeline   optional    `json:"pipeline"`
	Scanned    int64       `json:"scanned"`
	Stuck      int64       `json:"stuck"`
	Requeued   int64       `json:"requeued"`
	StartedAt  stamp       `json:"started_at"`
	FinishedAt stamp       `json:"finished_at"`
	By         string      `json:"by"`
	Error      optional    `json:"error"`
	Rows       []stuckItem `json:"rows"`
}

type stuckItem struct {
	Row  string `json:"id"`
	Step string `json:"step"`
	Why  string `json:"why"`
}

type sweepBody struct {
	DryRun   bool   `json:"dry_run"`
	Pipeline string `json:"pipeline"`
}

type scheduleBody struct {
	Cron       *string `json:"cron"`
	StuckAfter *span   `json:"stuck_after"`
	Enabled    *bool   `json:"enabled"`
	Reset      bool    `json:"reset"`
	Reason     string  `json:"reason"`
}

type scheduleAnswer struct {
	scheduleItem
	NextRuns   []stamp      `json:"next_runs"`
	Configured scheduleItem `json:"configured"`
	ChangedBy  optional     `json:"changed_by"`
	ChangedAt  stamp        `json:"changed_at"`
}

type scheduleItem struct {
	Cron       string `json:"cron"`
	StuckAfter span   `json:"stuck_after"`
	Enabled    bool   `json:"enabled"`
}

// StartSweep searches for stuck rows now.
func (a *API) StartSweep() Operation {
	return Operation{
		Summary: "Search for stuck rows now and queue them again; one already running is answered instead",
		Body:    sweepBody{}, Answer: sweepItem{}, Status: http.StatusAccepted,
		Do: func(c *Call) (any, error) {
			var in sweepBody
			if err := c.body(&in); err != nil {
				return nil, err
			}
			return sweepDone(a.s.Sweeps.Start(c.ctx(), in.DryRun, in.Pipeline))
		},
	}
}

// ListSweeps lists sweeps newest first.
func (a *API) ListSweeps() Operation {
	return Operation{Summary: "Sweeps, newest first", Query: paging(), Answer: sweepList{}, Do: func(c *Call) (any, error) {
		page, err := a.s.Sweeps.List(c.ctx(), c.text("cursor"), c.limit())
		if err != nil {
			return nil, err
		}
		return sweepList{Sweeps: list(page.Items, toSweep), NextCursor: optional(page.Next)}, nil
	}}
}

// GetSweep is one sweep with the stuck rows it found.
func (a *API) GetSweep() Operation {
	return Operation{Summary: "One sweep with the stuck rows it found", Answer: sweepItem{}, Do: func(c *Call) (any, error) {
		id, err := c.id()
		if err != nil {
			return nil, err
		}
		return sweepDone(a.s.Sweeps.Get(c.ctx(), id))
	}}
}

// GetSchedule is when sweeps run.
func (a *API) GetSchedule() Operation {
	return Operation{Summary: "When sweeps run, with the next five times", Answer: scheduleAnswer{}, Do: func(c *Call) (any, error) {
		return scheduleDone(a.s.Sweeps.Schedule(c.ctx()))
	}}
}

// SetSchedule changes when sweeps run and what they take for stuck.
func (a *API) SetSchedule() Operation {
	return Operation{
		Summary: "Change when sweeps run; what is left out stays. reset: back to the configuration",
		Body:    scheduleBody{}, Answer: scheduleAnswer{},
		Do: func(c *Call) (any, error) {
			var in scheduleBody
			if err := c.body(&in); err != nil {
				return nil, err
			}
			change := pipeline.ScheduleChange{Cron: in.Cron, Enabled: in.Enabled, Reset: in.Reset, Reason: in.Reason}
			if in.StuckAfter != nil {
				after := in.StuckAfter.duration()
				if after < time.Second {
					return nil, problem.Invalid("stuck_after", "stuck_after must be at least 1s.")
				}
				change.StuckAfter = &after
			}
			if in.Cron == nil && in.StuckAfter == nil && in.Enabled == nil && !in.Reset {
				return nil, problem.Invalid("cron", "Give at least one of cron, stuck_after and enabled.")
			}
			return scheduleDone(a.s.Sweeps.SetSchedule(c.ctx(), change))
		},
	}
}

func sweepDone(s pipeline.Sweep, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return toSweep(s), nil
}

func scheduleDone(s pipeline.SweepSchedule, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return scheduleAnswer{scheduleItem: toSettings(s.SweepSettings), Configured: toSettings(s.Configured), ChangedBy: optional(s.ChangedBy),
		ChangedAt: stamp(s.ChangedAt), NextRuns: list(s.NextRuns, func(t time.Time) stamp { return stamp(t) })}, nil
}

func toSettings(s pipeline.SweepSettings) scheduleItem {
	return scheduleItem{Cron: s.Cron, StuckAfter: span(s.StuckAfter), Enabled: s.Enabled}
}

func toSweep(s pipeline.Sweep) sweepItem {
	return sweepItem{ID: s.ID, State: string(s.State), DryRun: s.DryRun, Pipeline: optional(s.Pipeline), Scanned: s.Scanned, Stuck: s.Stuck,
		Requeued: s.Requeued, StartedAt: stamp(s.StartedAt), FinishedAt: stamp(s.FinishedAt), By: s.By, Error: optional(s.Error),
		Rows: list(s.Rows, func(r pipeline.Stuck) stuckItem { return stuckItem(r) })}
}
