package handlers

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"redrive/pipeline"
	"redrive/views"
)

type breakerService interface {
	List(ctx context.Context) ([]pipeline.BreakerView, error)
	Get(ctx context.Context, name string) (pipeline.BreakerDetail, error)
	Force(ctx context.Context, name string, req pipeline.ForceRequest) (pipeline.BreakerView, error)
}

const (
	holdUsual   = "1h" // what the form offers
	holdLeast   = time.Second
	newsFrom    = 8  // breakers whose changes the list shows: those that changed last
	newsShown   = 12 // changes
	newsFromOne = 6  // changes of one of them
)

// Breakers are the pages of the circuit breakers.
type Breakers struct {
	breakers breakerService
	state    overviews
	frame    Framer
}

// NewBreakers returns the pages of the breakers. The overview tells how fast the
// steps behind them drain.
func NewBreakers(breakers breakerService, state overviews, frame Framer) *Breakers {
	return &Breakers{breakers: breakers, state: state, frame: frame}
}

// List shows all breakers.
func (h *Breakers) List(w http.ResponseWriter, r *http.Request) error {
	list, err := h.breakers.List(r.Context())
	if err != nil {
		return err
	}
	props := views.BreakersProps{List: list, Out: map[string]views.Outage{}}
	if err := h.addNews(r.Context(), &props); err != nil {
		return err
	}
	props.Page = h.frame(r, views.SectionBreakers, "Breakers")
	return render(w, r, http.StatusOK, views.BreakersPage(props))
}

// addNews adds the newest changes, and since when breakers are out. Only those
// that changed last are asked, so that a long list costs no more than a short one.
func (h *Breakers) addNews(ctx context.Context, p *views.BreakersProps) error {
	byChange := slices.SortedFunc(slices.Values(p.List), func(a, b pipeline.BreakerView) int { return b.Since.Compare(a.Since) })
	var news []views.BreakerNews
	for _, b := range byChange[:min(newsFrom, len(byChange))] {
		d, err := h.breakers.Get(ctx, b.Name)
		if err != nil {
			return err
		}
		if d.State != "closed" {
			p.Out[b.Name] = views.OutageOf(d)
		}
		for _, c := range d.History[:min(newsFromOne, len(d.History))] {
			news = append(news, views.BreakerNews{Breaker: b.Name, BreakerChange: c})
		}
	}
	slices.SortStableFunc(news, func(a, b views.BreakerNews) int { return b.At.Compare(a.At) })
	p.Recent = news[:min(newsShown, len(news))]
	return nil
}

// Show is the page of one breaker.
func (h *Breakers) Show(w http.ResponseWriter, r *http.Request) error {
	return h.show(w, r, http.StatusOK, views.ForceForm{For: holdUsual})
}

func (h *Breakers) show(w http.ResponseWriter, r *http.Request, status int, typed views.ForceForm) error {
	b, err := h.breakers.Get(r.Context(), param(r, "name"))
	if err != nil {
		return err
	}
	state, err := h.state.Overview(r.Context())
	if err != nil {
		return err
	}
	props := views.BreakerProps{Page: h.frame(r, views.SectionBreakers, b.Name), Breaker: b,
		Steps: guardedSteps(state, b.Name), All: readQuery(r).is("all"), Form: typed}
	props.Title = props.Heading()
	props.Back = views.Href(props.Base, "breakers")
	return render(w, r, status, views.BreakerPage(props))
}

func guardedSteps(state pipeline.Overview, breaker string) []pipeline.StepView {
	var steps []pipeline.StepView
	for _, p := range state.Pipelines {
		for _, s := range p.Steps {
			if s.Breaker == breaker {
				steps = append(steps, s)
			}
		}
	}
	return steps
}

// Force puts an operator's hand on a breaker.
func (h *Breakers) Force(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	name := param(r, "name")
	b, err := h.force(r.Context(), name, f)
	if no, ok := refused(err); ok {
		return h.show(w, r, no.Status, views.ForceForm{State: f.text("state"), For: cmp.Or(f.text("for"), holdUsual),
			Reason: f.values.Get("reason"), Wrong: views.Wrong{Field: no.Field, Text: sentence(no.Text)}})
	}
	if err != nil {
		return err
	}
	return redirect(w, r, views.Href(baseOf(r), "breakers", name), forced(b), true)
}

func (h *Breakers) force(ctx context.Context, name string, f *form) (pipeline.BreakerView, error) {
	req := pipeline.ForceRequest{State: f.text("state")}
	switch req.State {
	case "open", "closed":
		req.For = f.duration("for", 0)
		if f.text("for") != "" && req.For < holdLeast {
			f.refuse("for", "A time like 15m, 4h or 2d, from 1s to 30d.")
		}
	case "half-open", "automatic":
	default:
		f.refuse("state", "Choose what to do with the switch.")
	}
	req.Reason = f.reason()
	if err := f.err(); err != nil {
		return pipeline.BreakerView{}, err
	}
	return h.breakers.Force(ctx, name, req)
}

// forced says what came of it.
func forced(b pipeline.BreakerView) string {
	switch {
	case b.Held:
		return b.Name + " is held " + b.State + " until " + b.HeldUntil.UTC().Format("2 Jan 15:04:05") + " UTC, then automatic again."
	case b.State == "half-open":
		return b.Name + " is probing: " + views.Plural(b.Probes, "row decides", "rows decide") + " what follows."
	default:
		return b.Name + " is automatic: " + b.State + " until its own rule says otherwise."
	}
}
