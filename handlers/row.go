package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"redrive/pipeline"
	"redrive/views"
)

// entriesShown is how many audit entries the page of a row shows.
const entriesShown = 10

// Show is the page of one row, with secrets masked.
func (h *Rows) Show(w http.ResponseWriter, r *http.Request) error {
	return h.show(w, r, http.StatusOK, func(*views.RowProps) {})
}

// Reveal is the page of one row with its payload as it is stored.
func (h *Rows) Reveal(w http.ResponseWriter, r *http.Request) error {
	if _, err := readForm(w, r); err != nil {
		return err
	}
	row, err := h.rows.Reveal(r.Context(), param(r, "id"), "page")
	if err != nil {
		return err
	}
	return h.page(w, r, http.StatusOK, row, pipeline.Stored, func(*views.RowProps) {})
}

func (h *Rows) show(w http.ResponseWriter, r *http.Request, status int, amend func(*views.RowProps)) error {
	row, err := h.rows.Get(r.Context(), param(r, "id"))
	if err != nil {
		return err
	}
	return h.page(w, r, status, row, pipeline.SightOf(r.Context()), amend)
}

func (h *Rows) page(w http.ResponseWriter, r *http.Request, status int, row pipeline.RowDetail, sight pipeline.Sight, amend func(*views.RowProps)) error {
	state, err := h.state.Overview(r.Context())
	if err != nil {
		return err
	}
	entries, err := h.audit.List(r.Context(), pipeline.AuditFilter{Object: "rows/" + row.ID, Limit: entriesShown})
	if err != nil {
		return err
	}
	steps := stepsOf(state, row.Pipeline)
	page := h.frame(r, views.SectionRows, cmpLabel(row.Row))
	page.Back = cameFrom(r, "rows", "dead-letters")
	chosen := readQuery(r).text("step")
	seen, masked := row.Seen(sight)
	props := views.RowProps{Page: page, Row: seen, Steps: steps, Timeline: timeline(row, steps, page.Now),
		Payload: views.NewDocument(row.ContentType, seen.Payload), Results: results(seen), Sight: sight, Masked: masked,
		Replay: replayForm(row.Row, steps, chosen), Command: command(row.Row, chosen), Audit: entries.Items}
	props.Payload.Size = len(row.Payload)
	h.keeping(&props)
	amend(&props)
	return render(w, r, status, views.RowPage(props))
}

// keeping says how long the row stays.
func (h *Rows) keeping(props *views.RowProps) {
	for _, p := range h.pipelines.Pipelines() {
		if p.Name != props.Row.Pipeline {
			continue
		}
		props.Retention = p.Retention
		switch props.Row.Status {
		case pipeline.StatusDone, pipeline.StatusRejected, pipeline.StatusDiscarded:
			if p.Retention > 0 {
				props.KeptUntil = props.Row.CreatedAt.Add(p.Retention)
			}
		}
	}
}

func cmpLabel(row pipeline.Row) string {
	if row.Label != "" {
		return row.Label + " " + views.ShortID(row.ID)
	}
	return views.ShortID(row.ID)
}

func stepsOf(o pipeline.Overview, name string) []pipeline.StepView {
	for _, p := range o.Pipelines {
		if p.Name == name {
			return p.Steps
		}
	}
	return nil
}

func stepNamed(steps []pipeline.StepView, name string) *pipeline.StepView {
	for i := range steps {
		if steps[i].Name == name {
			return &steps[i]
		}
	}
	return nil
}

// results are the answers that were kept, in the order of the steps.
func results(row pipeline.RowDetail) []views.StepResult {
	var out []views.StepResult
	for _, f := range row.Steps {
		if body, ok := row.Results[f.Name]; ok && len(body) > 0 {
			out = append(out, views.StepResult{Step: f.Name, Document: views.NewDocument("", body)})
		}
	}
	return out
}

// command reproduces the step that matters most: the chosen one, else the first
// that is in trouble, else the first.
func command(row pipeline.Row, chosen string) string {
	if len(row.Steps) == 0 {
		return ""
	}
	step := row.Steps[0].Name
	i := slices.IndexFunc(row.Steps, func(f pipeline.Flag) bool {
		return f.State == pipeline.StateDead || f.State == pipeline.StateRetrying
	})
	if i >= 0 {
		step = row.Steps[i].Name
	}
	if _, ok := row.Flag(chosen); ok {
		step = chosen
	}
	return "server --config redrive.yaml run " + row.ID + " --step " + step + " --dry-run"
}

// cameFrom is the list a page was opened from, with its filter; the first of the
// lists when it was opened another way.
func cameFrom(r *http.Request, lists ...string) templ.SafeURL {
	base := baseOf(r)
	if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host {
		for _, list := range lists {
			if from.Path == base+list {
				return views.Href(base, list) + templ.SafeURL(strings.TrimSuffix("?"+from.RawQuery, "?"))
			}
		}
	}
	return views.Href(base, lists[0])
}

func (h *Rows) own(r *http.Request) templ.SafeURL {
	return views.Href(baseOf(r), "rows", param(r, "id"))
}
