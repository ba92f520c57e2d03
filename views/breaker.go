package views

import (
	"cmp"
	"strings"
	"time"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// BreakerProps is the page of one breaker.
type BreakerProps struct {
	Page
	Breaker pipeline.BreakerDetail
	Steps   []pipeline.StepView // those it guards, as they stand
	All     bool                // show all that is kept of probes and history
	Form    ForceForm
}

// ForceForm holds what was typed before an error.
type ForceForm struct {
	State, For, Reason string // as typed
	Wrong              Wrong
}

// Wrong is the field of a form that was refused, and why; the zero value is none.
type Wrong struct{ Field, Text string }

// at is the sentence of one field, empty for any other.
func (w Wrong) at(field string) string {
	if w.Field == field {
		return w.Text
	}
	return ""
}

// beside is the sentence that belongs to none of these fields.
func (w Wrong) beside(fields ...string) string {
	for _, f := range fields {
		if w.Field == f {
			return ""
		}
	}
	return w.Text
}

// newestShown is how many lines of a history are shown before it is asked for all.
const newestShown = 15

// Heading is the finding: "search-api is held open".
func (p BreakerProps) Heading() string { return p.Breaker.Name + " is " + breakerWord(p.view()) }

func (p BreakerProps) view() pipeline.BreakerView { return p.Breaker.BreakerView }

func (p BreakerProps) href() templ.SafeURL { return Href(p.Base, "breakers", p.Breaker.Name) }

func (p BreakerProps) hrefAll() templ.SafeURL { return WithQuery(p.href(), "all", "1") }

func (p BreakerProps) probes() []pipeline.Probe { return newest(p.Breaker.Probed, p.All) }

func (p BreakerProps) history() []pipeline.BreakerChange { return newest(p.Breaker.History, p.All) }

// newest is the list, or what is shown of it at first.
func newest[T any](list []T, all bool) []T {
	if all || len(list) <= newestShown {
		return list
	}
	return list[:newestShown]
}

// lede is why it stands as it does, after the time since when.
func (p BreakerProps) lede() string {
	o := OutageOf(p.Breaker)
	last := ""
	if p.Breaker.Reason != o.Why && p.Breaker.Reason != "" {
		last = "Last: " + p.lastReason()
	}
	return sentences(o.why(), o.rounds(p.Breaker.State), last, "Automatic; nobody is holding it")
}

// lastReason is the reason of the present state, in quotes if a person gave it.
func (p BreakerProps) lastReason() string {
	b := p.Breaker
	if len(b.History) > 0 && b.History[0].Reason == b.Reason {
		return saidBy(b.History[0])
	}
	return b.Reason
}

func saidBy(c pipeline.BreakerChange) string {
	if c.By == pipeline.Program {
		return c.Reason
	}
	return c.By + ", “" + c.Reason + "”"
}

// since is when it left closed, or came to it.
func (p BreakerProps) since() time.Time {
	if o := OutageOf(p.Breaker); !o.Since.IsZero() {
		return o.Since
	}
	return p.Breaker.Since
}

func (p BreakerProps) facts() []Fact {
	b := p.view()
	facts := make([]Fact, 0, 4)
	if f, ok := nextFact(b, p.Now); ok {
		facts = append(facts, f)
	}
	calls := Fact{Label: "Calls in the window", Value: Count(b.Calls), Note: Count(b.Failed) + " failed in the last " + Duration(b.Window)}
	if b.State != "closed" {
		calls = Fact{Label: outLabel(b), Value: Age(sinceUntil(p.since(), p.Now)), Note: "it probes every " + plainTime(b.OpenFor)}
		if least := OutageOf(p.Breaker).atLeast(); least != "" {
			calls.Note = least + "; " + calls.Note
		}
		if b.Held {
			calls.Note = "no probes while it is held"
		}
	}
	facts = append(facts, Fact{Label: "Waiting", Value: Count(b.Waiting), Note: atSteps(b.Steps)}, p.drains(), calls)
	if len(facts) < 4 {
		facts = append(facts, Fact{Label: "Opens at", Value: Percent(b.FailureRate), Note: "of at least " + Plural(b.MinimumCalls, "call", "calls")})
	}
	return facts
}

// drains is how long the backlog takes once calls are made: the slowest step counts.
func (p BreakerProps) drains() Fact {
	f := Fact{Label: "Drains in about", Value: "–"}
	var longest pipeline.StepView
	for _, s := range p.Steps {
		if s.Settings.Paused && s.Counts.Queued+s.Counts.Retrying > 0 {
			f.Note = s.Name + " is paused"
			return f
		}
		if s.DrainIn > longest.DrainIn {
			longest = s
		}
	}
	switch {
	case p.Breaker.Waiting == 0:
		f.Note = "nothing waits"
	case longest.DrainIn == 0, p.Breaker.State != "closed" && longest.Settings.Rate == 0: // what trickles out now says nothing
		f.Note = "no rate is set: as fast as calls are answered"
	default:
		f.Value = strings.Replace(Duration(longest.DrainIn.Truncate(time.Second)), ".0 s", " s", 1)
		f.Note = "at " + Rate(cmp.Or(longest.Settings.Rate, longest.Departures))
		if p.Breaker.State != "closed" {
			f.Note += " once closed"
		}
	}
	return f
}
