package handlers

import (
	"fmt"
	"net/http"
	"strconv"

	"redrive/pipeline"
	"redrive/views"
)

// Message is one message as it was seen, with secrets masked.
func (h *Queues) Message(w http.ResponseWriter, r *http.Request) error {
	seen, err := h.queues.Copy(r.Context(), param(r, "name"), param(r, "id"))
	if err != nil {
		return err
	}
	return h.message(w, r, seen, pipeline.SightOf(r.Context()))
}

// Reveal is the page of one message as it is kept.
func (h *Queues) Reveal(w http.ResponseWriter, r *http.Request) error {
	seen, err := h.revealed(w, r, "page")
	if err != nil {
		return err
	}
	return h.message(w, r, seen, pipeline.Stored)
}

func (h *Queues) revealed(w http.ResponseWriter, r *http.Request, way string) (pipeline.QueueCopy, error) {
	if _, err := readForm(w, r); err != nil {
		return pipeline.QueueCopy{}, err
	}
	return h.queues.Reveal(r.Context(), param(r, "name"), param(r, "id"), way)
}

func (h *Queues) message(w http.ResponseWriter, r *http.Request, kept pipeline.QueueCopy, sight pipeline.Sight) error {
	props, err := h.props(r)
	if err != nil {
		return err
	}
	seen, masked := kept.Seen(sight)
	body := views.NewDocument("", []byte(seen.Body))
	body.Size = len(kept.Body)
	props.Title, props.Back, props.Sight = "A message of "+props.Queue.Name, views.Href(baseOf(r), "queues", props.Queue.Name), sight
	return render(w, r, http.StatusOK, views.QueueMessagePage(views.QueueMessageProps{QueueProps: props, Copy: seen, Body: body, Masked: masked}))
}

// Body is the copied body of a message as a file. Browsers never show it: it is
// somebody else's text. It is a POST because it leaves an entry in the audit.
func (h *Queues) Body(w http.ResponseWriter, r *http.Request) error {
	kept, err := h.revealed(w, r, "file")
	if err != nil {
		return err
	}
	head := w.Header()
	head.Set("Content-Type", "application/octet-stream")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "message-"+kept.Key+".txt"))
	head.Set("Content-Length", strconv.Itoa(len(kept.Body)))
	head.Set("Cache-Control", "private, no-store")
	_, err = w.Write([]byte(kept.Body))
	return err
}
