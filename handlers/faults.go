package handlers

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"redrive/pipeline"
	"redrive/views"
)

type faultService interface {
	List(ctx context.Context) []pipeline.Fault
	Start(ctx context.Context, f pipeline.NewFault) (pipeline.Fault, error)
	End(ctx context.Context, id, reason string) (pipeline.Fault, error)
}

type pipelineList interface {
	Pipelines() []pipeline.Pipeline
}

// faultFor is how long a fault lasts when nothing else was typed.
const faultFor = 5 * time.Minute

// Faults is the page of trouble made on purpose.
type Faults struct {
	faults    faultService
	pipelines pipelineList
	frame     Framer
}

// NewFaults returns the page of faults.
func NewFaults(faults faultService, pipelines pipelineList, frame Framer) *Faults {
	return &Faults{faults: faults, pipelines: pipelines, frame: frame}
}

// List shows the faults that are on and the form.
func (h *Faults) List(w http.ResponseWriter, r *http.Request) error {
	return h.show(w, r, http.StatusOK, &form{values: r.URL.Query()}, refusal{})
}

// Start starts a fault.
func (h *Faults) Start(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	fault, err := h.start(r, f)
	if no, ok := refused(err); ok {
		return h.show(w, r, no.Status, f, no)
	}
	if err != nil {
		return err
	}
	return redirect(w, r, views.Href(baseOf(r), "faults"), "Started: "+views.FaultSentence(fault)+".", true)
}

func (h *Faults) start(r *http.Request, f *form) (pipeline.Fault, error) {
	step := h.step(f)
	n := pipeline.NewFault{Pipeline: step.Pipeline, Step: step.Step,
		ErrorRate: f.percent("error_rate"), Throttle: f.percent("throttle"),
		Latency: f.duration("latency", 0), For: f.duration("for", faultFor), Reason: f.reason()}
	if f.err() == nil && n.ErrorRate == 0 && n.Throttle == 0 && n.Latency == 0 {
		f.refuse("error_rate", "Say what shall happen: calls that fail, calls turned away, or a delay.")
	}
	if h.production(r) && !f.is("sure") {
		f.refuse("sure", "Tick the box: this environment is production.")
	}
	if err := f.err(); err != nil {
		return pipeline.Fault{}, err
	}
	return h.faults.Start(r.Context(), n)
}

// step is the chosen step; only one that exists can be chosen.
func (h *Faults) step(f *form) pipeline.StepKey {
	for _, p := range h.pipelines.Pipelines() {
		for _, s := range p.Steps {
			if f.text("step") == p.Name+"/"+s.Name {
				return pipeline.StepKey{Pipeline: p.Name, Step: s.Name}
			}
		}
	}
	f.refuse("step", "Choose one of the steps.")
	return pipeline.StepKey{}
}

// End ends a fault before its time.
func (h *Faults) End(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	fault, err := h.faults.End(r.Context(), param(r, "id"), f.values.Get("reason"))
	if err != nil {
		return err
	}
	return redirect(w, r, views.Href(baseOf(r), "faults"), "Ended: "+views.FaultSentence(fault)+" no more.", true)
}

func (h *Faults) show(w http.ResponseWriter, r *http.Request, status int, f *form, no refusal) error {
	page := h.frame(r, views.SectionFaults, "Faults")
	page.Faults = nil // the page itself is about them
	return render(w, r, status, views.FaultsPage(views.FaultsProps{Page: page, Active: h.faults.List(r.Context()),
		Form: views.FaultForm{Steps: h.choices(f.text("step")), Errors: f.text("error_rate"), Throttle: f.text("throttle"),
			Latency: f.text("latency"), For: cmp.Or(f.text("for"), "5m"), Reason: f.values.Get("reason"),
			Production: isProduction(page.Env), Field: no.Field, Error: no.Text}}))
}

func (h *Faults) choices(chosen string) []views.Choice {
	var out []views.Choice
	list := h.pipelines.Pipelines()
	for _, p := range list {
		for _, s := range p.Steps {
			c := views.Choice{Value: p.Name + "/" + s.Name, Label: s.Name}
			if len(list) > 1 {
				c.Label = p.Name + ": " + s.Name
			}
			c.Chosen = c.Value == chosen
			out = append(out, c)
		}
	}
	return out
}

func (h *Faults) production(r *http.Request) bool {
	return isProduction(h.frame(r, views.SectionFaults, "").Env)
}

func isProduction(env views.Environment) bool {
	return strings.HasPrefix(strings.ToLower(env.Name), "prod") || strings.EqualFold(env.Name, "live")
}
