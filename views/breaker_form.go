package views

import (
	"redrive/pipeline"
)

// position is one place the switch can be put to.
type position struct {
	State, Name, Text string
	Off               string // why it cannot be chosen; empty: it can
	Chosen            bool
}

// positions are what an operator can do with the switch, each with its
// consequence.
func (p BreakerProps) positions() []position {
	b := p.view()
	chosen := p.Form.State
	list := []position{
		{State: "half-open", Name: "Probe now", Text: probeText(b)},
		{State: "open", Name: "Hold open", Text: holdOpenText(b)},
		{State: "closed", Name: "Hold closed", Text: holdClosedText(b)},
		{State: "automatic", Name: "Back to automatic", Text: automaticText(b)},
	}
	if b.State == "half-open" {
		list[0].Off = "It is probing now: " + Count(b.Granted) + " of " + Count(b.Probes) + " let through."
	}
	if !b.Held {
		list[3].Off = "It is automatic now; nobody is holding it."
	}
	if chosen == "" {
		chosen = usualPosition(b)
	}
	for i := range list {
		list[i].Chosen = list[i].State == chosen && list[i].Off == ""
	}
	return list
}

// usualPosition is what most come for.
func usualPosition(b pipeline.BreakerView) string {
	switch {
	case b.Held:
		return "automatic"
	case b.State == "open":
		return "half-open"
	default:
		return "open"
	}
}

// probeRows is how many rows a round of probes takes at most; none waiting: the
// next ones to come.
func probeRows(b pipeline.BreakerView) int {
	if b.Waiting > 0 && b.Waiting < int64(b.Probes) {
		return int(b.Waiting)
	}
	return b.Probes
}

func probeText(b pipeline.BreakerView) string {
	rows := Plural(b.Probes, "row goes", "rows go")
	switch {
	case b.Waiting == 0:
		return "Nothing waits: the next " + Plural(b.Probes, "row", "rows") + " to come will be the probes. All must pass to close it, one failure opens it."
	case b.Waiting < int64(b.Probes):
		return "The " + Plural(b.Waiting, "row", "rows") + " waiting decide: all must pass to close it, one failure opens it again."
	case b.Probes == 1:
		return "1 row goes through and decides what follows; the others wait."
	case b.State == "closed":
		return rows + " through and decide what follows; until then the others wait."
	default:
		return rows + " through and decide what follows: all must pass to close it, one failure opens it again."
	}
}

func holdOpenText(b pipeline.BreakerView) string {
	text := "No calls at all, not even probes, until the time is up."
	switch {
	case b.Waiting == 1:
		return text + " 1 row waits, and so do those to come."
	case b.Waiting > 1:
		return text + " " + Count(b.Waiting) + " rows wait, and so do those to come."
	}
	return text + " Rows to come wait in the queue."
}

func holdClosedText(b pipeline.BreakerView) string {
	switch {
	case b.Waiting == 0:
		return "Every call goes through, failing or not; nothing waits now. Rows may use up their attempts and die."
	case b.Waiting == 1:
		return "The 1 row waiting goes through, failing or not. It may use up its attempts and die."
	}
	return "All " + Count(b.Waiting) + " rows waiting go through, failing or not. They may use up their attempts and die."
}

func automaticText(b pipeline.BreakerView) string {
	if b.State == "open" {
		return "The hold ends: it stays open and probes in " + Duration(b.OpenFor) + "."
	}
	return "The hold ends: it stays closed, counts calls afresh and opens by its own rule."
}
