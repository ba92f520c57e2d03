package views

import (
	"strconv"

	"redrive/pipeline"
)

func redriveBy(o pipeline.Operation) string {
	text := "by " + o.By
	if o.Selector.Step != "" {
		text = "at " + o.Selector.Step + ", " + text
	}
	if o.Reason != "" {
		text += ": “" + o.Reason + "”"
	}
	return text + "."
}

// rest is what a button that stops or goes on is about.
func (p RedriveProps) rest() string {
	return "the " + Count(notMoved(p.Operation)) + " not yet " + movedWord(p.Operation.Kind)
}

func (p RedriveProps) cancelText() string {
	o := p.Operation
	text := "What is " + movedWord(o.Kind) + " stays so"
	if n := o.Pending(); calls(o) && n > 0 {
		text += ", and " + Count(n) + " on their way finish"
	}
	return text + ". The other " + Plural(notMoved(o), "row stays", "rows stay") + " where they are and can be chosen again later."
}

func (p RedriveProps) pauseLabel() string {
	if n := p.Operation.Pending(); calls(p.Operation) && n > 0 {
		return "Pause after " + Count(n) + " on their way"
	}
	return "Pause"
}

func (p RedriveProps) resumeRate() string {
	if a := p.act("resume"); a.Rate != "" {
		return a.Rate
	}
	return strconv.FormatFloat(p.Operation.Rate, 'f', -1, 64)
}

func (p RedriveProps) notMovedWord() string {
	if p.Operation.State.Final() {
		return "not " + movedWord(p.Operation.Kind)
	}
	return "not yet " + movedWord(p.Operation.Kind)
}

// outcomeText answers whether it helped.
func (p RedriveProps) outcomeText() string {
	o := p.Operation
	switch {
	case !calls(o) && o.State == pipeline.OpDone:
		return Plural(o.Moved, "row was", "rows were") + " " + movedWord(o.Kind) + "."
	case !calls(o):
		return Count(o.Moved) + " of " + Plural(o.Eligible, "row", "rows") + " " + movedWord(o.Kind) + " so far."
	case o.Moved == 0:
		return "No row was moved yet."
	case o.Pending() > 0:
		return Count(o.Succeeded) + " passed and " + Count(o.FailedAgain) + " failed again; " + Count(o.Pending()) + " moved rows are queued, running or retrying."
	case o.FailedAgain == 0:
		return "Every row that was moved passed its step: " + Count(o.Succeeded) + " of " + Count(o.Moved) + "."
	default:
		return Count(o.Succeeded) + " of " + Count(o.Moved) + " passed, " + Count(o.FailedAgain) + " came back as " + plural(int(o.FailedAgain), "a new dead letter", "new dead letters") + "."
	}
}

// stillRuns is why a discard cannot be taken back yet; empty when it has ended.
func (p RedriveProps) stillRuns() string {
	if p.Operation.State.Final() {
		return ""
	}
	return "It still runs: possible once it has ended or is cancelled."
}
