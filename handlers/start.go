package handlers

import (
	"net/http"
	"strings"

	"redrive/views"
)

// Start is the page that leads from the demonstration to one's own pipeline.
type Start struct {
	frame     Framer
	publicURL string
}

// NewStart returns the page. publicURL is where people reach the console; empty
// takes the address of each request.
func NewStart(frame Framer, publicURL string) *Start {
	return &Start{frame: frame, publicURL: publicURL}
}

// Show answers the page.
func (h *Start) Show(w http.ResponseWriter, r *http.Request) error {
	page := h.frame(r, views.SectionOverview, "Bring your own pipeline")
	page.Back = views.Href[string](page.Base)
	return render(w, r, http.StatusOK, views.StartPage(views.StartProps{Page: page, URL: h.url(r)}))
}

func (h *Start) url(r *http.Request) string {
	if h.publicURL != "" {
		return strings.TrimRight(h.publicURL, "/")
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return strings.TrimRight(scheme+r.Host+baseOf(r), "/")
}
