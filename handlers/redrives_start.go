package handlers

import (
	"net/http"
	"slices"
	"strings"

	"redrive/pipeline"
	"redrive/views"
)

// Start redrives the dead letters a form selects: the ticked ones, a cause, a
// search, or all of a pipeline or step.
func (h *Redrives) Start(w http.ResponseWriter, r *http.Request) error {
	return h.start(w, r, pipeline.OpRedrive)
}

// Discard sets the rows of the dead letters a form selects aside.
func (h *Redrives) Discard(w http.ResponseWriter, r *http.Request) error {
	return h.start(w, r, pipeline.OpDiscard)
}

func (h *Redrives) start(w http.ResponseWriter, r *http.Request, kind pipeline.OperationKind) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	req, err := h.request(r, f, kind)
	var op pipeline.Operation
	if err == nil {
		op, err = h.operations.Start(r.Context(), req)
	}
	if no, ok := refused(err); ok {
		return h.startRefused(w, r, f, no)
	}
	if err != nil {
		return err
	}
	text := "Redrive started."
	if kind == pipeline.OpDiscard {
		text = "Discard started. It can be taken back here."
	}
	return redirect(w, r, views.Href(baseOf(r), "redrives", op.ID), text, true)
}

// request reads a form. A form around ticked boxes says nothing but ids, whatever
// filter the list had.
func (h *Redrives) request(r *http.Request, f *form, kind pipeline.OperationKind) (pipeline.OperationRequest, error) {
	req := pipeline.OperationRequest{Kind: kind, Rate: f.decimal("rate", 0, 0, 1e6), Reason: f.reason()}
	ids := slices.DeleteFunc(slices.Clone(f.all("ids")), func(id string) bool { return strings.TrimSpace(id) == "" })
	if f.is("selected") || len(ids) > 0 {
		if len(ids) == 0 {
			f.refuse("ids", "Tick the letters this is about.")
		}
		if err := f.err(); err != nil {
			return req, err
		}
		name, err := h.letters.pipelineOf(r.Context(), ids)
		req.Selector = pipeline.Selector{Pipeline: name, IDs: ids}
		return req, err
	}
	req.Selector = pipeline.Selector{Pipeline: f.text("pipeline"), Step: f.text("step"), Group: f.text("group"), Query: f.text("q"), All: f.is("all")}
	req.Previewed = f.text("previewed")
	return req, f.err()
}

// startRefused shows the list again as it was, with what was typed and why.
func (h *Redrives) startRefused(w http.ResponseWriter, r *http.Request, f *form, no refusal) error {
	selected := f.is("selected") || len(f.all("ids")) > 0
	q := lettersFilter{Pipeline: f.text("pipeline"), Step: f.text("step"), Group: f.text("group"), Query: f.text("q")}
	if selected {
		q = lettersFilter{Pipeline: f.text("in_pipeline"), Step: f.text("in_step"), Group: f.text("in_group"), Query: f.text("in_q")}
	}
	if q.Group != "" {
		q.Pipeline, q.Step = "", ""
	}
	return h.letters.show(w, r, no.Status, q, func(p *views.DeadLettersProps) {
		if selected {
			p.Selected.Ticked, p.Selected.Reason, p.Selected.Error = ticked(f.all("ids")), f.values.Get("reason"), sentence(no.Text)
			return
		}
		p.Plan.Reason, p.Plan.Error, p.Plan.ErrorFor = f.values.Get("reason"), sentence(no.Text), strings.TrimSuffix(no.Field, "_per_second")
		if v := f.text("rate"); v != "" {
			p.Plan.Rate = v
		}
		if p.Plan.Closed != "" {
			p.Plan.Closed = sentence(no.Text) + " " + p.Plan.Closed
		}
	})
}
