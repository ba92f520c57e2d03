package handlers

import (
	"net/http"
	"slices"

	"redrive/pipeline"
	"redrive/views"
)

// plan is what a redrive of everything that matches would do: a dry run.
func (h *DeadLetters) plan(r *http.Request, state pipeline.Overview, q lettersFilter, group *pipeline.Group, matching int64) (views.LetterPlan, error) {
	sel, closed := selectorOf(state, q, group)
	switch {
	case matching == 0:
		return views.LetterPlan{Closed: "Nothing matches, so there is nothing to redrive."}, nil
	case closed != "":
		return views.LetterPlan{Closed: closed}, nil
	case sel.Pipeline == "":
		return views.LetterPlan{Closed: "A redrive is about one pipeline. Choose one, or a cause, or tick letters of one pipeline.",
			Pick: pickPipeline(baseOf(r), state, q)}, nil
	}
	rate := defaultRate(state, sel)
	dry, err := h.plans.Start(r.Context(), pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: sel, Rate: rate, DryRun: true})
	if no, ok := refused(err); ok {
		return views.LetterPlan{Closed: sentence(no.Text)}, nil
	}
	if err != nil {
		return views.LetterPlan{}, err
	}
	cause := ""
	if group != nil {
		cause = group.Error
	}
	plan := views.LetterPlan{Scope: views.SelectorText(dry.Matched, sel, cause), Title: "Plan for " + views.Count(dry.Matched) + " matching",
		Fields: append(selectorFields(sel), views.Hidden{Name: "previewed", Value: dry.Preview()}), Known: true, Matched: dry.Matched, Eligible: dry.Eligible, Skipped: dry.Skipped,
		Rate: short(rate), Takes: views.TakesText(dry.Eligible, rate)}
	plan.Held, plan.Calls = inTheWay(state, sel)
	return plan, nil
}

func pickPipeline(base string, state pipeline.Overview, q lettersFilter) []views.Action {
	var out []views.Action
	for _, p := range state.Pipelines {
		out = append(out, views.Action{Label: p.Name,
			Href: views.WithQuery(views.Href(base, "dead-letters"), "pipeline", p.Name, "step", q.Step, "q", q.Query) + "#plan"})
	}
	return out
}

// selectorOf is the one selector the filter stands for, or why there is none.
func selectorOf(state pipeline.Overview, q lettersFilter, group *pipeline.Group) (pipeline.Selector, string) {
	sel := pipeline.Selector{Pipeline: q.Pipeline, Step: q.Step}
	if sel.Pipeline == "" && len(state.Pipelines) == 1 {
		sel.Pipeline = state.Pipelines[0].Name
	}
	switch {
	case q.Group != "" && q.Query != "":
		return sel, "A redrive goes by a cause or by a search, not by both at once. Take one of them away, or tick single letters."
	case q.Group != "" && group == nil:
		return sel, "This cause has no letters any more."
	case q.Group != "":
		sel.Pipeline, sel.Step, sel.Group = group.Pipeline, group.Step, group.Group
	case q.Query != "":
		sel.Query = q.Query
	default:
		sel.All = true
	}
	return sel, ""
}

func selectorFields(sel pipeline.Selector) []views.Hidden {
	out := []views.Hidden{{Name: "pipeline", Value: sel.Pipeline}}
	for _, f := range []views.Hidden{{Name: "step", Value: sel.Step}, {Name: "group", Value: sel.Group}, {Name: "q", Value: sel.Query}} {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	if sel.All {
		out = append(out, views.Hidden{Name: "all", Value: "true"})
	}
	return out
}

// defaultRate is a careful one: the step's own limit, at most ten a second.
func defaultRate(state pipeline.Overview, sel pipeline.Selector) float64 {
	const careful = 10
	if s := stepNamed(stepsOf(state, sel.Pipeline), sel.Step); s != nil && s.Settings.Rate > 0 {
		return min(careful, s.Settings.Rate)
	}
	return careful
}

// inTheWay is the first breaker that is not closed before the steps a redrive
// calls, and the names of what it calls.
func inTheWay(state pipeline.Overview, sel pipeline.Selector) (*pipeline.BreakerView, string) {
	var held *pipeline.BreakerView
	calls := ""
	for _, s := range stepsOf(state, sel.Pipeline) {
		if sel.Step != "" && s.Name != sel.Step || sel.Step == "" && s.Counts.Dead == 0 {
			continue
		}
		if calls != "" {
			calls += ", "
		}
		calls += s.Name
		i := slices.IndexFunc(state.Breakers, func(b pipeline.BreakerView) bool { return b.Name == s.Breaker })
		if held == nil && i >= 0 && state.Breakers[i].State == "open" {
			held = &state.Breakers[i]
		}
	}
	return held, calls
}
