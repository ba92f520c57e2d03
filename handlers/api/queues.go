package api

import (
	"context"
	"encoding/base64"
	"strings"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type queues interface {
	queueReader
	queueActor
	queueMover
}

type queueReader interface {
	List(ctx context.Context) ([]pipeline.Queue, error)
	Get(ctx context.Context, name string) (pipeline.Queue, error)
	LastLook(ctx context.Context, name string) (pipeline.QueueLook, error)
	RevealAll(ctx context.Context, name, way string) error
	Copies(ctx context.Context, name string, f pipeline.QueueCopyFilter) (pipeline.Page[pipeline.QueueCopy], error)
	Moves(ctx context.Context, name string, limit int) ([]pipeline.QueueMove, error)
}

type queueActor interface {
	Browse(ctx context.Context, name string, most int) (pipeline.QueueSight, error)
	Purge(ctx context.Context, name, reason string) (pipeline.Queue, error)
}

type queueList struct {
	Queues []queueItem `json:"queues"`
}

// queueItem is a queue as SQS describes it; its counts are approximate.
type queueItem struct {
	Name            string   `json:"name"`
	URL             optional `json:"url"`
	ARN             optional `json:"arn"`
	Kind            string   `json:"kind" enum:"queue,dead-letter"`
	FIFO            bool     `json:"fifo"`
	Visible         int64    `json:"visible"`
	InFlight        int64    `json:"in_flight"`
	Delayed         int64    `json:"delayed"`
	DeadLetterQueue optional `json:"dead_letter_queue"`
	MaxReceives     count    `json:"max_receive_count"`
	Sources         []string `json:"sources"`
	Retention       *span    `json:"retention"`
	Pipeline        optional `json:"pipeline"`
	Step            optional `json:"step"`
	Error           optional `json:"error"`
	ReadAt          stamp    `json:"read_at"`
}

type queueAnswer struct {
	queueItem
	LastLook   *lookItem  `json:"last_look"`
	PurgedAt   stamp      `json:"purged_at"`
	Messages   []copyItem `json:"messages"`
	NextCursor optional   `json:"next_cursor"`
	Searched   int        `json:"searched"`
	Moves      []moveItem `json:"moves"`
}

type lookItem struct {
	At   stamp  `json:"at"`
	By   string `json:"by"`
	Seen int    `json:"seen"`
	New  int    `json:"new"`
	All  bool   `json:"all"`
}

// messageItem is a message as it was seen.
type messageItem struct {
	ID              string          `json:"id"`
	Body            optional        `json:"body"`
	Masked          bool            `json:"body_masked"`
	Withheld        bool            `json:"body_withheld"`
	Attributes      []attributeItem `json:"attributes"`
	SentAt          stamp           `json:"sent_at"`
	FirstReceivedAt stamp           `json:"first_received_at"`
	Receives        int             `json:"receive_count"`
	Source          optional        `json:"source"`
}

// copyItem is our own copy of one: what was there when it was last seen.
type copyItem struct {
	messageItem
	Size        int      `json:"body_bytes"`
	Cut         bool     `json:"cut"`
	FirstSeenAt stamp    `json:"first_seen_at"`
	SeenAt      stamp    `json:"last_seen_at"`
	InLastLook  bool     `json:"in_last_look"`
	MovedTo     optional `json:"moved_to"`
	MovedAt     stamp    `json:"moved_at"`
	MovedAs     optional `json:"moved_as"`
	Move        optional `json:"move_id"`
}

type attributeItem struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Value    string   `json:"value"`
	Encoding optional `json:"value_encoding"`
}

type browseBody struct {
	Max *int `json:"max"`
}

type browseAnswer struct {
	Queue    string        `json:"queue"`
	Seen     int           `json:"seen"`
	New      int           `json:"new"`
	All      bool          `json:"all"`
	Messages []messageItem `json:"messages"`
}

// ListQueues lists the queues that are not ours.
func (a *API) ListQueues() Operation {
	return Operation{Summary: "Queues that are not ours, with approximate depth and dead-letter relations; needs backend: aws", Answer: queueList{}, Do: func(c *Call) (any, error) {
		all, err := a.s.Queues.List(c.ctx())
		if err != nil {
			return nil, err
		}
		return queueList{Queues: list(all, toQueue)}, nil
	}}
}

// GetQueue is one queue with what was seen in it. Reading it changes nothing.
func (a *API) GetQueue() Operation {
	query := append([]Param{text("q", "in a message's id, body and attributes; case does not matter"), reveal()}, paging()...)
	return Operation{Summary: "One queue, our copies of what was seen in it, and its redrives; reading changes nothing", Query: query, Answer: queueAnswer{}, Do: func(c *Call) (any, error) {
		return a.queue(c, pipeline.QueueCopyFilter{Query: c.text("q"), Limit: c.limit(), Cursor: c.text("cursor")})
	}}
}

