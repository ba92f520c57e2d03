package handlers

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/redact"
)

// Export answers with the letters a filter selects as CSV, newest first, at most
// exportMost of them; the audit says that it was asked for.
func (h *DeadLetters) Export(w http.ResponseWriter, r *http.Request) error {
	f := readQuery(r)
	if v := f.text("format"); v != "" && v != "csv" {
		return badField("format", "Dead letters are exported as csv.")
	}
	filter := readLettersFilter(f).filter()
	filter.Limit, filter.Cursor = exportPage, ""
	page, _, err := h.letters.List(r.Context(), filter)
	if err != nil {
		return err
	}
	if err := h.audit.Export(r.Context(), "dead_letters.export", "dead-letters", asked(r)); err != nil {
		return err
	}
	attach(w, "dead-letters", "csv", "text/csv; charset=utf-8")
	out := csv.NewWriter(w)
	if err := cells(out, "id", "row_id", "pipeline", "step", "queue", "kind", "group", "status_code", "error", "attempts", "first_failed_at", "dead_at", "label"); err != nil {
		return err
	}
	for left := exportMost; ; {
		for _, l := range page.Items[:min(left, len(page.Items))] {
			if err := letterLine(out, l); err != nil {
				return err
			}
		}
		left -= len(page.Items)
		if left <= 0 || page.Next == "" {
			break
		}
		filter.Cursor = page.Next
		if page, _, err = h.letters.List(r.Context(), filter); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func letterLine(out *csv.Writer, l pipeline.DeadLetter) error {
	code := ""
	if l.StatusCode != 0 {
		code = strconv.Itoa(l.StatusCode)
	}
	return cells(out, l.ID, l.Row, l.Pipeline, l.Step, l.Queue(), string(l.Kind), l.Group, code, redact.Text(l.Error), strconv.Itoa(l.Attempts),
		l.FirstFailedAt.UTC().Format(time.RFC3339Nano), l.DeadAt.UTC().Format(time.RFC3339Nano), redact.Text(l.Label))
}
