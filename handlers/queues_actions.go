package handlers

import (
	"context"
	"math"
	"net/http"
	"strings"

	"redrive/pipeline"
	"redrive/views"
)

// Browse takes a look into a queue. It is a POST: a look does something to what
// it sees.
func (h *Queues) Browse(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	most := f.whole("max", 0, 1, 1000)
	var sight pipeline.QueueSight
	if err = f.err(); err == nil {
		sight, err = h.queues.Browse(r.Context(), param(r, "name"), most)
	}
	if no, ok := refused(err); ok {
		return h.show(w, r, no.Status, queueQuery{}, func(p *views.QueueProps) {
			p.Browse = views.QueueLookForm{Max: f.text("max"), Error: sentence(no.Text)}
		})
	}
	if err != nil {
		return err
	}
	return redirect(w, r, h.own(r), sightText(sight), true)
}

func sightText(s pipeline.QueueSight) string {
	if s.Seen == 0 {
		return "Looked, and no message could be taken."
	}
	text := "Seen " + views.Plural(s.Seen, "message", "messages") + ", " + views.Count(s.New) + " of them for the first time. All are back in the queue."
	if s.All {
		text += " It was everything that could be taken."
	}
	return text
}

// Redrive moves the ticked messages, or all.
func (h *Queues) Redrive(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	req := pipeline.QueueMoveRequest{All: f.is("all"), To: f.text("to"), Native: f.is("native"), Rate: f.decimal("rate", 0, 0, 1e6), Reason: f.reason()}
	if !req.All {
		if req.IDs = f.all("ids"); len(req.IDs) == 0 {
			f.refuse("ids", "Tick the messages this is about.")
		}
	}
	var m pipeline.QueueMove
	if err = f.err(); err == nil {
		m, err = h.queues.Move(r.Context(), param(r, "name"), req)
	}
	if no, ok := refused(err); ok {
		return h.redriveRefused(w, r, f, req, no)
	}
	if err != nil {
		return err
	}
	return redirect(w, r, h.own(r), "Redrive of "+moveScope(m)+" started.", true)
}

func moveScope(m pipeline.QueueMove) string {
	if m.All {
		return "all, about " + views.Plural(m.Matched, "message", "messages") + ","
	}
	return views.Plural(m.Matched, "message", "messages")
}

// redriveRefused shows the page again as it was, with what was typed and why.
func (h *Queues) redriveRefused(w http.ResponseWriter, r *http.Request, f *form, req pipeline.QueueMoveRequest, no refusal) error {
	return h.show(w, r, no.Status, queueQuery{text: f.text("in_q")}, func(p *views.QueueProps) {
		form := &p.All
		if !req.All {
			form = &p.Selected
			form.Ticked = ticked(req.IDs)
		}
		form.Targets = chosen(form.Targets, req.To)
		form.Native, form.Reason, form.Error, form.For = req.Native, f.values.Get("reason"), sentence(no.Text), strings.TrimSuffix(no.Field, "_per_second")
		if v := f.text("rate"); v != "" {
			form.Rate = v
		}
	})
}

// Purge deletes everything in a queue, unless there is more in it than whoever
// says so has seen.
func (h *Queues) Purge(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	reason := f.reason()
	if err = h.seen(r, f); err == nil {
		_, err = h.queues.Purge(r.Context(), param(r, "name"), reason)
	}
	if no, ok := refused(err); ok {
		return h.show(w, r, no.Status, queueQuery{}, func(p *views.QueueProps) {
			p.Purge = views.QueueLookForm{Reason: f.values.Get("reason"), Error: sentence(no.Text)}
		})
	}
	if err != nil {
		return err
	}
	return redirect(w, r, h.own(r), "Purged. SQS takes up to 60 seconds until the last message is gone.", true)
}

// seen holds what a form says of a queue's depth against the depth it has now.
func (h *Queues) seen(r *http.Request, f *form) error {
	was := f.whole("previewed", math.MaxInt, 0, math.MaxInt)
	if f.err() != nil || was == math.MaxInt {
		return f.err()
	}
	q, err := h.queues.Get(r.Context(), param(r, "name"))
	if err == nil && q.Depth() > int64(was) {
		err = &pipeline.Error{Code: pipeline.CodeConflict, Field: "previewed", Text: "there is more in the queue than when you looked: about " +
			views.Count(was) + " then, " + views.Count(q.Depth()) + " now; nothing was deleted, look again and repeat"}
	}
	return err
}

// Cancel ends a redrive; what it moved stays moved.
func (h *Queues) Cancel(w http.ResponseWriter, r *http.Request) error {
	return h.steer(w, r, "cancel", func(ctx context.Context, name, id string, f *form) (string, error) {
		reason := f.reason()
		if err := f.err(); err != nil {
			return "", err
		}
		m, err := h.queues.CancelMove(ctx, name, id, reason)
		return "Cancelled. " + views.Plural(m.Moved, "message stays", "messages stay") + " moved.", err
	})
}

// Pause holds a redrive where it is.
func (h *Queues) Pause(w http.ResponseWriter, r *http.Request) error {
	return h.steer(w, r, "pause", func(ctx context.Context, name, id string, f *form) (string, error) {
		_, err := h.queues.PauseMove(ctx, name, id, f.text("reason"))
		return "Paused. What was in hand is back in the queue.", err
	})
}

// Resume goes on with a redrive, at the typed rate.
func (h *Queues) Resume(w http.ResponseWriter, r *http.Request) error {
	return h.steer(w, r, "resume", func(ctx context.Context, name, id string, f *form) (string, error) {
		var rate *float64
		if f.text("rate") != "" {
			v := f.decimal("rate", 0, 0, 1e6)
			rate = &v
		}
		if err := f.err(); err != nil {
			return "", err
		}
		m, err := h.queues.ResumeMove(ctx, name, id, rate, f.text("reason"))
		return "Goes on, " + views.RateText(m.Rate) + ".", err
	})
}

func (h *Queues) steer(w http.ResponseWriter, r *http.Request, verb string, do func(ctx context.Context, name, id string, f *form) (string, error)) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	id := param(r, "id")
	done, err := do(r.Context(), param(r, "name"), id, f)
	if no, ok := refused(err); ok {
		return h.show(w, r, no.Status, queueQuery{}, func(p *views.QueueProps) {
			p.ActOn, p.Act = id, views.ActForm{Verb: verb, Rate: f.text("rate"), Reason: f.values.Get("reason"), Error: sentence(no.Text), ErrorFor: no.Field}
		})
	}
	if err != nil {
		return err
	}
	return redirect(w, r, h.own(r), done, true)
}

func (h *Queues) own(r *http.Request) string {
	return string(views.Href(baseOf(r), "queues", param(r, "name")))
}
