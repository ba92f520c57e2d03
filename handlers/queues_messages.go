package handlers

import (
	"fmt"
	"net/http"
	"strconv"

	"redrive/views"
)

// Message is one message as it was seen.
func (h *Queues) Message(w http.ResponseWriter, r *http.Request) error {
	props, err := h.props(r)
	if err != nil {
		return err
	}
	seen, err := h.queues.Copy(r.Context(), props.Queue.Name, param(r, "id"))
	if err != nil {
		return err
	}
	props.Title, props.Back = "A message of "+props.Queue.Name, views.Href(baseOf(r), "queues", props.Queue.Name)
	return render(w, r, http.StatusOK, views.QueueMessagePage(views.QueueMessageProps{QueueProps: props, Copy: seen, Body: views.NewDocument("", []byte(seen.Body))}))
}

// Body is the copied body of a message as a file. Browsers never show it: it is
// somebody else's text.
func (h *Queues) Body(w http.ResponseWriter, r *http.Request) error {
	seen, err := h.queues.Copy(r.Context(), param(r, "name"), param(r, "id"))
	if err != nil {
		return err
	}
	head := w.Header()
	head.Set("Content-Type", "application/octet-stream")
	head.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "message-"+seen.Key+".txt"))
	head.Set("Content-Length", strconv.Itoa(len(seen.Body)))
	head.Set("Cache-Control", "private, no-store")
	_, err = w.Write([]byte(seen.Body))
	return err
}
