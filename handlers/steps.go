package handlers

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"redrive/pipeline"
	"redrive/views"
)

type stepService interface {
	Get(ctx context.Context, pipeline, step string) (pipeline.StepDetail, error)
	Change(ctx context.Context, pipeline, step string, c pipeline.StepChange) (pipeline.StepView, error)
}

type operationStarter interface {
	Start(ctx context.Context, req pipeline.OperationRequest) (pipeline.Operation, error)
}

// Steps is the page of one step and the forms that change it while it runs.
type Steps struct {
	steps      stepService
	operations operationStarter
	frame      Framer
}

// NewSteps returns the page of a step.
func NewSteps(steps stepService, operations operationStarter, frame Framer) *Steps {
	return &Steps{steps: steps, operations: operations, frame: frame}
}

// Show answers the page of a step.
func (h *Steps) Show(w http.ResponseWriter, r *http.Request) error {
	return h.show(w, r, http.StatusOK, views.StepForms{}, nil)
}

// Change pauses, resumes, limits or resets a step.
func (h *Steps) Change(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	step, err := h.steps.Get(r.Context(), param(r, "pipeline"), param(r, "step"))
	if err != nil {
		return err
	}
	change, done := stepChange(f, step.StepView)
	if err = f.err(); err == nil {
		_, err = h.steps.Change(r.Context(), step.Pipeline, step.Name, change)
	}
	if no, ok := refused(err); ok {
		return h.show(w, r, no.Status, typedStep(f, f.text("do"), no), nil)
	}
	if err != nil {
		return err
	}
	return redirect(w, r, views.Href(baseOf(r), "steps", step.Pipeline, step.Name), done, true)
}

// stepChange reads which form was sent; it tells in words what it does.
func stepChange(f *form, s pipeline.StepView) (change pipeline.StepChange, done string) {
	change.Reason = f.reason()
	switch f.text("do") {
	case "pause":
		paused := f.is("paused")
		change.Paused = &paused
		if paused {
			return change, s.Name + " is paused. Calls under way end."
		}
		return change, s.Name + " goes on."
	case "limits":
		rate, n := f.decimal("rate", s.Settings.Rate, 0, 100_000), f.whole("concurrency", s.Settings.Concurrency, 1, 10_000)
		if rate != s.Settings.Rate {
			change.Rate = &rate
		}
		if n != s.Settings.Concurrency {
			change.Concurrency = &n
		}
		if change.Rate == nil && change.Concurrency == nil {
			f.refuse("rate", "Nothing is different from what holds now.")
		}
		return change, s.Name + " has new limits."
	case "reset":
		change.Reset = true
		return change, s.Name + " is as configured again."
	default:
		f.refuse("do", "Use one of the forms on this page.")
		return change, ""
	}
}

// Evict discards rows that wait at a step. It leads to the operation, where it
// can be undone.
func (h *Steps) Evict(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	req := evictRequest(f, param(r, "pipeline"), param(r, "step"))
	var op pipeline.Operation
	if err = f.err(); err == nil {
		op, err = h.operations.Start(r.Context(), req)
	}
	if no, ok := refused(err); ok {
		return h.show(w, r, no.Status, typedStep(f, "evict", no), nil)
	}
	if err != nil {
		return err
	}
	if req.DryRun {
		count := &views.EvictCount{Matched: op.Matched, Eligible: op.Eligible, Skipped: op.Skipped}
		return h.show(w, r, http.StatusOK, typedStep(f, "evict", refusal{}), count)
	}
	done := views.Plural(op.Eligible, "row is", "rows are") + " being discarded. Restore takes it back."
	if op.Eligible == 0 {
		done = "No row waits there that matches: nothing is discarded."
	}
	return redirect(w, r, views.Href(baseOf(r), "redrives", op.ID), done, op.Eligible > 0)
}

func evictRequest(f *form, name, step string) pipeline.OperationRequest {
	req := pipeline.OperationRequest{Kind: pipeline.OpDiscard, DryRun: f.is("dry_run"),
		Selector: pipeline.Selector{Pipeline: name, Step: step}}
	switch f.text("which") {
	case "older_than":
		req.OlderThan = f.duration("older_than", 0)
		if req.OlderThan < time.Second {
			f.refuse("older_than", "A time like 90s, 15m, 2h or 3d, at least a second.")
		}
	case "oldest":
		req.Oldest = f.whole("oldest", 0, 1, 10_000_000)
		if req.Oldest == 0 {
			f.refuse("oldest", "How many rows, at least 1.")
		}
	default:
		f.refuse("older_than", "Choose which rows.")
	}
	if req.DryRun {
		req.Reason = f.values.Get("reason")
	} else {
		req.Reason = f.reason()
	}
	return req
}

// typedStep keeps what was typed into the form that was sent.
func typedStep(f *form, do string, no refusal) views.StepForms {
	return views.StepForms{Do: do, Field: no.Field, Error: no.Text, Rate: f.text("rate"), Concurrency: f.text("concurrency"),
		Which: f.text("which"), OlderThan: f.text("older_than"), Oldest: f.text("oldest"), Reason: f.values.Get("reason")}
}

func (h *Steps) show(w http.ResponseWriter, r *http.Request, status int, forms views.StepForms, counts *views.EvictCount) error {
	step, err := h.steps.Get(r.Context(), param(r, "pipeline"), param(r, "step"))
	if err != nil {
		return err
	}
	if forms.Do != "limits" {
		forms.Rate = strconv.FormatFloat(step.Settings.Rate, 'f', -1, 64)
		forms.Concurrency = strconv.Itoa(step.Settings.Concurrency)
	}
	page := h.frame(r, views.SectionOverview, step.Name+", "+step.Pipeline)
	page.Back = views.Href[string](page.Base)
	return render(w, r, status, views.StepPage(views.StepProps{Page: page, Step: step, Forms: forms, Counts: counts}))
}
