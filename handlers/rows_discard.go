package handlers

import (
	"errors"
	"net/http"

	"redrive/pipeline"
	"redrive/views"
)

// DiscardSelected sets the ticked rows aside.
func (h *Rows) DiscardSelected(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	ids, reason := f.all("ids"), f.reason()
	if len(ids) == 0 {
		f.refuse("ids", "Tick the rows to discard.")
	}
	if len(ids) > exportMost {
		f.refuse("ids", "Too many rows at once.")
	}
	if no, ok := refused(f.err()); ok {
		return h.discardRefused(w, r, f, no)
	}
	if err := h.bulk.Ask(r.Context(), int64(len(ids)), "Discard "+views.Plural(len(ids), "selected row", "selected rows")); err != nil {
		return err
	}
	done, already, err := h.discardAll(r, ids, reason)
	if err != nil {
		return err
	}
	text := "Discarded " + views.Plural(done, "row", "rows") + "."
	if already > 0 {
		text += " " + views.Plural(already, "was", "were") + " not changed: discarded already or gone."
	}
	return redirectFlash(w, r, readRowsFilter(f).here(baseOf(r)), views.Flash{OK: done > 0, Text: text,
		Action: &views.Action{Label: "Look at discarded rows", Href: views.WithQuery(views.Href(baseOf(r), "rows"), "status", "discarded")}})
}

func (h *Rows) discardAll(r *http.Request, ids []string, reason string) (done, already int, err error) {
	for _, id := range ids {
		_, err := h.rows.Discard(r.Context(), id, reason)
		switch {
		case errors.Is(err, pipeline.ErrConflict), errors.Is(err, pipeline.ErrNotFound):
			already++
		case err != nil:
			return done, already, err
		default:
			done++
		}
	}
	return done, already, nil
}

func (h *Rows) discardRefused(w http.ResponseWriter, r *http.Request, f *form, no refusal) error {
	again := &form{values: f.values}
	return h.list(w, r, no.Status, again, func(p *views.RowsProps) {
		p.Discard.Reason, p.Discard.Error = f.values.Get("reason"), no.Text
		p.Discard.Ticked = ticked(f.all("ids"))
	})
}

func ticked(ids []string) map[string]bool {
	out := make(map[string]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out
}
