package handlers

import (
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"redrive/pipeline"
	"redrive/views"
)

// statusUnfinished is the filter for rows that are neither done nor set aside.
const statusUnfinished = "unfinished"

// rowsFilter is the filter of the list of rows as its URL says it.
type rowsFilter struct {
	Pipeline, Status, Step, State, Since, Until, Query string
	trail                                              trail
}

func readRowsFilter(f *form) rowsFilter {
	return rowsFilter{Pipeline: f.text("pipeline"), Status: f.text("status"), Step: f.text("step"), State: f.text("state"),
		Since: f.text("since"), Until: f.text("until"), Query: f.text("q"), trail: readTrail(f)}
}

// filter is what the service is asked for; the error names the value that cannot
// be meant.
func (q rowsFilter) filter(f *form) (pipeline.RowFilter, error) {
	out := pipeline.RowFilter{Pipeline: q.Pipeline, Step: q.Step, Query: q.Query, Limit: rowsShown, Cursor: q.trail.cursor,
		Since: since(f, "since"), Until: since(f, "until")}
	switch {
	case q.Status == "":
	case q.Status == statusUnfinished:
		out.Statuses = []pipeline.Status{pipeline.StatusAccepted, pipeline.StatusInProgress, pipeline.StatusDead}
	case slices.Contains(pipeline.Statuses(), pipeline.Status(q.Status)):
		out.Status = pipeline.Status(q.Status)
	default:
		f.refuse("status", "There is no status “"+views.Clip(q.Status, 40)+"”; there are unfinished, accepted, in_progress, done, dead, rejected and discarded.")
	}
	if q.State != "" {
		out.State = pipeline.State(q.State)
		if !slices.Contains(pipeline.States(), out.State) {
			f.refuse("state", "There is no state “"+views.Clip(q.State, 40)+"”; there are waiting, queued, running, retrying, processed and dead.")
		}
	}
	if !out.Since.IsZero() && !out.Until.IsZero() && !out.Until.After(out.Since) {
		f.refuse("until", "The time until is not after the time since.")
	}
	return out, f.err()
}

// since is a moment, or how long ago it was: 15m, 2h, 3d.
func since(f *form, field string) time.Time {
	v := strings.ReplaceAll(f.text(field), " ", "")
	if d, err := parseDuration(v); v != "" && err == nil && d >= 0 {
		return time.Now().UTC().Add(-d)
	}
	return f.moment(field)
}

// query are the pairs of the filter's URL, without the page.
func (q rowsFilter) query() []string {
	return []string{"pipeline", q.Pipeline, "status", q.Status, "step", q.Step, "state", q.State,
		"since", q.Since, "until", q.Until, "q", q.Query}
}

// fields carry the filter through a form.
func (q rowsFilter) fields() []views.Hidden {
	var out []views.Hidden
	pairs := append(q.query(), "cursor", q.trail.cursor, "trail", joinTrail(q.trail.back))
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, views.Hidden{Name: pairs[i], Value: pairs[i+1]})
		}
	}
	return out
}

// here is the list's own address, page and all.
func (q rowsFilter) here(base string) templ.SafeURL {
	return views.WithQuery(views.Href(base, "rows"), append(q.query(), "cursor", q.trail.cursor, "trail", joinTrail(q.trail.back))...)
}

// narrow tells whether more than pipeline and status is asked for, so that the
// counters do not know how many rows match.
func (q rowsFilter) narrow() bool {
	return q.Step != "" || q.State != "" || q.Since != "" || q.Until != "" || q.Query != ""
}

func (q rowsFilter) set() bool { return q.narrow() || q.Pipeline != "" || q.Status != "" }

func (q rowsFilter) with(status string) rowsFilter {
	q.Status = status
	return q
}

// windowChoices are the usual spans of time; one typed into the URL stays.
func windowChoices(chosen string) []views.Choice {
	return choose(chosen, []views.Choice{{Label: "Accepted: any time"}, {Value: "15m", Label: "last 15 minutes"}, {Value: "1h", Label: "last hour"},
		{Value: "6h", Label: "last 6 hours"}, {Value: "24h", Label: "last 24 hours"}, {Value: "7d", Label: "last 7 days"}}, "since ")
}

// choose marks the chosen one; a value that is not offered is added, so that a
// form never loses what its URL says.
func choose(chosen string, choices []views.Choice, prefix string) []views.Choice {
	for i := range choices {
		if choices[i].Value == chosen {
			choices[i].Chosen = true
			return choices
		}
	}
	return append(choices, views.Choice{Value: chosen, Label: prefix + chosen, Chosen: true})
}

func stateChoices(chosen string) []views.Choice {
	out := []views.Choice{{Label: "Flag: any"}}
	for _, s := range pipeline.States() {
		out = append(out, views.Choice{Value: string(s), Label: string(s)})
	}
	return choose(chosen, out, "")
}

// stepChoices are the steps of one pipeline, or of all with an empty name.
func stepChoices(o pipeline.Overview, of, chosen, all string) []views.Choice {
	out := []views.Choice{{Label: all}}
	for _, p := range o.Pipelines {
		if of != "" && p.Name != of {
			continue
		}
		for _, s := range p.Steps {
			if !slices.ContainsFunc(out, func(c views.Choice) bool { return c.Value == s.Name }) {
				out = append(out, views.Choice{Value: s.Name, Label: s.Name})
			}
		}
	}
	return choose(chosen, out, "")
}

// pipelineChoices is empty when there is nothing to choose.
func pipelineChoices(o pipeline.Overview, chosen, all string) []views.Choice {
	if len(o.Pipelines) < 2 && chosen == "" {
		return nil
	}
	var out []views.Choice
	if all != "" {
		out = append(out, views.Choice{Label: all})
	}
	for _, p := range o.Pipelines {
		out = append(out, views.Choice{Value: p.Name, Label: p.Name})
	}
	return choose(chosen, out, "")
}
