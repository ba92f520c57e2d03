package api

import (
	"context"

	"redrive/pipeline"
)

type letters interface {
	List(ctx context.Context, f pipeline.LetterFilter) (pipeline.Page[pipeline.DeadLetter], int64, error)
	Groups(ctx context.Context, pipeline, step string) ([]pipeline.Group, error)
}

type letterList struct {
	Letters    []letterItem `json:"dead_letters"`
	Total      int64        `json:"total"`
	NextCursor optional     `json:"next_cursor"`
}

type letterItem struct {
	ID            string   `json:"id"`
	Row           string   `json:"row_id"`
	Pipeline      string   `json:"pipeline"`
	Step          string   `json:"step"`
	Queue         string   `json:"queue"`
	Error         optional `json:"error"`
	StatusCode    count    `json:"status_code"`
	Group         string   `json:"group"`
	Attempts      int      `json:"attempts"`
	Kind          string   `json:"kind" enum:"handler,undeliverable"`
	FirstFailedAt stamp    `json:"first_failed_at"`
	DeadAt        stamp    `json:"dead_at"`
	Label         optional `json:"label"`
}

type groupList struct {
	Groups []groupItem `json:"groups"`
}

type groupItem struct {
	Group    string   `json:"group"`
	Error    optional `json:"error"`
	Pipeline string   `json:"pipeline"`
	Step     string   `json:"step"`
	Kind     string   `json:"kind" enum:"handler,undeliverable"`
	Count    int64    `json:"count"`
	FirstAt  stamp    `json:"first_at"`
	LastAt   stamp    `json:"last_at"`
}

// ListLetters lists dead letters newest first; reading changes none.
func (a *API) ListLetters() Operation {
	query := append([]Param{
		text("pipeline", "of this pipeline"),
		text("step", "of this step"),
		text("group", "of this cause"),
		text("q", "in the error, the row's id or label; case does not matter"),
	}, paging()...)
	return Operation{Summary: "Dead letters, newest first", Query: query, Answer: letterList{}, Do: func(c *Call) (any, error) {
		page, total, err := a.s.Letters.List(c.ctx(), pipeline.LetterFilter{
			Pipeline: c.text("pipeline"), Step: c.text("step"), Group: c.text("group"), Query: c.text("q"),
			Limit: c.limit(), Cursor: c.text("cursor"),
		})
		if err != nil {
			return nil, err
		}
		return letterList{Letters: list(page.Items, toLetter), Total: total, NextCursor: optional(page.Next)}, nil
	}}
}

// ListGroups lists dead letters by cause, the largest first.
func (a *API) ListGroups() Operation {
	query := []Param{text("pipeline", "of this pipeline"), text("step", "of this step")}
	return Operation{Summary: "Dead letters by cause, the largest group first", Query: query, Answer: groupList{}, Do: func(c *Call) (any, error) {
		groups, err := a.s.Letters.Groups(c.ctx(), c.text("pipeline"), c.text("step"))
		if err != nil {
			return nil, err
		}
		return groupList{Groups: list(groups, toGroup)}, nil
	}}
}

func toLetter(l pipeline.DeadLetter) letterItem {
	return letterItem{ID: l.ID, Row: l.Row, Pipeline: l.Pipeline, Step: l.Step, Queue: l.Queue(), Error: optional(l.Error),
		StatusCode: count(l.StatusCode), Group: l.Group, Attempts: l.Attempts, Kind: string(l.Kind),
		FirstFailedAt: stamp(l.FirstFailedAt), DeadAt: stamp(l.DeadAt), Label: optional(l.Label)}
}

func toGroup(g pipeline.Group) groupItem {
	return groupItem{Group: g.Group, Error: optional(g.Error), Pipeline: g.Pipeline, Step: g.Step, Kind: string(g.Kind),
		Count: g.Count, FirstAt: stamp(g.FirstAt), LastAt: stamp(g.LastAt)}
}
