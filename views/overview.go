package views

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// OverviewProps is the state of everything at a glance.
type OverviewProps struct {
	Page
	State  pipeline.Overview
	Groups []pipeline.Group // causes of dead letters, largest first
	Shown  int              // how many of Groups the page shows
}

// Heading is the answer: whether anything needs you.
func (p OverviewProps) Heading() string {
	switch n := len(p.State.Needs); n {
	case 0:
		return "Nothing needs you"
	case 1:
		return "1 thing needs you"
	default:
		return Count(n) + " things need you"
	}
}

// calm says why nothing needs anybody.
func (p OverviewProps) calm() string {
	var parts []string
	switch n := len(p.State.Breakers); n {
	case 0:
	case 1:
		parts = append(parts, "The breaker is closed")
	default:
		parts = append(parts, "All "+Count(n)+" breakers are closed")
	}
	if p.Tallies.DeadLetters == 0 {
		parts = append(parts, "no dead letters")
	} else {
		parts = append(parts, Plural(p.Tallies.DeadLetters, "dead letter", "dead letters"))
	}
	if len(p.State.Alarms) > 0 {
		parts = append(parts, "no alarm")
	}
	return capital(strings.Join(parts, ", ")) + "."
}

func (p OverviewProps) shape(v pipeline.PipelineView) string {
	steps, breakers := 0, map[string]bool{}
	for _, s := range v.Steps {
		if s.Gone {
			continue
		}
		steps++
		if s.Breaker != "" {
			breakers[s.Breaker] = true
		}
	}
	text := Plural(steps, "step", "steps")
	if len(breakers) > 0 {
		text += ", " + Plural(len(breakers), "breaker", "breakers")
	}
	return text
}

// gone are the steps that are no longer configured and still hold messages.
func gone(v pipeline.PipelineView) []pipeline.StepView {
	var out []pipeline.StepView
	for _, s := range v.Steps {
		if s.Gone {
			out = append(out, s)
		}
	}
	return out
}

// holds says what waits at a step.
func holds(c pipeline.StepCounts) string {
	var parts []string
	add := func(n int64, word string) {
		if n > 0 {
			parts = append(parts, Count(n)+" "+word)
		}
	}
	add(c.Queued, "queued")
	add(c.Running, "running")
	add(c.Retrying, "retrying")
	add(c.Dead, "dead")
	add(c.Waiting, "waiting")
	if len(parts) == 0 {
		return "nothing left"
	}
	return strings.Join(parts, ", ")
}

func (p OverviewProps) facts(v pipeline.PipelineView) []Fact {
	rows := func(status pipeline.Status) templ.SafeURL {
		return WithQuery(Href(p.Base, "rows"), "pipeline", v.Name, "status", string(status))
	}
	total, done, dead := v.Total(), v.Rows[pipeline.StatusDone], v.Rows[pipeline.StatusDead]
	facts := []Fact{
		{Label: "Accepted and kept", Value: Count(total), Note: Rate(v.ArrivalRate) + " now", Href: WithQuery(Href(p.Base, "rows"), "pipeline", v.Name)},
		{Label: "Done", Value: Count(done), Note: shareOf(done, total), Href: rows(pipeline.StatusDone)},
		{Label: "Not finished", Value: Count(v.Unfinished()), Note: oldest(v.OldestOpen, p.State.At)},
		{Label: "Dead", Value: Count(dead), Note: "waiting for a redrive", Href: rows(pipeline.StatusDead)},
		{Label: "Rejected", Value: Count(v.Rows[pipeline.StatusRejected]), Note: "by the schema", Href: rows(pipeline.StatusRejected)},
		{Label: "Discarded", Value: Count(v.Rows[pipeline.StatusDiscarded]), Note: "can be restored", Href: rows(pipeline.StatusDiscarded)},
		{Label: "Failed attempts", Value: Percent(v.FailedRate), Note: "in the last 5 minutes"},
	}
	if dead > 0 {
		facts[3].Tone = Fault
	} else {
		facts[3].Note = "none"
	}
	if v.Rows[pipeline.StatusDiscarded] == 0 {
		facts[5].Note = "set aside by hand"
	}
	return facts
}

func shareOf(part, total int64) string {
	if total == 0 {
		return ""
	}
	return Percent(float64(part) / float64(total))
}

func oldest(at, now time.Time) string {
	if at.IsZero() {
		return "none waits"
	}
	return "oldest " + Age(now.Sub(at))
}

func (p OverviewProps) shownGroups() []pipeline.Group {
	return p.Groups[:min(len(p.Groups), p.Shown)]
}

func (p OverviewProps) causes() string {
	var n int64
	for _, g := range p.Groups {
		n += g.Count
	}
	return Plural(n, "dead letter", "dead letters") + ", " + Plural(len(p.Groups), "cause", "causes") + "; ids, numbers and times taken out"
}

func (p OverviewProps) groupHref(g pipeline.Group) templ.SafeURL {
	return WithQuery(Href(p.Base, "dead-letters"), "pipeline", g.Pipeline, "step", g.Step, "group", g.Group)
}

// heatSpans are the spans of a group's recent counts.
func heatSpans() [4]string { return [4]string{"15 min", "1 h", "6 h", "24 h"} }

func heatCounts(g pipeline.Group) []HeatCount {
	var out []HeatCount
	for i, n := range g.Recent {
		out = append(out, HeatCount{Label: heatSpans()[i], N: n})
	}
	return out
}

func eventIcon(kind string) string {
	switch kind {
	case "breaker":
		return "switch"
	case "alarm", "sweep", "redrive", "fault":
		return kind
	default:
		return "audit"
	}
}

// eventHref is the page of an event's object; an object is a path below the base.
func eventHref(base, object string) templ.SafeURL { return objectHref(base, object) }

// eventText is what happened, its object's path shortened.
func eventText(e pipeline.Event) string {
	if e.Object == "" {
		return e.Text
	}
	return strings.Replace(e.Text, e.Object, objectName(e.Object), 1)
}

// try is one thing to do in the demonstration.
type try struct {
	Icon, Label, Text string
	Href              templ.SafeURL
}

// tries lead a newcomer to what the program is for.
func (p OverviewProps) tries() []try {
	name := ""
	if len(p.State.Breakers) > 0 {
		name = p.State.Breakers[0].Name
	}
	return []try{
		{"f-dead", "See a row fail", "Open a dead row: every attempt with its error, and how long it waited in between.", WithQuery(Href(p.Base, "rows"), "status", "dead")},
		{"redrive", "Redrive with a click", "Send all dead letters of one cause back into their queue, and see whether it worked.", Href(p.Base, "dead-letters")},
		{"switch", "Force a breaker half-open", "A few probes decide whether the downstream is back.", Href(p.Base, append([]string{"breakers"}, strings.Fields(name)...)...)},
		{"sweep", "Run a sweep", "Look for rows that something left behind.", Href(p.Base, "sweeps")},
		{"fault", "Break it on purpose", "Make calls fail for a minute and watch it heal.", Href(p.Base, "faults")},
	}
}
