package handlers

import (
	"context"
	"net/http"

	"redrive/pipeline"
	"redrive/views"
)

// Cancel ends an operation; what it moved stays moved.
func (h *Redrives) Cancel(w http.ResponseWriter, r *http.Request) error {
	return h.steer(w, r, "cancel", func(ctx context.Context, id string, f *form) (string, error) {
		reason := f.reason()
		if err := f.err(); err != nil {
			return "", err
		}
		op, err := h.operations.Cancel(ctx, id, reason)
		return "Cancelled. " + views.Plural(max(0, op.Eligible-op.Moved), "row was", "rows were") + " not touched.", err
	})
}

// Pause holds an operation where it is.
func (h *Redrives) Pause(w http.ResponseWriter, r *http.Request) error {
	return h.steer(w, r, "pause", func(ctx context.Context, id string, f *form) (string, error) {
		_, err := h.operations.Pause(ctx, id, f.text("reason"))
		return "Paused. Rows on their way finish.", err
	})
}

// Resume goes on with an operation, at the typed rate; on a running one it only
// changes the rate.
func (h *Redrives) Resume(w http.ResponseWriter, r *http.Request) error {
	return h.steer(w, r, "resume", func(ctx context.Context, id string, f *form) (string, error) {
		var rate *float64
		if f.text("rate") != "" {
			v := f.decimal("rate", 0, 0, 1e6)
			rate = &v
		}
		if err := f.err(); err != nil {
			return "", err
		}
		op, err := h.operations.Resume(ctx, id, rate, f.text("reason"))
		return "Goes on, " + views.RateText(op.Rate) + ".", err
	})
}

// Restore takes a discard back and leads to the operation that does it.
func (h *Redrives) Restore(w http.ResponseWriter, r *http.Request) error {
	var restore pipeline.Operation
	return h.act(w, r, "restore", func(ctx context.Context, id string, f *form) (string, error) {
		reason := f.reason()
		if err := f.err(); err != nil {
			return "", err
		}
		var err error
		restore, err = h.operations.Restore(ctx, id, reason)
		return "The discard is taken back.", err
	}, func() string { return restore.ID })
}

type steerFunc = func(ctx context.Context, id string, f *form) (done string, err error)

func (h *Redrives) steer(w http.ResponseWriter, r *http.Request, verb string, do steerFunc) error {
	return h.act(w, r, verb, do, func() string { return param(r, "id") })
}

// act does something to an operation and leads to the operation to look at then.
func (h *Redrives) act(w http.ResponseWriter, r *http.Request, verb string, do steerFunc, next func() string) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	done, err := do(r.Context(), param(r, "id"), f)
	if no, ok := refused(err); ok {
		return h.show(w, r, no.Status, views.ActForm{Verb: verb, Rate: f.text("rate"), Reason: f.values.Get("reason"), Error: sentence(no.Text), ErrorFor: no.Field})
	}
	if err != nil {
		return err
	}
	return redirect(w, r, views.Href(baseOf(r), "redrives", next()), done, true)
}
