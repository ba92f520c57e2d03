package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"redrive/pipeline"
	"redrive/views"
)

// Run starts a sweep, or a dry run of one.
func (h *Sweeps) Run(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	asked := time.Now()
	s, err := h.run(r.Context(), f)
	if no, ok := refused(err); ok {
		return h.show(w, r, no.Status, func(p *views.SweepsProps) {
			p.Run.Wrong = views.Wrong{Field: no.Field, Text: sentence(no.Text)}
		})
	}
	if err != nil {
		return err
	}
	text := "The sweep runs."
	switch {
	case s.StartedAt.Before(asked):
		text = "Nothing was started: this one is still running."
	case s.DryRun:
		text = "The dry run runs; it changes nothing."
	}
	return redirect(w, r, views.Href(baseOf(r), "sweeps", s.ID), text, !s.StartedAt.Before(asked))
}

func (h *Sweeps) run(ctx context.Context, f *form) (pipeline.Sweep, error) {
	s, err := h.sweeps.Start(ctx, f.is("dry_run"), f.text("pipeline"))
	if errors.Is(err, pipeline.ErrNotFound) {
		return s, badField("pipeline", "There is no pipeline named "+f.text("pipeline")+" any more. Choose another.")
	}
	return s, err
}

// Schedule changes when sweeps run, or puts it back to the configuration.
func (h *Sweeps) Schedule(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	schedule, err := h.change(r.Context(), f)
	if no, ok := refused(err); ok {
		return h.show(w, r, no.Status, func(p *views.SweepsProps) { p.Change = typedSchedule(p.Change, f, no) })
	}
	if err != nil {
		return err
	}
	return redirect(w, r, views.Href(baseOf(r), "sweeps"), scheduled(schedule), true)
}

func (h *Sweeps) change(ctx context.Context, f *form) (pipeline.SweepSchedule, error) {
	c := pipeline.ScheduleChange{Reset: f.is("reset")}
	if !c.Reset {
		cron, after, enabled := f.text("cron"), f.duration("stuck_after", 0), f.is("enabled")
		if cron == "" {
			f.refuse("cron", "Five fields: minute, hour, day, month, day of the week.")
		}
		if f.text("stuck_after") == "" {
			f.refuse("stuck_after", "A time like 15m; at least 1s.")
		}
		c.Cron, c.StuckAfter, c.Enabled = &cron, &after, &enabled
	}
	c.Reason = f.reason()
	if err := f.err(); err != nil {
		return pipeline.SweepSchedule{}, err
	}
	schedule, err := h.sweeps.SetSchedule(ctx, c)
	if errors.Is(err, pipeline.ErrVersion) {
		return schedule, &pipeline.Error{Code: pipeline.CodeConflict, Text: "Somebody else changed the schedule meanwhile. Look at it again, then repeat."}
	}
	return schedule, err
}

func typedSchedule(now views.ScheduleForm, f *form, no refusal) views.ScheduleForm {
	now.Reason, now.Reset = f.values.Get("reason"), f.is("reset")
	now.Wrong = views.Wrong{Field: no.Field, Text: sentence(no.Text)}
	if !now.Reset {
		now.Cron, now.StuckAfter, now.Enabled = f.text("cron"), f.text("stuck_after"), f.is("enabled")
	}
	return now
}

func scheduled(s pipeline.SweepSchedule) string {
	if !s.Enabled {
		return "Sweeps no longer run by schedule."
	}
	text := "Sweeps run " + views.ScheduleWords(s.SweepSettings)
	if len(s.NextRuns) > 0 {
		text += "; next at " + s.NextRuns[0].UTC().Format("15:04") + " UTC"
	}
	return text + "."
}
