package views

import (
	"time"

	"redrive/pipeline"
)

// overviewLine draws a pipeline with what waits at each step.
func overviewLine(base string, v pipeline.PipelineView, now time.Time) LineProps {
	rows := Href(base, "rows")
	line := LineProps{Label: v.Name + ": its steps in order, with what waits at each",
		Start: &LineStep{Name: "intake", Href: WithQuery(rows, "pipeline", v.Name),
			Figures: []Figure{{Label: "a second", Value: Decimal(v.ArrivalRate)}}, Note: Count(v.Total()) + " kept", Flow: v.ArrivalRate > 0},
		End: &LineStep{Name: "done", Href: WithQuery(rows, "pipeline", v.Name, "status", string(pipeline.StatusDone)),
			Figures: []Figure{{Label: "rows", Value: Count(v.Rows[pipeline.StatusDone])}}, Note: Rate(v.DoneRate), Flow: v.DoneRate > 0}}
	for _, s := range v.Steps {
		if !s.Gone {
			line.Steps = append(line.Steps, overviewStep(base, s, now))
		}
	}
	return line
}

func overviewStep(base string, s pipeline.StepView, now time.Time) LineStep {
	note, tone := stepNote(s, now)
	return LineStep{Name: s.Name, Href: Href(base, "steps", s.Pipeline, s.Name), Needs: s.Needs, Figures: stepFigures(base, s),
		Note: note, NoteTone: tone, Cold: s.Settings.Paused, Flow: s.Departures > 0 && !s.Settings.Paused, Breaker: stepBreaker(base, s, now)}
}

func stepFigures(base string, s pipeline.StepView) []Figure {
	figure := func(label string, n int64, state pipeline.State, tone Tone) Figure {
		f := Figure{Label: label, Value: Count(n), Tone: tone}
		if n > 0 {
			f.Href = WithQuery(Href(base, "rows"), "pipeline", s.Pipeline, "step", s.Name, "state", string(state))
		}
		return f
	}
	dead := figure("dead", s.Counts.Dead, pipeline.StateDead, Fault)
	if s.Counts.Dead > 0 {
		dead.Href = WithQuery(Href(base, "dead-letters"), "pipeline", s.Pipeline, "step", s.Name)
	}
	return []Figure{
		figure("queued", s.Counts.Queued, pipeline.StateQueued, Plain),
		figure("running", s.Counts.Running, pipeline.StateRunning, Plain),
		figure("retrying", s.Counts.Retrying, pipeline.StateRetrying, Warn),
		dead,
	}
}

// stepNote says how a step does; what holds it comes before how fast it is.
func stepNote(s pipeline.StepView, now time.Time) (string, Tone) {
	switch {
	case s.Settings.Paused:
		return Clip("paused by "+who(s.ChangedBy)+reasonPart(s.ChangedWhy), 44), Hold
	case s.BreakerState == "open" && s.BreakerHeld:
		return "held open by " + heldBy(s.BreakerView), Hold
	case s.BreakerState == "open":
		return "paused by its breaker" + since(s.BreakerView, now), Fault
	case s.BreakerState == "half-open":
		return "probing", Warn
	case s.FaultsOn > 0:
		return "a fault is on", Hold
	case s.Behind:
		return "falling behind" + drains(s), Warn
	case s.Arrivals == 0 && s.Departures == 0 && s.Counts.Queued == 0 && s.Counts.Waiting > 0:
		return "idle, " + Count(s.Counts.Waiting) + " not here yet", Plain
	case s.Arrivals == 0 && s.Departures == 0 && s.Counts.Queued == 0:
		return "idle", Plain
	case s.P95 > 0:
		return Rate(s.Departures) + ", p95 " + Duration(s.P95), Plain
	default:
		return Rate(s.Departures), Plain
	}
}

func who(name string) string {
	if name == "" {
		return "the configuration"
	}
	return name
}

func reasonPart(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

func heldBy(b *pipeline.BreakerView) string {
	if b == nil || b.HeldBy == "" {
		return "an operator"
	}
	return b.HeldBy
}

func since(b *pipeline.BreakerView, now time.Time) string {
	if b == nil || b.Since.IsZero() {
		return ""
	}
	return " for " + Age(now.Sub(b.Since))
}

// drains says how long the backlog takes, if that can be told.
func drains(s pipeline.StepView) string {
	if s.DrainIn > 0 {
		return ": drains in " + Long(s.DrainIn) + " at this rate"
	}
	return ": " + Rate(s.Arrivals) + " come, " + Rate(s.Departures) + " leave"
}

func stepBreaker(base string, s pipeline.StepView, now time.Time) *LineBreaker {
	if s.Breaker == "" {
		return nil
	}
	b := &LineBreaker{Name: s.Breaker, State: s.BreakerState, Held: s.BreakerHeld, Href: Href(base, "breakers", s.Breaker)}
	if s.BreakerState != "closed" {
		b.Pile = s.Counts.Queued + s.Counts.Retrying
	}
	if s.BreakerView != nil {
		b.Note = breakerNote(s.BreakerView, now)
	}
	return b
}

func breakerNote(b *pipeline.BreakerView, now time.Time) string {
	switch {
	case b.Held && !b.HeldUntil.IsZero():
		return "until " + b.HeldUntil.UTC().Format("15:04")
	case b.State == "half-open":
		return Count(b.Granted) + " of " + Plural(b.Probes, "probe", "probes")
	case b.State == "open" && b.NextProbeAt.After(now):
		return "probe " + ClockTime(b.NextProbeAt.Sub(now))
	case b.State == "closed" && b.Calls > 0:
		return Percent(b.FailureNow)
	default:
		return ""
	}
}
