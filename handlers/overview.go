package handlers

import (
	"context"
	"net/http"

	"redrive/pipeline"
	"redrive/views"
)

// causesShown is how many causes the overview lists; the rest is on their page.
const causesShown = 8

type causes interface {
	Groups(ctx context.Context, pipeline, step string) ([]pipeline.Group, error)
}

// Overview is the first page: whether anything needs an operator.
type Overview struct {
	state  overviews
	causes causes
	frame  Framer
}

// NewOverview returns the overview.
func NewOverview(state overviews, causes causes, frame Framer) *Overview {
	return &Overview{state: state, causes: causes, frame: frame}
}

// Show answers the overview.
func (h *Overview) Show(w http.ResponseWriter, r *http.Request) error {
	state, err := h.state.Overview(r.Context())
	if err != nil {
		return err
	}
	groups, err := h.causes.Groups(r.Context(), "", "")
	if err != nil {
		return err
	}
	props := views.OverviewProps{Page: h.frame(r, views.SectionOverview, ""), State: state, Groups: groups, Shown: causesShown}
	props.Title, props.ReadAt = props.Heading(), state.At
	return render(w, r, http.StatusOK, views.OverviewPage(props))
}
