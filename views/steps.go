package views

import (
	"github.com/a-h/templ"

	"redrive/pipeline"
)

// StepProps is one step: what it does, how it does, what operators may change.
type StepProps struct {
	Page
	Step   pipeline.StepDetail
	Forms  StepForms
	Counts *EvictCount // the answer to "count first"
}

// StepForms hold what was typed before an error.
type StepForms struct {
	Do                       string // the form at fault: pause, limits, reset, evict
	Field, Error             string
	Rate, Concurrency        string
	Which, OlderThan, Oldest string // evict: older_than or oldest
	Reason                   string
}

// EvictCount is what an evict would discard.
type EvictCount struct {
	Matched, Eligible int64
	Skipped           []pipeline.Skip
}

// reason is what was typed as the reason of a form.
func (f StepForms) reason(form string) string {
	if f.Do == form {
		return f.Reason
	}
	return ""
}

// wrong is the message of a form's field; that of no field stands under its reason.
func (f StepForms) wrong(form, field string) string {
	if f.Do != form {
		return ""
	}
	switch f.Field {
	case "rate", "concurrency", "older_than", "oldest":
		if f.Field == field {
			return f.Error
		}
	default:
		if field == "reason" {
			return f.Error
		}
	}
	return ""
}

// heading says how the step does.
func (p StepProps) heading() string {
	s := p.Step
	switch {
	case s.Gone:
		return s.Name + " is no longer configured"
	case s.Settings.Paused:
		return s.Name + " is paused"
	case s.BreakerState == "open":
		return s.Name + " waits for breaker " + s.Breaker
	case s.BreakerState == "half-open":
		return s.Name + " is let through in probes"
	case s.Behind:
		return s.Name + " is falling behind"
	case s.Counts.Dead > 0:
		return s.Name + " has " + Plural(s.Counts.Dead, "dead letter", "dead letters")
	default:
		return s.Name + " keeps up"
	}
}

func (p StepProps) facts() []Fact {
	s, c := p.Step, p.Step.Counts
	rows := func(state pipeline.State) templ.SafeURL {
		return WithQuery(Href(p.Base, "rows"), "pipeline", s.Pipeline, "step", s.Name, "state", string(state))
	}
	facts := []Fact{
		{Label: "Queued", Value: Count(c.Queued), Note: dueNote(c, p.Now), Href: rows(pipeline.StateQueued)},
		{Label: "Running", Value: Count(c.Running), Href: rows(pipeline.StateRunning)},
		{Label: "Retrying", Value: Count(c.Retrying), Href: rows(pipeline.StateRetrying)},
		{Label: "Dead", Value: Count(c.Dead), Href: WithQuery(Href(p.Base, "dead-letters"), "pipeline", s.Pipeline, "step", s.Name)},
		{Label: "Not here yet", Value: Count(c.Waiting), Note: needsWords(s.Needs), Href: rows(pipeline.StateWaiting)},
		{Label: "Come and leave", Value: Rate(s.Departures), Note: Rate(s.Arrivals) + " come"},
		{Label: "A call takes", Value: took(s.P50), Note: "95 of 100 under " + took(s.P95)},
		{Label: "Processed ever", Value: Count(c.ProcessedTotal), Note: Plural(c.FailedTotal, "failed attempt", "failed attempts") + throttledNote(c.Throttled), Href: rows(pipeline.StateProcessed)},
	}
	if c.Retrying > 0 {
		facts[2].Tone = Warn
	}
	if c.Dead > 0 {
		facts[3].Tone = Fault
	}
	if s.P95 == 0 {
		facts[6].Note = "no call lately"
	}
	return facts
}

// backlog says how far behind a step is, and when it will have caught up.
func (p StepProps) backlog() string {
	s := p.Step
	text := Rate(s.Arrivals) + " come, " + Rate(s.Departures) + " leave."
	if s.DrainIn > 0 {
		text += " At this rate the " + Plural(s.Counts.Queued+s.Counts.Retrying, "row", "rows") + " that wait are done in " + Long(s.DrainIn) + "."
	} else {
		text += " At this rate the queue only grows."
	}
	return text
}

// notes are the findings above the figures, the heaviest first.
func (p StepProps) notes() []Banner {
	s := p.Step
	var out []Banner
	if s.Settings.Paused {
		out = append(out, Banner{Tone: Hold, Icon: "pause", Strong: "Paused by " + who(s.ChangedBy) + reasonPart(s.ChangedWhy) + ".",
			Text: Plural(s.Counts.Queued+s.Counts.Retrying, "row waits", "rows wait") + " and none is lost."})
	}
	if b := s.BreakerView; b != nil && b.State != "closed" {
		out = append(out, Banner{Tone: Fault, Icon: "switch", Strong: "Breaker " + b.Name + " is " + b.State + since(b, p.Now) + ".",
			Text:   "No attempt is used up while it is; " + Plural(s.Counts.Queued+s.Counts.Retrying, "row waits", "rows wait") + ".",
			Action: &Action{Label: "Look at " + b.Name, Href: Href(p.Base, "breakers", b.Name)}})
	}
	if s.Behind {
		out = append(out, Banner{Tone: Warn, Icon: "clock", Strong: "Falling behind.", Text: p.backlog(), Action: &Action{Label: "Change the rate", Href: "#rate"}})
	}
	return out
}

// changes are the settings that differ from the configuration.
func (p StepProps) changes() []string {
	now, was := p.Step.Settings, p.Step.Configured
	var out []string
	if now.Paused != was.Paused {
		out = append(out, "paused")
	}
	if now.Rate != was.Rate {
		out = append(out, "rate "+limitWords(was.Rate)+" to "+limitWords(now.Rate))
	}
	if now.Concurrency != was.Concurrency {
		out = append(out, Count(was.Concurrency)+" to "+Count(now.Concurrency)+" calls at once")
	}
	return out
}

func (p StepProps) href() templ.SafeURL { return Href(p.Base, "steps", p.Step.Pipeline, p.Step.Name) }

func (p StepProps) evictHref() templ.SafeURL {
	return Href(p.Base, "steps", p.Step.Pipeline, p.Step.Name, "evict")
}

// pauseVerb is what the button of the first form does.
func (p StepProps) pauseVerb() string {
	if p.Step.Settings.Paused {
		return "Resume "
	}
	return "Pause "
}

func (p StepProps) waiting() int64 {
	return p.Step.Counts.Queued + p.Step.Counts.Retrying
}
