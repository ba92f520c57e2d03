package handlers

import (
	"context"
	"net/http"

	"redrive/pipeline"
	"redrive/views"
)

type alarmService interface {
	List(ctx context.Context) ([]pipeline.AlarmView, error)
	Get(ctx context.Context, name string) (pipeline.AlarmDetail, error)
}

// Alarms are the pages of the alarms.
type Alarms struct {
	alarms alarmService
	frame  Framer
}

// NewAlarms returns the pages of the alarms.
func NewAlarms(alarms alarmService, frame Framer) *Alarms {
	return &Alarms{alarms: alarms, frame: frame}
}

// List shows all alarms.
func (h *Alarms) List(w http.ResponseWriter, r *http.Request) error {
	list, err := h.alarms.List(r.Context())
	if err != nil {
		return err
	}
	props := views.AlarmsProps{Page: h.frame(r, views.SectionAlarms, "Alarms"), List: list}
	return render(w, r, http.StatusOK, views.AlarmsPage(props))
}

// Show is the page of one alarm.
func (h *Alarms) Show(w http.ResponseWriter, r *http.Request) error {
	a, err := h.alarms.Get(r.Context(), param(r, "name"))
	if err != nil {
		return err
	}
	props := views.AlarmProps{Page: h.frame(r, views.SectionAlarms, a.Name), Alarm: a, All: readQuery(r).is("all")}
	props.Title = props.Heading()
	props.Back = views.Href(props.Base, "alarms")
	return render(w, r, http.StatusOK, views.AlarmPage(props))
}
