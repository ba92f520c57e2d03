package views

import (
	"cmp"
	"strings"
	"time"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// RedrivesProps is the list of operations and the form of a replay.
type RedrivesProps struct {
	Page
	Chips      []FilterChip
	Operations []pipeline.Operation
	List       Listing
	Empty      Nothing
	Replay     WindowForm
}

// WindowForm replays the rows of a time window from the archive.
type WindowForm struct {
	Pipelines, Steps, Statuses []Choice
	Since, Until               string // as a datetime-local field wants them, UTC
	Rate, Reason               string
	Plan                       *pipeline.Operation // the dry run; nil: not made yet
	Error, ErrorFor            string
}

// RedriveProps is one operation.
type RedriveProps struct {
	Page
	Operation pipeline.Operation
	Cause     string                // the error of its group, if it still has letters
	Breaker   *pipeline.BreakerView // that holds it
	Act       ActForm
}

// ActForm is a button's form on an operation as it was typed before an error.
type ActForm struct{ Verb, Rate, Reason, Error, ErrorFor string }

// causeShown is how much of an error a title holds.
const causeShown = 80

// OperationTitle says what an operation is about: "Redrive 118 matching: timeout".
func OperationTitle(o pipeline.Operation, cause string) string {
	s := o.Selector
	cause = cmp.Or(o.Cause, cause)
	switch o.Kind {
	case pipeline.OpReplay:
		return "Replay " + Plural(o.Matched, "row", "rows") + " of " + s.Pipeline + windowText(s)
	case pipeline.OpRestore:
		return "Restore " + Plural(o.Matched, "row", "rows") + " of " + s.Pipeline
	}
	return operationVerb(o.Kind) + " " + SelectorText(o.Matched, s, cause)
}

// SelectorText is the scope of a redrive or discard: "118 matching: timeout".
func SelectorText(n int64, s pipeline.Selector, cause string) string {
	switch {
	case len(s.IDs) > 0:
		return Count(n) + " selected"
	case s.Group != "" && cause != "":
		return Count(n) + " matching: " + Clip(cause, causeShown)
	case s.Group != "":
		return Count(n) + " of one cause"
	case s.Query != "":
		return Count(n) + " matching: “" + Clip(s.Query, 60) + "”"
	case s.OlderThan > 0:
		return Plural(n, "row", "rows") + " older than " + Long(s.OlderThan)
	case s.Oldest > 0:
		return "the oldest " + Plural(n, "row", "rows")
	case s.Step != "":
		return "all " + Count(n) + " at " + s.Step
	default:
		return "all " + Count(n) + " of " + s.Pipeline
	}
}

func windowText(s pipeline.Selector) string {
	const layout = "2 Jan 15:04"
	text := ""
	if !s.Since.IsZero() {
		text += ", from " + s.Since.UTC().Format(layout)
	}
	if !s.Until.IsZero() {
		text += " until " + s.Until.UTC().Format(layout)
	}
	return text
}

func operationVerb(k pipeline.OperationKind) string {
	switch k {
	case pipeline.OpDiscard:
		return "Discard"
	case pipeline.OpReplay:
		return "Replay"
	case pipeline.OpRestore:
		return "Restore"
	default:
		return "Redrive"
	}
}

// calls tells whether the operation makes steps run, so that there are outcomes.
func calls(o pipeline.Operation) bool {
	return o.Kind == pipeline.OpRedrive || o.Kind == pipeline.OpReplay
}

// notMoved is what the operation did not touch, or not yet.
func notMoved(o pipeline.Operation) int64 { return max(0, o.Eligible-o.Moved) }

func skippedCount(o pipeline.Operation) int64 {
	var n int64
	for _, s := range o.Skipped {
		n += s.Count
	}
	return n
}

func operationParts(o pipeline.Operation) []ProgressPart {
	if !calls(o) {
		return []ProgressPart{{N: o.Moved, Kind: "ok"}}
	}
	return []ProgressPart{{N: o.Succeeded, Kind: "ok"}, {N: o.FailedAgain, Kind: "bad"}, {N: o.Pending(), Kind: "run"}}
}

// progressText is the state of an operation in one sentence.
func progressText(o pipeline.Operation) string {
	text := stateWord(o.State) + ": " + operationMoved(o)
	if outcome := operationOutcome(o); outcome != "" {
		text += ", " + outcome
	}
	return text
}

func movedWord(k pipeline.OperationKind) string {
	switch k {
	case pipeline.OpDiscard:
		return "set aside"
	case pipeline.OpRestore:
		return "taken back"
	default:
		return "moved"
	}
}

func stateWord(s pipeline.OperationState) string {
	word := string(s)
	if word == "" {
		return "Planned"
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

func operationTone(s pipeline.OperationState) (Tone, string) {
	switch s {
	case pipeline.OpRunning:
		return Live, "f-running"
	case pipeline.OpHeld, pipeline.OpPaused:
		return Hold, "f-held"
	case pipeline.OpStopped:
		return Fault, "a-alarm"
	case pipeline.OpDone:
		return Plain, "f-processed"
	default:
		return Plain, "f-skipped"
	}
}

// timeLeft is how long the rest takes at the rate, or at the pace so far; 0: not known.
func timeLeft(o pipeline.Operation, now time.Time) time.Duration {
	rest, pace := float64(notMoved(o)), o.Rate
	if rest == 0 || o.State != pipeline.OpRunning {
		return 0
	}
	if spent := now.Sub(o.StartedAt).Seconds(); pace == 0 && o.Moved > 0 && spent > 1 {
		pace = float64(o.Moved) / spent
	}
	if pace <= 0 {
		return 0
	}
	return time.Duration(min(rest/pace, 1e6) * float64(time.Second))
}

// RateText is a rate in words; 0 means no limit.
func RateText(rate float64) string {
	if rate == 0 {
		return "as fast as it goes"
	}
	return Rate(rate)
}

func (p RedriveProps) href(parts ...string) templ.SafeURL {
	return Href(p.Base, append([]string{"redrives", p.Operation.ID}, parts...)...)
}

// letters leads to the dead letters the operation is about, as they are now.
func (p RedriveProps) letters() templ.SafeURL {
	s := p.Operation.Selector
	return WithQuery(Href(p.Base, "dead-letters"), "pipeline", s.Pipeline, "step", s.Step)
}

func (p RedriveProps) act(verb string) ActForm {
	if p.Act.Verb == verb {
		return p.Act
	}
	return ActForm{}
}

// TakesText is how long moving n rows takes at a rate.
func TakesText(n int64, rate float64) string {
	if rate == 0 {
		return RateText(rate)
	}
	took := time.Duration(min(float64(n)/rate, 1e9) * float64(time.Second)).Round(time.Second)
	return strings.Replace(Duration(max(took, time.Second)), ".0 s", " s", 1) + " at " + Rate(rate)
}

func operationNote(o pipeline.Operation) string {
	note := o.By
	if o.Selector.Step != "" {
		note += ", at " + o.Selector.Step
	}
	note += ": “" + Clip(o.Reason, 80) + "”"
	if o.StopReason != "" {
		note += ", stopped: " + Clip(o.StopReason, 80)
	}
	return note
}

// operationMoved says how far an operation is.
func operationMoved(o pipeline.Operation) string {
	return Count(o.Moved) + " of " + Count(o.Eligible) + " " + movedWord(o.Kind)
}

// operationOutcome says what came of what was moved; empty without outcomes.
func operationOutcome(o pipeline.Operation) string {
	if !calls(o) || o.Moved == 0 {
		return ""
	}
	text := Count(o.Succeeded) + " passed"
	if o.FailedAgain > 0 {
		text += ", " + Count(o.FailedAgain) + " came back"
	}
	return text
}
