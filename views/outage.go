package views

import (
	"time"

	"redrive/pipeline"
)

// Outage is why and since when a breaker is not closed, over all the rounds of
// probes that came to nothing. The zero Outage is none.
type Outage struct {
	Since   time.Time
	By, Why string // of the change that opened it
	Rounds  int    // of probes since
	AtLeast bool   // the history does not reach back to its beginning
}

// OutageOf reads a breaker's history.
func OutageOf(b pipeline.BreakerDetail) Outage {
	if b.State == "closed" {
		return Outage{}
	}
	var o Outage
	for _, c := range b.History { // newest first
		if c.To == "closed" {
			break
		}
		o.Since, o.By, o.Why = c.At, c.By, c.Reason
		o.AtLeast = c.From != "closed"
		if c.To == "half-open" {
			o.Rounds++
		}
	}
	if o.Since.IsZero() {
		return Outage{Since: b.Since, By: pipeline.Program, Why: b.Reason, AtLeast: true}
	}
	return o
}

// why is the reason as it is shown: an operator's in quotes with the name.
func (o Outage) why() string {
	switch {
	case o.Why == "":
		return ""
	case o.By != pipeline.Program:
		return o.By + ": “" + o.Why + "”"
	default:
		return capital(o.Why)
	}
}

// rounds says how often it probed since.
func (o Outage) rounds(state string) string {
	n := o.Rounds
	if state == "half-open" {
		n-- // the one under way
	}
	if n < 1 {
		return ""
	}
	if o.AtLeast {
		return "At least " + Plural(n, "round of probes", "rounds of probes") + " since, none passed."
	}
	return Plural(n, "round of probes", "rounds of probes") + " since, none passed."
}

// sinceWord stands before the time: a long outage began before its history.
func (o Outage) sinceWord() string {
	if o.AtLeast {
		return "since before "
	}
	return "since "
}

// atLeast is the note under how long it has lasted.
func (o Outage) atLeast() string {
	if o.AtLeast {
		return "at least"
	}
	return ""
}
