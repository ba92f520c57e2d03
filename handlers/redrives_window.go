package handlers

import (
	"net/http"
	"slices"

	"redrive/pipeline"
	"redrive/views"
)

// minuteField is how a browser writes the value of a datetime-local field.
const minuteField = "2006-01-02T15:04"

// Replay runs the rows of a time window again from the archive; with dry_run it
// only counts them and shows the form with the plan.
func (h *Redrives) Replay(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	req, err := windowRequest(f)
	var op pipeline.Operation
	if err == nil {
		op, err = h.operations.Start(r.Context(), req)
	}
	no, bad := refused(err)
	switch {
	case bad:
		return h.list(w, r, no.Status, &form{}, f, func(v *views.WindowForm) {
			v.Error, v.ErrorFor = sentence(no.Text), no.Field
			v.Plan = h.planAgain(r, req)
		})
	case err != nil:
		return err
	case req.DryRun:
		return h.list(w, r, http.StatusOK, &form{}, f, func(v *views.WindowForm) { v.Plan = &op })
	}
	return redirect(w, r, views.Href(baseOf(r), "redrives", op.ID), "Replay started.", true)
}

// planAgain keeps the plan on the page when only the reason was missing.
func (h *Redrives) planAgain(r *http.Request, req pipeline.OperationRequest) *pipeline.Operation {
	if req.DryRun {
		return nil
	}
	req.DryRun, req.Previewed = true, ""
	op, err := h.operations.Start(r.Context(), req)
	if err != nil {
		return nil
	}
	return &op
}

func windowRequest(f *form) (pipeline.OperationRequest, error) {
	req := pipeline.OperationRequest{Kind: pipeline.OpReplay, DryRun: f.is("dry_run"), Rate: f.decimal("rate", 0, 0, 1e6),
		Selector: pipeline.Selector{Pipeline: f.text("pipeline"), Step: f.text("step"), Since: f.moment("since"), Until: f.moment("until"),
			Status: pipeline.Status(f.text("status"))}}
	if req.Status != "" && !slices.Contains(pipeline.Statuses(), req.Status) {
		f.refuse("status", "There is no such status of a row.")
	}
	if !req.Since.IsZero() && !req.Until.IsZero() && !req.Until.After(req.Since) {
		f.refuse("until", "The window must end after it begins.")
	}
	if !req.DryRun {
		req.Reason, req.Previewed = f.reason(), f.text("previewed")
	}
	return req, f.err()
}

// windowForm is the form as it was typed, with what can be chosen.
func windowForm(state pipeline.Overview, f *form) views.WindowForm {
	chosen := f.text("pipeline")
	statuses := []views.Choice{{Label: "Any that can run"}}
	for _, s := range []pipeline.Status{pipeline.StatusDead, pipeline.StatusInProgress, pipeline.StatusAccepted, pipeline.StatusDone} {
		statuses = append(statuses, views.Choice{Value: string(s), Label: statusLabel(s)})
	}
	return views.WindowForm{Pipelines: pipelineNames(state, chosen), Steps: stepChoices(state, chosen, f.text("step"), "All open steps"),
		Statuses: choose(f.text("status"), statuses, ""), Since: fieldTime(f, "since"), Until: fieldTime(f, "until"),
		Rate: f.text("rate"), Reason: f.values.Get("reason")}
}

// fieldTime is a typed time as the field wants it, which shows nothing else.
func fieldTime(f *form, field string) string {
	if t := (&form{values: f.values}).moment(field); !t.IsZero() {
		return t.Format(minuteField)
	}
	return ""
}

func statusLabel(s pipeline.Status) string {
	if s == pipeline.StatusInProgress {
		return "in progress"
	}
	return string(s)
}
