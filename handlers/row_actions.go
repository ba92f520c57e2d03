package handlers

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"redrive/pipeline"
	"redrive/views"
)

// Payload answers with the stored bytes as a file. It is a POST because it
// leaves an entry in the audit.
func (h *Rows) Payload(w http.ResponseWriter, r *http.Request) error {
	if _, err := readForm(w, r); err != nil {
		return err
	}
	row, err := h.rows.Reveal(r.Context(), param(r, "id"), "file")
	if err != nil {
		return err
	}
	return payloadFile(w, row, "")
}

// MaskedPayload is Payload with secrets masked.
func (h *Rows) MaskedPayload(w http.ResponseWriter, r *http.Request) error {
	row, err := h.rows.Get(r.Context(), param(r, "id"))
	if err != nil {
		return err
	}
	if pipeline.SightOf(r.Context()) == pipeline.Withheld {
		return &pipeline.Error{Code: pipeline.CodeForbidden, Text: "Seeing a payload needs the role operator."}
	}
	seen, _ := row.Seen(pipeline.Masked)
	return payloadFile(w, seen, "-masked")
}

func payloadFile(w http.ResponseWriter, row pipeline.RowDetail, mark string) error {
	kind, extension := "application/octet-stream", "bin"
	switch {
	case json.Valid(row.Payload):
		kind, extension = "application/json", "json"
	case utf8.Valid(row.Payload):
		kind, extension = "text/plain; charset=utf-8", "txt"
	}
	head := w.Header()
	head.Set("Content-Type", kind)
	head.Set("Content-Disposition", `attachment; filename="`+fileName(row.ID)+mark+"."+extension+`"`)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "private, no-store")
	_, err := w.Write(row.Payload)
	return err
}

// fileName keeps what every system takes in the name of a file.
func fileName(id string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '_'
	}, id)
}

// Replay runs a step of the row again.
func (h *Rows) Replay(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	req := replayRequest(f)
	if err = f.err(); err == nil {
		_, err = h.rows.Replay(r.Context(), param(r, "id"), req)
	}
	if no, ok := refused(err); ok {
		return h.show(w, r, no.Status, func(p *views.RowProps) {
			p.Replay.Choose(f.text("run"))
			p.Replay.Reason, p.Replay.Error, p.Replay.ErrorFor = req.Reason, sentence(no.Text), no.Field
		})
	}
	if err != nil {
		return err
	}
	text := req.Step + " runs again on this row"
	if req.Downstream {
		text += ", then what follows it"
	}
	return redirect(w, r, h.own(r), text+".", true)
}

// replayRequest reads the chosen card: how and which step.
func replayRequest(f *form) pipeline.ReplayRequest {
	how, step, ok := strings.Cut(f.text("run"), ":")
	req := pipeline.ReplayRequest{Step: step, Reason: f.values.Get("reason")}
	switch {
	case !ok || step == "":
		f.refuse("run", "Choose which step to run.")
	case how == runNext:
		req.Downstream = true
	case how == runOnly:
	case how == runAgain, how == runAgainNext:
		req.Force, req.Downstream = true, how == runAgainNext
		f.reason()
	default:
		f.refuse("run", "Choose one of the ways to run a step.")
	}
	return req
}

// Discard sets the row aside.
func (h *Rows) Discard(w http.ResponseWriter, r *http.Request) error {
	return h.aside(w, r, h.rows.Discard, views.Flash{OK: true, Text: "Discarded. It is in no queue, no count and no alarm any more.",
		Action: &views.Action{Label: "Undo", Post: true, Href: views.Href(baseOf(r), "rows", param(r, "id"), "restore"),
			Fields: []views.Hidden{{Name: "reason", Value: "undone at once"}}}})
}

// Restore takes the row back.
func (h *Rows) Restore(w http.ResponseWriter, r *http.Request) error {
	return h.aside(w, r, h.rows.Restore, views.Flash{OK: true, Text: "Restored. Its steps go on where they stood."})
}

type asideFunc = func(ctx context.Context, id, reason string) (pipeline.RowDetail, error)

func (h *Rows) aside(w http.ResponseWriter, r *http.Request, do asideFunc, done views.Flash) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	reason := f.reason()
	if err = f.err(); err == nil {
		_, err = do(r.Context(), param(r, "id"), reason)
	}
	if no, ok := refused(err); ok {
		return h.show(w, r, no.Status, func(p *views.RowProps) {
			p.Aside = views.AsideForm{Reason: reason, Error: sentence(no.Text)}
		})
	}
	if err != nil {
		return err
	}
	return redirectFlash(w, r, h.own(r), done)
}