func (a *API) queue(c *Call, f pipeline.QueueCopyFilter) (any, error) {
	name, sight := c.name("name"), c.sight()
	q, err := a.s.Queues.Get(c.ctx(), name)
	if err != nil {
		return nil, err
	}
	if c.reveals() {
		if err := a.s.Queues.RevealAll(c.ctx(), name, "api"); err != nil {
			return nil, err
		}
		sight = pipeline.Stored
	}
	look, err := a.s.Queues.LastLook(c.ctx(), name)
	if err != nil {
		return nil, err
	}
	page, err := a.s.Queues.Copies(c.ctx(), name, f)
	if err != nil {
		return nil, err
	}
	moves, err := a.s.Queues.Moves(c.ctx(), name, defaultLimit)
	if err != nil {
		return nil, err
	}
	answer := queueAnswer{queueItem: toQueue(q), PurgedAt: stamp(look.PurgedAt), Moves: list(moves, toMove),
		Messages:   list(page.Items, func(m pipeline.QueueCopy) copyItem { return toCopy(m, look, sight) }),
		NextCursor: optional(page.Next), Searched: page.Scanned}
	if !look.At.IsZero() {
		answer.LastLook = &lookItem{At: stamp(look.At), By: look.By, Seen: look.Seen, New: look.New, All: look.All}
	}
	return answer, nil
}

// BrowseQueue looks into a queue: each message's receive count goes up by one.
func (a *API) BrowseQueue() Operation {
	return Operation{
		Summary: "Look at up to max messages (100; 1,000 at most) and keep copies: each one's receive count goes up by one, and it is hidden for some seconds",
		Body:    browseBody{}, Answer: browseAnswer{},
		Do: func(c *Call) (any, error) {
			var in browseBody
			if err := c.body(&in); err != nil {
				return nil, err
			}
			if in.Max != nil && *in.Max == 0 {
				return nil, problem.Invalid("max", "max must be a whole number from 1 to 1000.")
			}
			sight, err := a.s.Queues.Browse(c.ctx(), c.name("name"), value(in.Max))
			if err != nil {
				return nil, err
			}
			return browseAnswer{Queue: sight.Queue, Seen: sight.Seen, New: sight.New, All: sight.All,
				Messages: list(sight.Messages, func(m pipeline.QueueMessage) messageItem { return toMessage(m, c.sight(), false) })}, nil
		},
	}
}

// PurgeQueue deletes everything in a queue.
func (a *API) PurgeQueue() Operation {
	return Operation{Summary: "Delete everything in a queue, for good; once in 60 seconds", Body: purgeBody{}, Answer: queueItem{}, Do: func(c *Call) (any, error) {
		var in purgeBody
		if err := c.body(&in); err != nil {
			return nil, err
		}
		if err := required("reason", in.Reason); err != nil {
			return nil, err
		}
		q, err := a.s.Queues.Purge(c.ctx(), c.name("name"), in.Reason)
		if err != nil {
			return nil, err
		}
		return toQueue(q), nil
	}}
}

type purgeBody struct {
	Reason string `json:"reason" required:"true"`
}

func toQueue(q pipeline.Queue) queueItem {
	item := queueItem{Name: q.Name, URL: optional(q.URL), ARN: optional(q.ARN), Kind: "queue", FIFO: q.FIFO, Visible: q.Visible, InFlight: q.InFlight, Delayed: q.Delayed,
		DeadLetterQueue: optional(q.DeadLetterQueue), MaxReceives: count(q.MaxReceives), Sources: append([]string{}, q.Sources...),
		Pipeline: optional(q.Step.Pipeline), Step: optional(q.Step.Step), Error: optional(q.Error), ReadAt: stamp(q.ReadAt)}
	if q.IsDeadLetterQueue() {
		item.Kind = "dead-letter"
	}
	if q.Retention > 0 {
		kept := span(q.Retention)
		item.Retention = &kept
	}
	return item
}

func toMessage(m pipeline.QueueMessage, sight pipeline.Sight, cut bool) messageItem {
	m, masked := m.Seen(sight, cut)
	return messageItem{ID: m.ID, Body: optional(m.Body), Masked: masked, Withheld: sight == pipeline.Withheld, Attributes: list(m.Attributes, toAttribute), SentAt: stamp(m.SentAt),
		FirstReceivedAt: stamp(m.FirstReceivedAt), Receives: m.Receives, Source: optional(m.Source)}
}

func toCopy(m pipeline.QueueCopy, look pipeline.QueueLook, sight pipeline.Sight) copyItem {
	return copyItem{messageItem: toMessage(m.QueueMessage, sight, m.Cut), Size: m.Size, Cut: m.Cut, FirstSeenAt: stamp(m.FirstSeenAt), SeenAt: stamp(m.SeenAt),
		InLastLook: m.SeenAt.Equal(look.At), MovedTo: optional(m.MovedTo), MovedAt: stamp(m.MovedAt), MovedAs: optional(m.MovedAs), Move: optional(m.Move)}
}

func toAttribute(a pipeline.QueueAttribute) attributeItem {
	if strings.HasPrefix(a.Type, "Binary") {
		return attributeItem{Name: a.Name, Type: a.Type, Value: base64.StdEncoding.EncodeToString(a.Value), Encoding: "base64"}
	}
	return attributeItem{Name: a.Name, Type: a.Type, Value: string(a.Value)}
}
