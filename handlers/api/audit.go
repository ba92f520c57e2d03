package api

import (
	"context"
	"encoding/json"

	"redrive/pipeline"
)

type audit interface {
	List(ctx context.Context, f pipeline.AuditFilter) (pipeline.Page[pipeline.Entry], error)
}

type auditList struct {
	Entries    []entryItem `json:"entries"`
	NextCursor optional    `json:"next_cursor"`
}

type entryItem struct {
	ID     string          `json:"id"`
	At     stamp           `json:"at"`
	Actor  string          `json:"actor"`
	Role   optional        `json:"role"`
	From   optional        `json:"from"`
	Action string          `json:"action"`
	Object string          `json:"object"`
	Reason optional        `json:"reason"`
	Result string          `json:"result"`
	Detail json.RawMessage `json:"detail"`
	Chain  optional        `json:"chain"`  // on AWS: of the process that wrote it
	Number int64           `json:"number"` // in its chain; 0: from before there was one
	Hash   optional        `json:"hash"`   // what the next entry holds
}

// ListAudit lists who did what, newest first.
func (a *API) ListAudit() Operation {
	query := append([]Param{
		text("actor", "who did it"),
		text("action", "a noun and a verb such as redrive.start, or a noun with its dot"),
		text("object", "what it was done to, such as breakers/search-api"),
		timeParam("since", "done at or after"),
		timeParam("until", "done before"),
	}, paging()...)
	return Operation{Summary: "Who did what and why, newest first", Query: query, Answer: auditList{}, Do: func(c *Call) (any, error) {
		since, until, err := c.window()
		if err != nil {
			return nil, err
		}
		page, err := a.s.Audit.List(c.ctx(), pipeline.AuditFilter{Actor: c.text("actor"), Action: c.text("action"), Object: c.text("object"),
			Since: since, Until: until, Limit: c.limit(), Cursor: c.text("cursor")})
		if err != nil {
			return nil, err
		}
		return auditList{Entries: list(page.Items, toEntry), NextCursor: optional(page.Next)}, nil
	}}
}

func toEntry(e pipeline.Entry) entryItem {
	return entryItem{ID: e.ID, At: stamp(e.At), Actor: e.Actor, Role: optional(e.Role), From: optional(e.From), Action: e.Action, Object: e.Object,
		Reason: optional(e.Reason), Result: e.Result, Detail: pipeline.JSONValue(e.Detail),
		Chain: optional(e.Link.Chain), Number: e.Link.Number, Hash: optional(e.Link.Tail())}
}
