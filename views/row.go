package views

import (
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// RowProps is the page of one row.
type RowProps struct {
	Page
	Row       pipeline.RowDetail
	Steps     []pipeline.StepView // of its pipeline as configured, for breakers and needs
	Timeline  []TimelineItem      // newest first, what is due before what was
	Payload   Document
	Sight     pipeline.Sight // how Payload and Results are shown
	Masked    bool           // something in them is
	Results   []StepResult
	Replay    ReplayForm
	Aside     AsideForm
	Command   string // to reproduce a step in a terminal
	Audit     []pipeline.Entry
	KeptUntil time.Time // when a finished row is deleted; zero: not before it is finished
	Retention time.Duration
}

// TimelineItem is one attempt, made or due, and the wait before it.
type TimelineItem struct {
	At       time.Time
	State    string // due: queued, running, retrying; made: the attempt's outcome
	Step     string
	Try      int
	Due      bool
	Until    time.Time // due: when its backoff is over
	Took     time.Duration
	Code     int
	Error    string
	Text     string // what else there is to say
	WaitText string // how long it waited before, and why
}

// StepResult is what a step's downstream answered.
type StepResult struct {
	Step string
	Document
}

// ReplayForm offers to run steps of the row again.
type ReplayForm struct {
	Options  []ReplayOption // steps that are not processed
	Again    []ReplayOption // processed ones
	Closed   string         // why nothing can be run; empty: something can
	Reason   string
	Error    string
	ErrorFor string // the field the error is about
}

// ReplayOption is one card of the form.
type ReplayOption struct {
	Value     string // what the form sends
	Step      string
	Then      string // after the step's name, in normal weight
	Note      string
	Chosen    bool
	HeldUntil time.Time // next probe of the open breaker before it
}

// AsideForm discards or restores the row.
type AsideForm struct{ Reason, Error string }

func (p RowProps) href(parts ...string) templ.SafeURL {
	return Href(p.Base, append([]string{"rows", p.Row.ID}, parts...)...)
}

func (p RowProps) discarded() bool { return p.Row.Status == pipeline.StatusDiscarded }

// badge says where the row stands in two or three words.
func (p RowProps) badge() (Tone, string, string) {
	switch p.Row.Status {
	case pipeline.StatusDead:
		return Fault, "f-dead", "dead at " + strings.Join(p.in(pipeline.StateDead), ", ")
	case pipeline.StatusAccepted, pipeline.StatusInProgress:
		if at := p.in(pipeline.StateRetrying); len(at) > 0 {
			return Warn, "f-retrying", "retrying at " + strings.Join(at, ", ")
		}
		if at := p.in(pipeline.StateRunning); len(at) > 0 {
			return Live, "f-running", "running at " + strings.Join(at, ", ")
		}
		if at := p.in(pipeline.StateQueued); len(at) > 0 {
			return Plain, "f-queued", "queued at " + strings.Join(at, ", ")
		}
	}
	status := string(p.Row.Status)
	return statusTone(status), statusIcon(status), statusWord(status)
}

func (p RowProps) in(state pipeline.State) []string {
	var names []string
	for _, f := range p.Row.Steps {
		if f.State == state {
			names = append(names, f.Name)
		}
	}
	return names
}

// sentence is the finding: what happened to the row and what comes next.
func (p RowProps) sentence() string {
	switch p.Row.Status {
	case pipeline.StatusDone:
		return "Every step is processed, " + Duration(sinceUntil(p.Row.CreatedAt, p.Row.UpdatedAt)) + " after it was accepted."
	case pipeline.StatusRejected:
		return "It breaks its pipeline's schema and was never run."
	case pipeline.StatusDiscarded:
		return "Set aside: it is in no queue, no count and no alarm. It can be restored as long as it is kept."
	case pipeline.StatusDead:
		return "A step gave up on it. Nothing happens until somebody redrives or discards it."
	case pipeline.StatusAccepted:
		return "Stored; no step was tried yet."
	default:
		return Plural(len(p.in(pipeline.StateProcessed)), "step", "steps") + " of " + Count(len(p.Row.Steps)) + " processed."
	}
}

// rowTitle is the heading: the label, or what there is instead of one.
func (p RowProps) rowTitle() string {
	if p.Row.Label != "" {
		return p.Row.Label
	}
	return "Row " + ShortID(p.Row.ID)
}

func (i TimelineItem) icon() string {
	switch i.State {
	case "processed":
		return "check"
	case "failed", "dead", "lost":
		return "x"
	case "throttled":
		return "clock"
	default:
		return "f-" + stateIcon(i.State)
	}
}

func (i TimelineItem) tone() string {
	switch i.State {
	case "processed", "running":
		return "t-live"
	case "failed", "dead", "lost":
		return "t-bad"
	case "throttled", "retrying":
		return "t-wrn"
	default:
		return "quiet"
	}
}

// word is what the outcome is called beside the step; a plain failure needs none.
func (i TimelineItem) word() string {
	switch i.State {
	case "processed":
		return ""
	case "failed":
		return "failed"
	case "dead":
		return "gave up"
	case "lost":
		return "worker lost"
	default:
		return i.State
	}
}

func entryText(e pipeline.Entry) string {
	text := e.Action
	if e.Result != "" && e.Result != "ok" {
		text += ", refused: " + e.Result
	}
	if e.Reason != "" {
		text += ": “" + e.Reason + "”"
	}
	return text
}

// replayButton names the step when there is only one it can be about.
func (p RowProps) replayButton() string {
	step := ""
	for _, o := range append(append([]ReplayOption{}, p.Replay.Options...), p.Replay.Again...) {
		if step != "" && step != o.Step {
			return "Run the chosen step on this row"
		}
		step = o.Step
	}
	return "Run " + step + " on this row"
}

// againOpen shows the processed steps when one is chosen or nothing else is offered.
func (f ReplayForm) againOpen() bool {
	for _, o := range f.Again {
		if o.Chosen {
			return true
		}
	}
	return len(f.Options) == 0
}

func resultID(i int) string { return "result-" + Count(i) }

// Choose marks one option; a value that is not offered changes nothing.
func (f *ReplayForm) Choose(value string) {
	known := func(o ReplayOption) bool { return o.Value == value }
	if !slices.ContainsFunc(f.Options, known) && !slices.ContainsFunc(f.Again, known) {
		return
	}
	for _, list := range [][]ReplayOption{f.Options, f.Again} {
		for i := range list {
			list[i].Chosen = list[i].Value == value
		}
	}
}
