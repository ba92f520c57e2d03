package api

import (
	"context"

	"redrive/pipeline"
)

type overview interface {
	Overview(ctx context.Context) (pipeline.Overview, error)
}

type overviewAnswer struct {
	At        stamp          `json:"at"`
	Pipelines []pipelineItem `json:"pipelines"`
	Needs     []needItem     `json:"needs"`
	Instances []instanceItem `json:"instances"`
}

type instanceItem struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Runs      string   `json:"runs"`
	State     string   `json:"state"`
	Leads     bool     `json:"leads"`
	Version   optional `json:"version"`
	StartedAt stamp    `json:"started_at"`
	SeenAt    stamp    `json:"seen_at"`
	Calls     int      `json:"calls"`
}

type pipelineItem struct {
	Name        string     `json:"name"`
	Rows        rowCounts  `json:"rows"`
	Steps       []stepItem `json:"steps"`
	OldestOpen  stamp      `json:"oldest_unfinished_at"`
	FailedRate  figure     `json:"error_rate"`
	ArrivalRate figure     `json:"accepted_per_second"`
	DoneRate    figure     `json:"done_per_second"`
}

type rowCounts struct {
	Accepted   int64 `json:"accepted"`
	InProgress int64 `json:"in_progress"`
	Done       int64 `json:"done"`
	Dead       int64 `json:"dead"`
	Rejected   int64 `json:"rejected"`
	Discarded  int64 `json:"discarded"`
}

type needItem struct {
	Kind     string   `json:"kind"`
	Object   optional `json:"object"`
	Pipeline optional `json:"pipeline"`
	Step     optional `json:"step"`
	Count    int64    `json:"count"`
	Text     string   `json:"text"`
	More     optional `json:"more"`
	Since    stamp    `json:"since"`
}

// GetOverview is the state of everything at a glance.
func (a *API) GetOverview() Operation {
	return Operation{
		Summary: "The state of every pipeline at a glance, at most two seconds old",
		Answer:  overviewAnswer{},
		Do: func(c *Call) (any, error) {
			o, err := a.s.Overview.Overview(c.ctx())
			if err != nil {
				return nil, err
			}
			return overviewAnswer{At: stamp(o.At), Pipelines: list(o.Pipelines, toPipeline), Needs: list(o.Needs, toNeed), Instances: list(o.Instances, toInstance)}, nil
		},
	}
}

func toPipeline(p pipeline.PipelineView) pipelineItem {
	return pipelineItem{
		Name: p.Name,
		Rows: rowCounts{
			Accepted: p.Rows[pipeline.StatusAccepted], InProgress: p.Rows[pipeline.StatusInProgress], Done: p.Rows[pipeline.StatusDone],
			Dead: p.Rows[pipeline.StatusDead], Rejected: p.Rows[pipeline.StatusRejected], Discarded: p.Rows[pipeline.StatusDiscarded],
		},
		Steps:       list(p.Steps, toStep),
		OldestOpen:  stamp(p.OldestOpen),
		FailedRate:  figure(p.FailedRate),
		ArrivalRate: figure(p.ArrivalRate),
		DoneRate:    figure(p.DoneRate),
	}
}

func toNeed(n pipeline.Need) needItem {
	return needItem{Kind: string(n.Kind), Object: optional(n.Object), Pipeline: optional(n.Pipeline), Step: optional(n.Step),
		Count: n.Count, Text: n.Text, More: optional(n.More), Since: stamp(n.Since)}
}

func toInstance(i pipeline.InstanceView) instanceItem {
	item := instanceItem{ID: i.ID, Name: i.Name, Runs: i.Runs, State: string(i.State), Leads: i.Leads, Version: optional(i.Version),
		StartedAt: stamp(i.StartedAt), SeenAt: stamp(i.SeenAt)}
	for _, s := range i.Steps {
		item.Calls += s.Running
	}
	return item
}
