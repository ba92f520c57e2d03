package handlers

import (
	"net/http"
	"strings"

	"redrive/pipeline"
	"redrive/views"
)

// Test sends a message typed into the console through a pipeline.
func (h *Rows) Test(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	m := pipeline.TestMessage{Pipeline: f.text("pipeline"), Payload: []byte(f.values.Get("payload")),
		ContentType: f.text("content_type"), Reason: f.reason()}
	if strings.TrimSpace(f.values.Get("payload")) == "" {
		f.refuse("payload", "Type the payload of the message.")
	}
	id := ""
	if err = f.err(); err == nil {
		id, err = h.rows.Test(r.Context(), m)
	}
	no, ok := refused(err)
	switch {
	case ok && id == "":
		return h.testRefused(w, r, f, no)
	case ok:
		return redirect(w, r, views.Href(baseOf(r), "rows", id), "Stored as rejected: "+no.Text, false)
	case err != nil:
		return err
	}
	return redirect(w, r, views.Href(baseOf(r), "rows", id), "Sent. This is its row.", true)
}

// testRefused shows the plain list again with the form as it was typed: the
// form's pipeline is no filter.
func (h *Rows) testRefused(w http.ResponseWriter, r *http.Request, f *form, no refusal) error {
	return h.list(w, r, no.Status, &form{}, func(p *views.RowsProps) {
		p.Test.Open = true
		p.Test.Payload, p.Test.ContentType, p.Test.Reason = f.values.Get("payload"), f.text("content_type"), f.values.Get("reason")
		p.Test.Error, p.Test.Field = sentence(no.Text), no.Field
		for i := range p.Test.Pipelines {
			p.Test.Pipelines[i].Chosen = p.Test.Pipelines[i].Value == f.text("pipeline")
		}
	})
}
