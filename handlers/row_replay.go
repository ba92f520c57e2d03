package handlers

import (
	"strings"

	"redrive/pipeline"
	"redrive/views"
)

// The ways to run a step again, as the form sends them before the step's name.
const (
	runNext      = "next"       // from this flag on, with what follows
	runOnly      = "only"       // this step alone
	runAgain     = "again"      // a processed step, alone
	runAgainNext = "again-next" // a processed step and all below it
)

// replayForm offers what can be run again on a row.
func replayForm(row pipeline.Row, steps []pipeline.StepView, chosen string) views.ReplayForm {
	switch row.Status {
	case pipeline.StatusDiscarded:
		return views.ReplayForm{Closed: "This row is discarded. Restore it first, then its steps can be run again."}
	case pipeline.StatusRejected:
		return views.ReplayForm{Closed: "This row breaks its pipeline's schema and never runs. Send it again corrected."}
	}
	var form views.ReplayForm
	for _, f := range row.Steps {
		step := stepNamed(steps, f.Name)
		switch {
		case step == nil || step.Gone:
		case f.State == pipeline.StateProcessed:
			form.Again = append(form.Again, againOptions(f, *step, steps)...)
		case runnable(row, f, *step):
			form.Options = append(form.Options, openOptions(f, *step, steps)...)
		}
	}
	if len(form.Options)+len(form.Again) == 0 {
		form.Closed = "Nothing to run again: each step is on its way already, or waits for another."
		return form
	}
	first := form.Again
	if len(form.Options) > 0 {
		first = form.Options
	}
	form.Choose(first[0].Value)
	for _, o := range append(form.Options[:len(form.Options):len(form.Options)], form.Again...) {
		if chosen != "" && o.Step == chosen {
			form.Choose(o.Value)
			break
		}
	}
	return form
}

// runnable: failed, between two tries, or lost on its way here.
func runnable(row pipeline.Row, f pipeline.Flag, step pipeline.StepView) bool {
	switch f.State {
	case pipeline.StateDead, pipeline.StateRetrying:
		return true
	case pipeline.StateWaiting:
		for _, need := range step.Needs {
			if n, ok := row.Flag(need); ok && n.State != pipeline.StateProcessed {
				return false
			}
		}
		return true
	default:
		return false
	}
}

func openOptions(f pipeline.Flag, step pipeline.StepView, steps []pipeline.StepView) []views.ReplayOption {
	next := followers(step.Name, steps)
	whole := views.ReplayOption{Value: runNext + ":" + f.Name, Step: f.Name, Note: "On the stored input, with " + budget(step) + "."}
	if len(next) > 0 {
		whole.Then = ", then " + strings.Join(next, " and ") + " when all it needs is processed"
	}
	hold(&whole, step)
	if len(next) == 0 {
		return []views.ReplayOption{whole}
	}
	only := views.ReplayOption{Value: runOnly + ":" + f.Name, Step: f.Name, Then: " only",
		Note: "Its flag is set if it answers. What that unlocks waits for the next sweep."}
	return []views.ReplayOption{whole, only}
}

func againOptions(f pipeline.Flag, step pipeline.StepView, steps []pipeline.StepView) []views.ReplayOption {
	at := ", although processed at " + f.ProcessedAt.UTC().Format("2 Jan 15:04:05")
	alone := views.ReplayOption{Value: runAgain + ":" + f.Name, Step: f.Name, Then: " only" + at,
		Note: "Calls its downstream once more, with the same Idempotency-Key. Needs a reason."}
	hold(&alone, step)
	next := followers(step.Name, steps)
	if len(next) == 0 {
		return []views.ReplayOption{alone}
	}
	return []views.ReplayOption{alone, {Value: runAgainNext + ":" + f.Name, Step: f.Name, Then: " and all that follows" + at,
		Note: "Also " + strings.Join(next, " and ") + " and what they unlock run again. Needs a reason."}}
}

// hold says that an open breaker or a pause keeps the step from running at once.
func hold(o *views.ReplayOption, step pipeline.StepView) {
	switch {
	case step.Settings.Paused:
		o.Note += " The step is paused: it runs once somebody resumes it."
	case step.BreakerState == "open":
		o.Note += " Held until " + step.Breaker + " closes."
		if step.BreakerView != nil {
			o.HeldUntil = step.BreakerView.NextProbeAt
		}
	case step.BreakerState == "half-open":
		o.Note += " It may run as a probe of " + step.Breaker + ", which is half-open."
	}
}

func budget(step pipeline.StepView) string {
	if step.Attempts == 0 {
		return "as many tries as it takes"
	}
	return "a fresh budget of " + views.Plural(step.Attempts, "try", "tries")
}

// followers are the steps that directly need a step.
func followers(name string, steps []pipeline.StepView) []string {
	var out []string
	for _, s := range steps {
		for _, need := range s.Needs {
			if need == name {
				out = append(out, s.Name)
			}
		}
	}
	return out
}
