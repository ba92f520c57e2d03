package views

import (
	"cmp"
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

// chartSpan is what the chart of a breaker shows.
const chartSpan = time.Hour

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
		calls = Fact{Label: outLabel(b), Value: Age(sinceUntil(p.since(), p.Now)), Note: "it probes every " + Duration(b.OpenFor)}
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
	case longest.DrainIn == 0:
		f.Note = "no rate is set: as fast as calls are answered"
	default:
		f.Value = Duration(longest.DrainIn.Truncate(time.Second))
		f.Note = "at " + Rate(cmp.Or(longest.Settings.Rate, longest.Departures))
		if p.Breaker.State != "closed" {
			f.Note += " once closed"
		}
	}
	return f
}

// chart is the failure rate of the last hour, with the stretches it was open.
func (p BreakerProps) chart() TimeChartProps {
	b := p.Breaker
	from := p.Now.Add(-chartSpan).Truncate(time.Minute)
	c := TimeChartProps{From: from, Until: p.Now, Top: 1, Share: true, Threshold: b.FailureRate,
		ThresholdLabel: "opens at " + Percent(b.FailureRate), Regions: openRegions(b, from, p.Now)}
	worst := 0.0
	byMinute := map[time.Time]pipeline.Datapoint{}
	for _, d := range b.Rates {
		byMinute[d.At.UTC()] = d
		worst = max(worst, d.Average())
	}
	for at := from.UTC(); at.Before(p.Now); at = at.Add(time.Minute) {
		d, ok := byMinute[at]
		middle := at.Add(30 * time.Second)
		c.Points = append(c.Points, ChartPoint{At: middle, Value: d.Average(), None: !ok})
		c.Bars = append(c.Bars, ChartPoint{At: middle, Value: d.Count, None: !ok})
	}
	c.Label = "Failure rate of " + b.Name + " in the last hour: " + chartFinding(len(b.Rates), worst, len(c.Regions))
	return c
}

func chartFinding(points int, worst float64, opened int) string {
	if points == 0 {
		return "no calls."
	}
	text := "at most " + Percent(worst) + " in a minute"
	if opened > 0 {
		return text + ", open " + Plural(opened, "time", "times") + "."
	}
	return text + ", never open."
}

// openRegions are the stretches in which calls were stopped, from the history:
// newest first, so it is walked from its end.
func openRegions(b pipeline.BreakerDetail, from, until time.Time) []ChartRegion {
	var out []ChartRegion
	state, since := b.State, from
	if n := len(b.History); n > 0 {
		state = b.History[n-1].From
	}
	add := func(end time.Time) {
		if state == "closed" || !end.After(from) {
			return
		}
		r := ChartRegion{From: later(since, from), Until: end, Tone: Fault}
		if len(out) > 0 && out[len(out)-1].Until.Equal(r.From) {
			out[len(out)-1].Until = end
			return
		}
		r.Label = "open"
		if since.After(from) {
			r.Label = "open since " + since.UTC().Format("15:04:05")
		}
		out = append(out, r)
	}
	for i := len(b.History) - 1; i >= 0; i-- {
		add(b.History[i].At)
		state, since = b.History[i].To, b.History[i].At
	}
	add(until)
	return onlyLastNamed(out)
}

// onlyLastNamed keeps the words of neighbouring stretches from running into each
// other.
func onlyLastNamed(regions []ChartRegion) []ChartRegion {
	for i := range regions[:max(0, len(regions)-1)] {
		regions[i].Label = ""
	}
	return regions
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
