package handlers

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"redrive/pipeline"
	"redrive/views"
)

// copiesShown is how many copies of messages a page holds.
const copiesShown = 50

type queueService interface {
	queueReader
	queueActor
	queueMover
}

type queueReader interface {
	List(ctx context.Context) ([]pipeline.Queue, error)
	Get(ctx context.Context, name string) (pipeline.Queue, error)
	LastLook(ctx context.Context, name string) (pipeline.QueueLook, error)
	Copies(ctx context.Context, name string, f pipeline.QueueCopyFilter) (pipeline.Page[pipeline.QueueCopy], error)
	Copy(ctx context.Context, name, key string) (pipeline.QueueCopy, error)
	Reveal(ctx context.Context, name, key, way string) (pipeline.QueueCopy, error)
	Moves(ctx context.Context, name string, limit int) ([]pipeline.QueueMove, error)
	TellSource(ctx context.Context, name string) (bool, error)
}

type queueActor interface {
	Browse(ctx context.Context, name string, most int) (pipeline.QueueSight, error)
	Purge(ctx context.Context, name, reason string) (pipeline.Queue, error)
}

type queueMover interface {
	Move(ctx context.Context, name string, req pipeline.QueueMoveRequest) (pipeline.QueueMove, error)
	CancelMove(ctx context.Context, name, id, reason string) (pipeline.QueueMove, error)
	PauseMove(ctx context.Context, name, id, reason string) (pipeline.QueueMove, error)
	ResumeMove(ctx context.Context, name, id string, rate *float64, reason string) (pipeline.QueueMove, error)
}

// Queues is the list and the pages of queues that are not ours.
type Queues struct {
	queues queueService
	frame  Framer
}

// NewQueues returns the pages of queues that are not ours.
func NewQueues(queues queueService, frame Framer) *Queues {
	return &Queues{queues: queues, frame: frame}
}

// List shows the queues, those that others give up into first.
func (h *Queues) List(w http.ResponseWriter, r *http.Request) error {
	all, err := h.queues.List(r.Context())
	if err != nil {
		return err
	}
	props := views.QueuesProps{Page: h.frame(r, views.SectionQueues, "Queues"),
		Empty: views.Nothing{Icon: "queue", Title: "No queue is named", Text: "Name any SQS queue of this account in the configuration, by itself or by what its name begins with; its dead-letter queue comes along."}}
	for _, q := range all {
		if q.IsDeadLetterQueue() {
			props.Dead = append(props.Dead, q)
		} else {
			props.Other = append(props.Other, q)
		}
	}
	slices.SortStableFunc(props.Dead, func(a, b pipeline.Queue) int { return cmp.Compare(b.Depth(), a.Depth()) })
	return render(w, r, http.StatusOK, views.QueuesPage(props))
}

// queueQuery is which copies a page of a queue shows.
type queueQuery struct {
	text  string
	trail trail
}

// Show is the page of one queue. It takes no message.
func (h *Queues) Show(w http.ResponseWriter, r *http.Request) error {
	f := readQuery(r)
	return h.show(w, r, http.StatusOK, queueQuery{text: f.text("q"), trail: readTrail(f)}, func(*views.QueueProps) {})
}

func (h *Queues) show(w http.ResponseWriter, r *http.Request, status int, q queueQuery, amend func(*views.QueueProps)) error {
	props, err := h.props(r)
	if err != nil {
		return err
	}
	var page pipeline.Page[pipeline.QueueCopy]
	if !background(r) || strings.Contains(r.Header.Get("Redrive-Live"), "queue-seen") { // a page that follows a redrive does not read the list again
		if page, err = h.queues.Copies(r.Context(), props.Queue.Name, pipeline.QueueCopyFilter{Query: q.text, Limit: copiesShown, Cursor: q.trail.cursor}); err != nil {
			return err
		}
	}
	own, pairs := views.Href(baseOf(r), "queues", props.Queue.Name), []string{"q", q.text}
	props.Sight, props.Query = pipeline.SightOf(r.Context()), q.text
	for _, c := range page.Items {
		seen, _ := c.Seen(props.Sight)
		props.Copies = append(props.Copies, seen)
	}
	props.List = views.Listing{Shown: views.Plural(len(page.Items), "message", "messages") + " shown, newest first by when they were sent",
		Newer: q.trail.newer(own, pairs), Older: q.trail.older(own, pairs, page.Next)}
	if q.text != "" {
		props.List.Searched = "Searched " + views.Plural(page.Scanned, "copy", "copies") + "."
	}
	amend(&props)
	return render(w, r, status, views.QueuePage(props))
}

// props is everything of a queue but what was seen in it.
func (h *Queues) props(r *http.Request) (views.QueueProps, error) {
	ctx, name := r.Context(), param(r, "name")
	queue, err := h.queues.Get(ctx, name)
	if err != nil {
		return views.QueueProps{}, err
	}
	props := views.QueueProps{Page: h.frame(r, views.SectionQueues, name), Queue: queue, Browse: views.QueueLookForm{Max: "100"}}
	props.Back = views.Href(baseOf(r), "queues")
	if props.Others, err = h.queues.List(ctx); err != nil {
		return props, err
	}
	if props.Look, err = h.queues.LastLook(ctx, name); err != nil {
		return props, err
	}
	if props.Moves, err = h.queues.Moves(ctx, name, copiesShown); err != nil {
		return props, err
	}
	tell := false
	if len(queue.Sources) > 1 {
		tell, err = h.queues.TellSource(ctx, name)
	}
	targets := queueTargets(queue, props.Others, tell)
	props.Selected.Targets, props.All.Targets, props.All.Rate = targets, targets, "10"
	return props, err
}

// queueTargets are the queues that messages of a queue can be sent to, its
// sources first.
func queueTargets(q pipeline.Queue, others []pipeline.Queue, tell bool) []views.Choice {
	var list []views.Choice
	switch {
	case len(q.Sources) == 0:
		list = append(list, views.Choice{Label: "Choose a queue"})
	case len(q.Sources) > 1 && tell:
		list = append(list, views.Choice{Label: "each where it came from"})
	case len(q.Sources) > 1:
		list = append(list, views.Choice{Label: "Choose: it has several sources"})
	}
	for _, name := range q.Sources {
		list = append(list, views.Choice{Value: name, Label: name + ", where they came from"})
	}
	for _, other := range others {
		if other.Name != q.Name && other.Error == "" && other.FIFO == q.FIFO && !slices.Contains(q.Sources, other.Name) {
			list = append(list, views.Choice{Value: other.Name, Label: other.Name})
		}
	}
	return list
}

func chosen(list []views.Choice, value string) []views.Choice {
	list = slices.Clone(list)
	for i := range list {
		list[i].Chosen = list[i].Value == value
	}
	return list
}
