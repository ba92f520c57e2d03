package views

import (
	"time"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// BreakersProps is the page of all breakers.
type BreakersProps struct {
	Page
	List   []pipeline.BreakerView
	Recent []BreakerNews     // the newest changes of all of them, newest first
	Out    map[string]Outage // by name, of those that are not closed
}

// BreakerNews is a change of a breaker.
type BreakerNews struct {
	Breaker string
	pipeline.BreakerChange
}

// Heading is the finding: how many are not closed.
func (p BreakersProps) Heading() string {
	open, half, held := 0, 0, 0
	for _, b := range p.List {
		switch {
		case b.State == "open":
			open++
		case b.State == "half-open":
			half++
		case b.Held:
			held++
		}
	}
	total := len(p.List)
	switch {
	case total == 0:
		return "No breaker is configured"
	case open > 0:
		return breakersOf(open, total, "open")
	case half > 0:
		return breakersOf(half, total, "half-open")
	case held > 0:
		return breakersOf(held, total, "held closed")
	case total == 1:
		return "The breaker is closed"
	default:
		return "Every breaker is closed"
	}
}

// breakersOf is "1 of 2 breakers is open", "Both breakers are open".
func breakersOf(n, total int, word string) string {
	switch {
	case total == 1:
		return "The breaker is " + word
	case n == total && n == 2:
		return "Both breakers are " + word
	case n == total:
		return "All " + Count(n) + " breakers are " + word
	case n == 1:
		return "1 of " + Count(total) + " breakers is " + word
	default:
		return Count(n) + " of " + Count(total) + " breakers are " + word
	}
}

func (p BreakersProps) href(name string) templ.SafeURL { return Href(p.Base, "breakers", name) }

// cardFacts are the three figures of a breaker in the list.
func (p BreakersProps) cardFacts(b pipeline.BreakerView) []Fact {
	first := Fact{Label: "Calls", Value: Count(b.Calls), Note: "in the last " + Duration(b.Window)}
	if f, ok := nextFact(b, p.Now); ok {
		first = f
	}
	return []Fact{first, {Label: "Waiting", Value: Count(b.Waiting), Note: atSteps(b.Steps)},
		{Label: outLabel(b), Value: Age(sinceUntil(p.since(b), p.Now)), Note: p.Out[b.Name].atLeast()}}
}

// outLabel names the time since it was last closed.
func outLabel(b pipeline.BreakerView) string {
	if b.State == "half-open" {
		return "Not closed for"
	}
	return capital(b.State) + " for"
}

// since is when it left closed, or came to it.
func (p BreakersProps) since(b pipeline.BreakerView) time.Time {
	if o, ok := p.Out[b.Name]; ok {
		return o.Since
	}
	return b.Since
}

// nextFact is what happens next by itself, and when; false for a closed breaker
// that nobody holds.
func nextFact(b pipeline.BreakerView, now time.Time) (Fact, bool) {
	switch {
	case b.Held:
		return Fact{Label: "Held for", Countdown: b.HeldUntil, Now: now, Note: "then automatic again", Tone: Hold}, true
	case b.State == "open" && !b.NextProbeAt.IsZero():
		return Fact{Label: "Next probe", Countdown: b.NextProbeAt, Now: now, Note: probeRule(b.Probes), Tone: Fault}, true
	case b.State == "half-open":
		return Fact{Label: "Probes let through", Value: Count(b.Granted) + " of " + Count(b.Probes), Note: "all must pass", Tone: Warn}, true
	default:
		return Fact{}, false
	}
}

// rate is what stands over the meter: why it opened, or how the calls go.
func (p BreakersProps) rate(b pipeline.BreakerView) string {
	o := p.Out[b.Name]
	if b.Held || o.why() == "" {
		return breakerCalls(b)
	}
	return sentences(o.why(), o.rounds(b.State))
}
