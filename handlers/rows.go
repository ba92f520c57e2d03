package handlers

import (
	"context"
	"net/http"

	"redrive/handlers/stepup"
	"redrive/pipeline"
	"redrive/views"
)

// rowsShown is how many rows a page of the grid holds.
const rowsShown = 50

type rowReader interface {
	List(ctx context.Context, f pipeline.RowFilter) (pipeline.Page[pipeline.Row], error)
	Get(ctx context.Context, id string) (pipeline.RowDetail, error)
	Reveal(ctx context.Context, id, way string) (pipeline.RowDetail, error)
}

type rowChanger interface {
	Replay(ctx context.Context, id string, req pipeline.ReplayRequest) (pipeline.RowDetail, error)
	Discard(ctx context.Context, id, reason string) (pipeline.RowDetail, error)
	Restore(ctx context.Context, id, reason string) (pipeline.RowDetail, error)
}

type rowTester interface {
	Test(ctx context.Context, m pipeline.TestMessage) (string, error)
}

type rowService interface {
	rowReader
	rowChanger
	rowTester
}

type rowAudit interface {
	auditService
	exportNoter
}

// Rows is the grid of rows and steps, and the page of each row.
type Rows struct {
	rows      rowService
	state     overviews
	pipelines pipelineList
	audit     rowAudit
	bulk      stepup.Bulk
	frame     Framer
}

// NewRows returns the pages of rows. Discarding more than bulk of them at once
// asks for the password again.
func NewRows(rows rowService, state overviews, pipelines pipelineList, audit rowAudit, bulk stepup.Bulk, frame Framer) *Rows {
	return &Rows{rows: rows, state: state, pipelines: pipelines, audit: audit, bulk: bulk, frame: frame}
}

// List shows the rows a filter selects, newest first.
func (h *Rows) List(w http.ResponseWriter, r *http.Request) error {
	f := readQuery(r)
	return h.list(w, r, http.StatusOK, f, func(*views.RowsProps) {})
}

// list renders the grid for a filter, from a URL or from a form that was refused.
func (h *Rows) list(w http.ResponseWriter, r *http.Request, status int, f *form, amend func(*views.RowsProps)) error {
	q := readRowsFilter(f)
	filter, err := q.filter(f)
	if err != nil {
		return err
	}
	state, err := h.state.Overview(r.Context())
	if err != nil {
		return err
	}
	page, err := h.rows.List(r.Context(), filter)
	if err != nil {
		return err
	}
	props := views.RowsProps{Page: h.frame(r, views.SectionRows, "Rows"),
		Filter:    views.RowsFilter{Status: q.Status, Query: q.Query, Set: q.set(), Clear: views.Href(baseOf(r), "rows")},
		Chips:     statusChips(baseOf(r), state, q),
		Pipelines: pipelineChoices(state, q.Pipeline, "Pipeline: any"),
		Steps:     stepChoices(state, q.Pipeline, q.Step, "Step: any"),
		States:    stateChoices(q.State), Windows: windowChoices(q.Since),
		Columns: columns(state, q.Pipeline, page.Items), Rows: page.Items,
		List: rowsListing(baseOf(r), state, q, page), Empty: noRows(baseOf(r), q, page),
		Discard: views.SelectedForm{Action: views.Href(baseOf(r), "rows", "discard"), Fields: q.fields()},
		Test:    views.TestForm{Pipelines: pipelineNames(state, q.Pipeline), ContentType: "application/json"}}
	props.Query = q.Query
	amend(&props)
	return render(w, r, status, views.RowsPage(props))
}

// columns are the steps of the one pipeline whose rows are shown, with those that
// only rows of an older graph have; none when there are several pipelines.
func columns(o pipeline.Overview, name string, rows []pipeline.Row) []pipeline.StepView {
	if name == "" && len(o.Pipelines) != 1 {
		return nil
	}
	var out []pipeline.StepView
	seen := map[string]bool{}
	for _, p := range o.Pipelines {
		if name != "" && p.Name != name {
			continue
		}
		name = p.Name
		for _, s := range p.Steps {
			if s.Gone {
				continue
			}
			seen[s.Name] = true
			out = append(out, s)
		}
	}
	for _, row := range rows {
		for _, f := range row.Steps {
			if !seen[f.Name] {
				seen[f.Name] = true
				out = append(out, pipeline.StepView{Pipeline: name, Name: f.Name, Gone: true})
			}
		}
	}
	return out
}

func pipelineNames(o pipeline.Overview, chosen string) []views.Choice {
	var out []views.Choice
	for _, p := range o.Pipelines {
		out = append(out, views.Choice{Value: p.Name, Label: p.Name, Chosen: p.Name == chosen})
	}
	return out
}
