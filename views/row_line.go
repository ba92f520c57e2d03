package views

import (
	"strings"
	"time"

	"redrive/pipeline"
)

// line is the row's way through its graph with a mark at every step.
func (p RowProps) line() LineProps {
	row := &p.Row.Row
	l := LineProps{Label: "Flags of this row: " + p.flagsInWords(), Row: true,
		Start: &LineStep{Name: "accepted", Mark: "processed", MarkText: "stored", MarkNote: p.clock(row.CreatedAt)},
		End:   &LineStep{Name: "done", Mark: "waiting", MarkText: " ", MarkNote: "not yet"}}
	if row.Status == pipeline.StatusDone {
		l.End.Mark, l.End.MarkText, l.End.MarkNote = "processed", "done", p.clock(row.UpdatedAt)
	}
	for _, f := range row.Steps {
		l.Steps = append(l.Steps, p.lineStep(row, f))
	}
	return l
}

func (p RowProps) lineStep(row *pipeline.Row, f pipeline.Flag) LineStep {
	s := LineStep{Name: f.Name, Needs: f.Needs, Mark: drawnState(row, f), Cold: f.State == pipeline.StateWaiting}
	view := p.step(f.Name)
	if view == nil {
		s.MarkNote = "no longer configured"
		return s
	}
	s.Href = Href(p.Base, "steps", view.Pipeline, view.Name)
	s.MarkNote = p.markNote(row, f, view)
	if b := view.BreakerView; b != nil {
		s.Breaker = &LineBreaker{Name: b.Name, State: b.State, Held: b.Held, Href: Href(p.Base, "breakers", b.Name)}
		if b.State == "open" && !b.Held && !b.NextProbeAt.IsZero() {
			s.Breaker.Note = "probe " + ClockTime(b.NextProbeAt.Sub(p.Now))
		}
	}
	return s
}

func (p RowProps) markNote(row *pipeline.Row, f pipeline.Flag, view *pipeline.StepView) string {
	switch drawnState(row, f) {
	case "skipped":
		return string(row.Status)
	case "waiting":
		if open := unmet(row, f); len(open) > 0 {
			return "needs " + strings.Join(open, " and ")
		}
		return "its needs are ready"
	case "processed":
		return p.clock(f.ProcessedAt) + ", try " + Count(f.Attempts)
	case "dead":
		return Plural(f.Attempts, "try", "tries")
	case "retrying":
		note, until := retryNote(view, f)
		if !until.IsZero() {
			note += ClockTime(until.Sub(p.Now))
		}
		return note
	case "running":
		return "try " + Count(f.Attempts)
	default:
		note, since := queuedNote(view, f)
		if !since.IsZero() {
			note += Age(p.Now.Sub(since))
		}
		return note
	}
}

// step is the configured step of that name, nil when it is gone.
func (p RowProps) step(name string) *pipeline.StepView {
	for i := range p.Steps {
		if p.Steps[i].Name == name && !p.Steps[i].Gone {
			return &p.Steps[i]
		}
	}
	return nil
}

func (p RowProps) flagsInWords() string {
	words := make([]string, len(p.Row.Steps))
	for i, f := range p.Row.Steps {
		words[i] = f.Name + " " + drawnState(&p.Row.Row, f)
	}
	return strings.Join(words, ", ")
}

// clock is a time in text that cannot hold a time element.
func (p RowProps) clock(t time.Time) string {
	if sameDay(t, p.Now) {
		return t.UTC().Format("15:04:05")
	}
	return t.UTC().Format("2 Jan 15:04:05")
}
