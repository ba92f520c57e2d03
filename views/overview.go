package views

import (
	"strconv"
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
	return upperFirst(strings.Join(parts, ", ")) + "."
}

// breaker is the breaker of this name as it stands.
func (p OverviewProps) breaker(name string) pipeline.BreakerView {
	for _, b := range p.State.Breakers {
		if b.Name == name {
			return b
		}
	}
	return pipeline.BreakerView{State: "open"}
}

// needIcon draws every need but a breaker, which is a switch.
func needIcon(kind pipeline.NeedKind) string {
	switch kind {
	case pipeline.NeedLetters:
		return "f-dead"
	case pipeline.NeedBehind:
		return "clock"
	case pipeline.NeedPaused:
		return "f-held"
	case pipeline.NeedGone:
		return "f-skipped"
	case pipeline.NeedStuck:
		return "sweep"
	default:
		return "a-alarm"
	}
}

// needTone tells trouble from what a person or a rule holds.
func needTone(kind pipeline.NeedKind) Tone {
	switch kind {
	case pipeline.NeedBehind, pipeline.NeedStuck, pipeline.NeedGone:
		return Warn
	case pipeline.NeedPaused:
		return Hold
	default:
		return Fault
	}
}

// needAction is the one thing to do about a need; it leads to where it is done.
func (p OverviewProps) needAction(n pipeline.Need) Action {
	step := Href(p.Base, "steps", n.Pipeline, n.Step)
	switch n.Kind {
	case pipeline.NeedBreaker:
		if p.breaker(n.Object).Held {
			return Action{Label: "Look at " + n.Object, Href: Href(p.Base, "breakers", n.Object)}
		}
		return Action{Label: "Probe " + n.Object + " now", Href: Href(p.Base, "breakers", n.Object) + "#force"}
	case pipeline.NeedLetters:
		return Action{Label: "Review " + Count(n.Count) + " matching", Href: WithQuery(Href(p.Base, "dead-letters"), "pipeline", n.Pipeline, "step", n.Step, "group", p.group(n.Object))}
	case pipeline.NeedAlarm:
		return Action{Label: "Look at " + n.Object, Href: Href(p.Base, "alarms", n.Object)}
	case pipeline.NeedBehind:
		return Action{Label: "Change the rate of " + n.Step, Href: step + "#rate"}
	case pipeline.NeedPaused:
		return Action{Label: "Resume " + n.Step, Href: step + "#pause"}
	case pipeline.NeedGone:
		return Action{Label: "See the rows of " + n.Step, Href: WithQuery(Href(p.Base, "rows"), "pipeline", n.Pipeline, "step", n.Step)}
	case pipeline.NeedStuck:
		return Action{Label: "Run a sweep", Href: Href(p.Base, "sweeps")}
	default:
		return Action{Label: "Look at it", Href: Href(p.Base, "rows")}
	}
}

// group is the object of a need if it is a group of dead letters.
func (p OverviewProps) group(object string) string {
	for _, g := range p.Groups {
		if g.Group == object {
			return object
		}
	}
	return ""
}

// needGlyphTone colours a glyph that is not in trouble's own red.
func needGlyphTone(kind pipeline.NeedKind) Tone {
	switch tone := needTone(kind); tone {
	case Warn:
		return "wrn"
	case Hold:
		return tone
	default:
		return Plain
	}
}

// linked divides a need's sentence at what it is about: the object's name, the
// number of dead letters, or the step.
func linked(n pipeline.Need) (before, found, after string) {
	n.Text = fullStop(grouped(n.Text, n.Count))
	for _, what := range []string{n.Object, Plural(n.Count, "dead letter", "dead letters"), n.Step} {
		if before, found, after = split(n.Text, what); found != "" {
			break
		}
	}
	return before, found, after
}

// grouped writes a large count in a sentence the way pages write it.
func grouped(text string, count int64) string {
	if count < 1000 {
		return text
	}
	return strings.Replace(text, strconv.FormatInt(count, 10), Count(count), 1)
}

// fullStop ends a sentence.
func fullStop(text string) string {
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

// split divides a sentence at the object it is about, so that the object can be
// made a link. Without it in the sentence all is before.
func split(text, object string) (before, found, after string) {
	i := strings.Index(text, object)
	if object == "" || i < 0 {
		return text, "", ""
	}
	return text[:i], object, text[i+len(object):]
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
