package views

import (
	"strconv"
	"strings"

	"redrive/pipeline"
)

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

// causeOf is the error a need's sentence ends with, if it is about dead letters.
func (p OverviewProps) causeOf(n pipeline.Need) string {
	for _, g := range p.Groups {
		if n.Kind == pipeline.NeedLetters && g.Group == n.Object {
			return g.Error
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
