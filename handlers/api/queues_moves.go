package api

import (
	"context"
	"net/http"
	"strings"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type queueMover interface {
	Move(ctx context.Context, name string, req pipeline.QueueMoveRequest) (pipeline.QueueMove, error)
	GetMove(ctx context.Context, name, id string) (pipeline.QueueMove, error)
	CancelMove(ctx context.Context, name, id, reason string) (pipeline.QueueMove, error)
	PauseMove(ctx context.Context, name, id, reason string) (pipeline.QueueMove, error)
	ResumeMove(ctx context.Context, name, id string, rate *float64, reason string) (pipeline.QueueMove, error)
}

// moveItem is a redrive of a queue.
type moveItem struct {
	ID         string     `json:"id"`
	Queue      string     `json:"queue"`
	To         optional   `json:"to"`
	Native     bool       `json:"native"`
	All        bool       `json:"all"`
	State      string     `json:"state" enum:"running,paused,done,cancelled,stopped,failed"`
	Matched    int64      `json:"matched"`
	Moved      int64      `json:"moved"`
	Missing    int64      `json:"missing"`
	MissingIDs []string   `json:"missing_ids"`
	Twice      int64      `json:"maybe_twice"`
	Skipped    []skipItem `json:"skipped"`
	Rate       count      `json:"rate_per_second"`
	By         string     `json:"by"`
	Reason     optional   `json:"reason"`
	StartedAt  stamp      `json:"started_at"`
	FinishedAt stamp      `json:"finished_at"`
	StopReason optional   `json:"stop_reason"`
	Trouble    optional   `json:"trouble"`
}

type moveBody struct {
	IDs    []string `json:"ids"`
	All    bool     `json:"all"`
	To     string   `json:"to"`
	Rate   *float64 `json:"rate_per_second"`
	Native bool     `json:"native"`
	Reason string   `json:"reason" required:"true"`
}

// RedriveQueue moves messages out of a queue.
func (a *API) RedriveQueue() Operation {
	return Operation{
		Summary: "Move the messages with ids, or all, to where they came from or to another queue: reason and exactly one of ids and all are required; native lets SQS move all of them by itself",
		Body:    moveBody{}, Answer: moveItem{}, Status: http.StatusAccepted,
		Do: func(c *Call) (any, error) {
			var in moveBody
			if err := c.body(&in); err != nil {
				return nil, err
			}
			if err := in.check(); err != nil {
				return nil, err
			}
			return moveDone(a.s.Queues.Move(c.ctx(), c.name("name"), pipeline.QueueMoveRequest{IDs: in.IDs, All: in.All, To: in.To,
				Rate: value(in.Rate), Native: in.Native, Reason: in.Reason}))
		},
	}
}

func (in moveBody) check() error {
	switch {
	case in.IDs == nil && !in.All:
		return problem.Invalid("ids", "Say what to move by exactly one of ids and all; none is given.")
	case in.IDs != nil && in.All:
		return problem.Invalid("all", "Say what to move by exactly one of ids and all; given are both.")
	case in.IDs != nil && len(in.IDs) == 0:
		return problem.Invalid("ids", "ids must name at least one message.")
	case in.To != strings.TrimSpace(in.To):
		return problem.Invalid("to", "to must be the name of a queue, without blanks around it.")
	}
	if err := required("reason", in.Reason); err != nil {
		return err
	}
	return rateFits(in.Rate)
}

// GetQueueMove is one redrive of a queue as it stands.
func (a *API) GetQueueMove() Operation {
	return Operation{Summary: "One redrive of a queue as it stands", Answer: moveItem{}, Do: func(c *Call) (any, error) {
		id, err := c.id()
		if err != nil {
			return nil, err
		}
		return moveDone(a.s.Queues.GetMove(c.ctx(), c.name("name"), id))
	}}
}

// CancelQueueMove ends a redrive; what it moved stays moved.
func (a *API) CancelQueueMove() Operation {
	return a.steerMove("Cancel; what was moved stays moved", queueMover.CancelMove)
}

// PauseQueueMove stops a redrive of our own until it is resumed.
func (a *API) PauseQueueMove() Operation {
	return a.steerMove("Pause until it is resumed; a native one cannot be paused", queueMover.PauseMove)
}

func (a *API) steerMove(summary string, act func(q queueMover, ctx context.Context, name, id, reason string) (pipeline.QueueMove, error)) Operation {
	return Operation{Summary: summary, Body: reasonBody{}, Answer: moveItem{}, Do: func(c *Call) (any, error) {
		var in reasonBody
		id, err := c.idAndBody(&in)
		if err != nil {
			return nil, err
		}
		return moveDone(act(a.s.Queues, c.ctx(), c.name("name"), id, in.Reason))
	}}
}

// ResumeQueueMove lets a paused redrive go on, at another rate if one is given.
func (a *API) ResumeQueueMove() Operation {
	return Operation{Summary: "Go on; may change the rate", Body: resumeBody{}, Answer: moveItem{}, Do: func(c *Call) (any, error) {
		var in resumeBody
		id, err := c.idAndBody(&in)
		if err != nil {
			return nil, err
		}
		if err := rateFits(in.Rate); err != nil {
			return nil, err
		}
		return moveDone(a.s.Queues.ResumeMove(c.ctx(), c.name("name"), id, in.Rate, in.Reason))
	}}
}

func moveDone(m pipeline.QueueMove, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return toMove(m), nil
}

func toMove(m pipeline.QueueMove) moveItem {
	item := moveItem{ID: m.ID, Queue: m.Queue, To: optional(m.To), Native: m.Native, All: m.All, State: string(m.State), Matched: m.Matched, Moved: m.Moved,
		Missing: m.Missing, MissingIDs: []string{}, Twice: m.Twice, Skipped: list(m.Skipped, func(s pipeline.Skip) skipItem { return skipItem(s) }),
		Rate: count(m.Rate), By: m.By, Reason: optional(m.Reason), StartedAt: stamp(m.StartedAt), FinishedAt: stamp(m.FinishedAt),
		StopReason: optional(m.StopReason), Trouble: optional(m.Trouble)}
	if m.Missing > 0 {
		item.MissingIDs = append(item.MissingIDs, m.Open...)
	}
	return item
}
