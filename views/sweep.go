package views

import "redrive/pipeline"

// SweepProps is the report of one sweep.
type SweepProps struct {
	Page
	Sweep pipeline.Sweep
	All   bool // list every row that is kept
}

// sweepRowsShown is how many rows a report lists before it is asked for all.
const sweepRowsShown = 200

// Heading is the finding.
func (p SweepProps) Heading() string {
	s := p.Sweep
	switch {
	case s.State == pipeline.SweepRunning && s.Stuck == 0:
		return "Looking for stuck rows: " + Plural(s.Scanned, "row", "rows") + " looked at"
	case s.State == pipeline.SweepRunning:
		return p.found() + " so far"
	case s.State == pipeline.SweepFailed:
		return "The sweep failed after " + Plural(s.Scanned, "row", "rows")
	case s.Stuck == 0:
		return "Nothing was stuck: " + Plural(s.Scanned, "row", "rows") + " looked at"
	case s.DryRun:
		return p.found() + ", nothing was changed"
	default:
		return p.found() + ", " + Count(s.Requeued) + " requeued"
	}
}

// found counts rows; a row that is stuck at several steps makes it a count of
// steps.
func (p SweepProps) found() string {
	rows := map[string]bool{}
	for _, r := range p.Sweep.Rows {
		rows[r.Row] = true
	}
	if len(rows) < len(p.Sweep.Rows) {
		return Plural(p.Sweep.Stuck, "stuck step", "stuck steps") + " found"
	}
	return Plural(p.Sweep.Stuck, "stuck row", "stuck rows") + " found"
}

func (p SweepProps) rows() []pipeline.Stuck {
	if p.All || len(p.Sweep.Rows) <= sweepRowsShown {
		return p.Sweep.Rows
	}
	return p.Sweep.Rows[:sweepRowsShown]
}

// listed says how many of the stuck rows the report shows; empty if all.
func (p SweepProps) listed() string {
	shown := int64(len(p.rows()))
	if shown == p.Sweep.Stuck {
		return ""
	}
	return "The first " + Count(shown) + " of " + Count(p.Sweep.Stuck) + " are listed"
}

// nothing is what an empty report says.
func (p SweepProps) nothing() (title, text string) {
	switch p.Sweep.State {
	case pipeline.SweepRunning:
		return "Nothing stuck so far", "What it finds is listed here while it goes on."
	case pipeline.SweepFailed:
		return "Nothing stuck before it failed", "It did not see every row; run it again."
	default:
		return "Every row is where it should be", "Each row that is not finished is in a queue, at work, dead, or waits out a backoff."
	}
}

// again starts the sweep that a dry run only tried.
func (p SweepProps) again() *Action {
	a := &Action{Label: "Run the sweep now", Href: p.navHref(SectionSweeps), Post: true, Fields: []Hidden{{"pipeline", p.Sweep.Pipeline}}}
	if p.Sweep.Stuck > 0 {
		a.Label = "Requeue these: run the sweep now"
	}
	return a
}
