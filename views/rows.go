package views

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// RowsProps is the grid of rows and steps.
type RowsProps struct {
	Page
	Filter    RowsFilter
	Chips     []FilterChip
	Pipelines []Choice // empty when there is only one
	Steps     []Choice
	States    []Choice
	Windows   []Choice
	Columns   []pipeline.StepView // one a step of the one pipeline shown; empty: several
	Rows      []pipeline.Row
	List      Listing
	Empty     Nothing
	Discard   SelectedForm
	Test      TestForm
}

// RowsFilter is what the filter form holds.
type RowsFilter struct {
	Status, Query string
	Set           bool // there is something to clear
	Clear         templ.SafeURL
}

// Nothing says why a list is empty and what to do about it.
type Nothing struct {
	Icon, Title, Text string
	Action            *Action
}

// SelectedForm is the form around a list's boxes, as it was typed before an error.
type SelectedForm struct {
	Action        templ.SafeURL
	Fields        []Hidden
	Ticked        map[string]bool
	Reason, Error string
}

// TestForm sends a message from the console.
type TestForm struct {
	Pipelines            []Choice
	Payload, ContentType string
	Reason, Error, Field string
	Open                 bool
}

// rowCell is one flag of the grid.
type rowCell struct {
	State  string // as drawn: a step that will never run is skipped
	Before string // first words of the second line
	Until  time.Time
	Since  time.Time
	At     time.Time
	Day    time.Time // on which a time alone is enough
	After  string
	Full   string // the whole error, as a title
	Href   templ.SafeURL
	Exists bool // false: the row's graph does not have the step
}

func (p RowsProps) single() bool { return len(p.Columns) > 0 }

// cell says what the grid shows of a row at a step.
func (p RowsProps) cell(row *pipeline.Row, step *pipeline.StepView) rowCell {
	f, ok := row.Flag(step.Name)
	if !ok {
		return rowCell{State: "skipped", Before: "not in its graph"}
	}
	c := rowCell{State: drawnState(row, f), Exists: true, Href: Href(p.Base, "rows", row.ID) + "#attempts"}
	switch c.State {
	case "skipped":
		c.Before = string(row.Status)
		c.Full = row.Error
	case string(pipeline.StateWaiting):
		c.Before = strings.Join(unmet(row, f), ", ")
	case string(pipeline.StateQueued):
		c.Before, c.Since = queuedNote(step, f)
	case string(pipeline.StateRunning):
		c.Before, c.Since = "try "+Count(f.Attempts)+" for ", f.TouchedAt
	case string(pipeline.StateRetrying):
		c.Before, c.Until = retryNote(step, f)
	case string(pipeline.StateProcessed):
		c.At, c.Day = f.ProcessedAt, row.CreatedAt
		if f.Attempts > 1 {
			c.After = ", try " + Count(f.Attempts)
		}
	case string(pipeline.StateDead):
		c.Before, c.Full = Plural(f.Attempts, "try", "tries")+": "+Clip(f.LastError, 16), f.LastError
		c.Href = WithQuery(Href(p.Base, "rows", row.ID), "step", f.Name) + "#replay"
	}
	return c
}

// drawnState is the state of a flag, or "skipped" where the row will never go.
func drawnState(row *pipeline.Row, f pipeline.Flag) string {
	aside := row.Status == pipeline.StatusRejected || row.Status == pipeline.StatusDiscarded
	if aside && f.State != pipeline.StateProcessed && f.State != pipeline.StateDead {
		return "skipped"
	}
	return string(f.State)
}

// unmet are the needs of a step, in the row's own graph, that it has not processed.
func unmet(row *pipeline.Row, step pipeline.Flag) []string {
	var names []string
	for _, need := range step.Needs {
		if f, ok := row.Flag(need); ok && f.State != pipeline.StateProcessed {
			names = append(names, need)
		}
	}
	return names
}

func queuedNote(step *pipeline.StepView, f pipeline.Flag) (string, time.Time) {
	switch {
	case step.Gone:
		return "step is gone", time.Time{}
	case step.Settings.Paused:
		return "step is paused", time.Time{}
	case barred(step):
		return "breaker " + step.BreakerState, time.Time{}
	case f.TouchedAt.IsZero():
		return "", time.Time{}
	default:
		return "for ", f.TouchedAt
	}
}

func retryNote(step *pipeline.StepView, f pipeline.Flag) (string, time.Time) {
	next := "try " + Count(f.Attempts+1)
	switch {
	case step.Settings.Paused:
		return next + ", step paused", time.Time{}
	case barred(step):
		return next + ", breaker " + step.BreakerState, time.Time{}
	default:
		return next + " in ", f.NextAttemptAt
	}
}

// barred tells whether the step's breaker keeps its workers from receiving.
func barred(step *pipeline.StepView) bool {
	return step.BreakerState == "open" || step.BreakerState == "half-open"
}

// rowName is what an operator calls a row: its label, or its id.
func rowName(label, id string) string {
	if label != "" {
		return label
	}
	return ShortID(id)
}

// ended tells whether nothing will happen to the row by itself any more.
func ended(row *pipeline.Row) bool {
	switch row.Status {
	case pipeline.StatusDone, pipeline.StatusRejected, pipeline.StatusDiscarded:
		return true
	default:
		return false
	}
}
