package handlers

import (
	"context"
	"net/http"

	"redrive/pipeline"
	"redrive/views"
)

// lettersShown is how many dead letters a page holds.
const lettersShown = 50

type letterService interface {
	List(ctx context.Context, f pipeline.LetterFilter) (pipeline.Page[pipeline.DeadLetter], int64, error)
	Groups(ctx context.Context, pipeline, step string) ([]pipeline.Group, error)
}

// DeadLetters is the page of rows that stopped at a step: why, which, and what to
// do about them.
type DeadLetters struct {
	letters letterService
	state   overviews
	plans   operationStarter
	audit   exportNoter
	frame   Framer
}

// NewDeadLetters returns the page of dead letters; plans makes its dry runs, audit
// knows of its exports.
func NewDeadLetters(letters letterService, state overviews, plans operationStarter, audit exportNoter, frame Framer) *DeadLetters {
	return &DeadLetters{letters: letters, state: state, plans: plans, audit: audit, frame: frame}
}

// lettersFilter is the filter of the page as its URL or form says it.
type lettersFilter struct {
	Pipeline, Step, Group, Query string
	trail                        trail
}

func readLettersFilter(f *form) lettersFilter {
	q := lettersFilter{Pipeline: f.text("pipeline"), Step: f.text("step"), Group: f.text("group"), Query: f.text("q"), trail: readTrail(f)}
	if q.Group != "" {
		q.Pipeline, q.Step = "", "" // a cause knows its own
	}
	return q
}

func (q lettersFilter) query() []string {
	return []string{"pipeline", q.Pipeline, "step", q.Step, "group", q.Group, "q", q.Query}
}

func (q lettersFilter) set() bool { return q.Pipeline+q.Step+q.Group+q.Query != "" }

func (q lettersFilter) filter() pipeline.LetterFilter {
	return pipeline.LetterFilter{Pipeline: q.Pipeline, Step: q.Step, Group: q.Group, Query: q.Query, Limit: lettersShown, Cursor: q.trail.cursor}
}

// fields carry the filter through the form around the list, so that a refused
// form shows the same list again.
func (q lettersFilter) fields() []views.Hidden {
	out := []views.Hidden{{Name: "selected", Value: "true"}}
	names := []string{"in_pipeline", q.Pipeline, "in_step", q.Step, "in_group", q.Group, "in_q", q.Query}
	for i := 0; i < len(names); i += 2 {
		if names[i+1] != "" {
			out = append(out, views.Hidden{Name: names[i], Value: names[i+1]})
		}
	}
	return out
}

// List shows the causes and the letters a filter selects, newest first.
func (h *DeadLetters) List(w http.ResponseWriter, r *http.Request) error {
	return h.show(w, r, http.StatusOK, readLettersFilter(readQuery(r)), func(*views.DeadLettersProps) {})
}

func (h *DeadLetters) show(w http.ResponseWriter, r *http.Request, status int, q lettersFilter, amend func(*views.DeadLettersProps)) error {
	state, err := h.state.Overview(r.Context())
	if err != nil {
		return err
	}
	groups, err := h.letters.Groups(r.Context(), "", "")
	if err != nil {
		return err
	}
	page, matching, err := h.letters.List(r.Context(), q.filter())
	if err != nil {
		return err
	}
	props := views.DeadLettersProps{Page: h.frame(r, views.SectionDeadLetters, "Dead letters"), Groups: groups,
		Filter: views.LettersFilter{Pipeline: q.Pipeline, Step: q.Step, Group: q.Group, Query: q.Query, Set: q.set(),
			Clear: views.Href(baseOf(r), "dead-letters")},
		Pipelines: pipelineChoices(state, q.Pipeline, "Pipeline: any"), Steps: stepChoices(state, q.Pipeline, q.Step, "Step: any"),
		Letters: page.Items, Matching: matching, List: lettersListing(baseOf(r), q, page, matching), Empty: noLetters(baseOf(r), q),
		Selected: views.SelectedForm{Fields: q.fields()}}
	for i, g := range groups {
		props.Total += g.Count
		if g.Group == q.Group {
			props.Group = &groups[i]
		}
	}
	if props.Plan, err = h.plan(r, state, q, props.Group, matching); err != nil {
		return err
	}
	amend(&props)
	return render(w, r, status, views.DeadLettersPage(props))
}

func lettersListing(base string, q lettersFilter, page pipeline.Page[pipeline.DeadLetter], matching int64) views.Listing {
	own := views.Href(base, "dead-letters")
	l := views.Listing{Shown: views.Count(len(page.Items)) + " of " + views.Count(matching) + " shown, newest first",
		Newer: q.trail.newer(own, q.query()), Older: q.trail.older(own, q.query(), page.Next),
		CSV: views.WithQuery(views.Href(base, "dead-letters", "export"), q.query()...), Export: "Export " + views.Count(matching) + " as CSV"}
	if q.set() {
		l.Export = "Export " + views.Count(matching) + " matching as CSV"
	}
	if matching > exportMost {
		l.Export = "Export the newest " + views.Count(exportMost) + " of " + views.Count(matching) + " as CSV"
	}
	return l
}

func noLetters(base string, q lettersFilter) views.Nothing {
	if q.set() {
		return views.Nothing{Icon: "filter", Title: "No dead letter matches",
			Text:   "They may have been redriven or discarded meanwhile; the list of redrives says what came of them.",
			Action: &views.Action{Label: "Show all dead letters", Href: views.Href(base, "dead-letters")}}
	}
	return views.Nothing{Icon: "a-ok", Title: "No dead letters",
		Text:   "A row lands here when a step gives up on it: its tries are used up, or the answer says that another try is no use.",
		Action: &views.Action{Label: "Look at the rows", Href: views.Href(base, "rows")}}
}

// pipelineOf finds the one pipeline that letters belong to.
func (h *DeadLetters) pipelineOf(ctx context.Context, ids []string) (string, error) {
	filter := pipeline.LetterFilter{IDs: ids, Limit: exportPage}
	name := ""
	for {
		page, _, err := h.letters.List(ctx, filter)
		if err != nil {
			return "", err
		}
		for _, l := range page.Items {
			if name != "" && l.Pipeline != name {
				return "", badField("ids", "The ticked letters belong to more than one pipeline, "+name+" and "+l.Pipeline+". Redrive one pipeline's at a time.")
			}
			name = l.Pipeline
		}
		if filter.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if name == "" {
		return "", badField("ids", "None of the ticked letters is there any more: they were redriven or discarded meanwhile.")
	}
	return name, nil
}
