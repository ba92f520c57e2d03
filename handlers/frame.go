package handlers

import (
	"context"
	"net/http"
	"strings"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/access"
	"redrive/views"
)

// Framer makes the frame of a page: who looks, what needs attention, what the
// last form did.
type Framer func(r *http.Request, section views.Section, title string) views.Page

type overviews interface {
	Overview(ctx context.Context) (pipeline.Overview, error)
}

type activeFaults interface {
	List(ctx context.Context) []pipeline.Fault
}

// NewFramer makes frames from what never changes (base path, assets, environment,
// demonstration, version, durability) and what the services say now; the numbers
// beside the navigation may be a second old.
func NewFramer(always views.Page, from overviews, faults activeFaults) Framer {
	state := &sharedState{from: from}
	return func(r *http.Request, section views.Section, title string) views.Page {
		p := always
		p.Title, p.Section = title, section
		p.Now = time.Now().UTC()
		actor := pipeline.ActorFrom(r.Context())
		p.Actor, p.Role = actor.Name, actor.Role
		if p.Stranger = actor.Name == access.Anonymous; p.Stranger {
			p.Version = ""
			return p
		}
		if id, ok := access.From(r.Context()); ok {
			p.SignedIn = !id.Program()
		}
		p.Flash = flashFrom(r)
		if section == views.SectionRows {
			p.Query = r.URL.Query().Get("q")
		}
		o, err := state.Overview(r.Context())
		if err != nil {
			p.Notices = append(p.Notices, storeNotice())
		} else {
			p.Tallies, p.ReadAt = tallies(o), o.At
		}
		for _, f := range faults.List(r.Context()) {
			p.Faults = append(p.Faults, faultBanner(p.Base, f))
		}
		return p
	}
}

func storeNotice() views.Banner {
	return views.Banner{Tone: views.Fault, Strong: "The store does not answer.",
		Text: "Figures are missing; callers are told to come back until it does."}
}

func tallies(o pipeline.Overview) views.Tallies {
	var t views.Tallies
	for _, p := range o.Pipelines {
		for _, s := range p.Steps {
			t.DeadLetters += s.Counts.Dead
		}
	}
	for _, b := range o.Breakers {
		if b.State == "open" {
			t.BreakersOpen++
		}
	}
	for _, a := range o.Alarms {
		if a.State == pipeline.AlarmOn {
			t.Alarms++
		}
	}
	return t
}

func faultBanner(base string, f pipeline.Fault) views.Banner {
	by := ", by " + f.By
	if reason := strings.TrimSpace(f.Reason); reason != "" {
		by += ": “" + reason + "”"
	}
	return views.Banner{Tone: views.Hold, Icon: "fault", Strong: "A fault is on:",
		Text:   views.FaultSentence(f) + " until " + f.Until.UTC().Format("15:04:05") + " UTC" + by + ".",
		Action: &views.Action{Label: "End it now", Href: views.Href(base, "faults", f.ID, "end"), Post: true}}
}
