package handlers

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"redrive/pipeline"
	"redrive/views"
)

type sweepService interface {
	Start(ctx context.Context, dryRun bool, pipeline string) (pipeline.Sweep, error)
	Get(ctx context.Context, id string) (pipeline.Sweep, error)
	List(ctx context.Context, cursor string, limit int) (pipeline.Page[pipeline.Sweep], error)
	Schedule(ctx context.Context) (pipeline.SweepSchedule, error)
	SetSchedule(ctx context.Context, c pipeline.ScheduleChange) (pipeline.SweepSchedule, error)
}

// sweepsShown is how many reports a page lists.
const sweepsShown = 20

// Sweeps are the pages of the sweeps.
type Sweeps struct {
	sweeps sweepService
	state  overviews
	frame  Framer
}

// NewSweeps returns the pages of the sweeps. The overview tells which pipelines
// there are and how many of their rows are not finished.
func NewSweeps(sweeps sweepService, state overviews, frame Framer) *Sweeps {
	return &Sweeps{sweeps: sweeps, state: state, frame: frame}
}

// List shows the schedule, the reports and the forms.
func (h *Sweeps) List(w http.ResponseWriter, r *http.Request) error {
	return h.show(w, r, http.StatusOK, func(*views.SweepsProps) {})
}

// show renders the page; amend puts back what was typed before an error.
func (h *Sweeps) show(w http.ResponseWriter, r *http.Request, status int, amend func(*views.SweepsProps)) error {
	ctx := r.Context()
	schedule, err := h.sweeps.Schedule(ctx)
	if err != nil {
		return err
	}
	state, err := h.state.Overview(ctx)
	if err != nil {
		return err
	}
	way := readTrail(readQuery(r))
	page, err := h.sweeps.List(ctx, way.cursor, sweepsShown)
	if err != nil {
		return err
	}
	newest := page
	if way.cursor != "" {
		if newest, err = h.sweeps.List(ctx, "", 2); err != nil {
			return err
		}
	}
	props := views.SweepsProps{Page: h.frame(r, views.SectionSweeps, "Sweeps"), Schedule: schedule, Reports: page.Items,
		Listing: sweepsListing(views.Href(baseOf(r), "sweeps"), way, page),
		Run:     views.SweepForm{Pipelines: sweepTargets(state, readQuery(r).text("pipeline"))},
		Change:  views.ScheduleForm{Cron: schedule.Cron, StuckAfter: views.DurationInput(schedule.StuckAfter), Enabled: schedule.Enabled}}
	props.Running, props.Newest = standing(newest.Items)
	amend(&props)
	return render(w, r, status, views.SweepsPage(props))
}

// standing are the sweep that runs and the newest that ended, if there are any.
func standing(newestFirst []pipeline.Sweep) (running, ended *pipeline.Sweep) {
	for i := range newestFirst {
		switch s := &newestFirst[i]; {
		case s.State == pipeline.SweepRunning && running == nil:
			running = s
		case s.State != pipeline.SweepRunning:
			return running, s
		}
	}
	return running, nil
}

func sweepsListing(own templ.SafeURL, way trail, page pipeline.Page[pipeline.Sweep]) views.Listing {
	return views.Listing{Shown: views.Plural(len(page.Items), "report", "reports") + " shown, newest first",
		Newer: way.newer(own, nil), Older: way.older(own, nil, page.Next)}
}

func sweepTargets(state pipeline.Overview, chosen string) []views.Choice {
	var all int64
	var choices []views.Choice
	for _, p := range state.Pipelines {
		n := p.Unfinished()
		all += n
		choices = append(choices, views.Choice{Value: p.Name, Chosen: p.Name == chosen, Label: p.Name + " (" + views.Plural(n, "row", "rows") + " not finished)"})
	}
	if len(choices) == 1 {
		return choices
	}
	first := views.Choice{Label: "All pipelines (" + views.Plural(all, "row", "rows") + " not finished)"}
	return append([]views.Choice{first}, choices...)
}

// Show is the report of one sweep.
func (h *Sweeps) Show(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sweeps.Get(r.Context(), param(r, "id"))
	if err != nil {
		return err
	}
	props := views.SweepProps{Page: h.frame(r, views.SectionSweeps, ""), Sweep: s, All: readQuery(r).is("all")}
	props.Title = props.Heading()
	props.Back = views.Href(props.Base, "sweeps")
	return render(w, r, http.StatusOK, views.SweepPage(props))
}
