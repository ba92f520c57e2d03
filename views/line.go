package views

import (
	"math/bits"

	"github.com/a-h/templ"
)

// LineProps is a pipeline to be drawn as an electric line. The drawing is laid
// out here for any graph: steps stand in ranks by the longest way to them, in
// lanes where they run side by side; a long line is broken into bands. On a
// narrow panel the same list stands up along a rail.
type LineProps struct {
	Label      string // read in place of the drawing: "github: 4 steps, 2 breakers"
	Start, End *LineStep
	Steps      []LineStep
	Row        bool // one row's marks instead of figures
}

// LineStep is a station of the line.
type LineStep struct {
	Name     string
	Href     templ.SafeURL
	Needs    []string
	Figures  []Figure
	Note     string
	NoteTone Tone
	Cold     bool // nothing flows here; an open breaker and a cold need imply it
	Flow     bool // rows came in within the last seconds: beads move
	Breaker  *LineBreaker
	Mark     string // on a row's line: the step's state
	MarkText string // its word; left out: Mark
	MarkNote string
}

// Figure is a number under a station; the value "0" steps back.
type Figure struct {
	Label, Value string
	Tone         Tone
	Href         templ.SafeURL
}

// LineBreaker is the switch before a station.
type LineBreaker struct {
	Name, State string // closed, open or half-open
	Held        bool
	Href        templ.SafeURL
	Note        string // beside the state: "probe 0:18", "2.1 %"
	Pile        int64  // rows that wait before it, drawn as ticks
}

// text is the state and what there is to say about it.
func (b LineBreaker) text() string {
	state := b.State
	if b.Held {
		state = "held " + state
	}
	if b.Note == "" {
		return state
	}
	return state + ", " + b.Note
}

// short is text where the drawing says the state besides.
func (b LineBreaker) short() string {
	if b.Held && b.Note != "" {
		return "held " + b.Note
	}
	return b.text()
}

func (b LineBreaker) tone() Tone {
	switch {
	case b.Held:
		return Hold
	case b.State == "open":
		return Fault
	case b.State == "half-open":
		return Warn
	default:
		return Plain
	}
}

// ticks grows with the logarithm of the pile: twelve is some thousands.
func (b LineBreaker) ticks() int {
	if b.Pile <= 0 {
		return 0
	}
	return min(12, bits.Len64(uint64(b.Pile)))
}

// lineNode is a station or, with step nil, a place where a wire passes a rank.
type lineNode struct {
	id   string
	step *LineStep
	end  bool // start or end of the line: narrow
	rank int
	y    float64 // in lanes, from 0
	cold bool
	ins  []*lineNode // from the rank before
	outs []*lineNode
}

func (n *lineNode) open() bool {
	return n.step != nil && n.step.Breaker != nil && n.step.Breaker.State == "open"
}

func (n *lineNode) breaker() *LineBreaker {
	if n.step == nil {
		return nil
	}
	return n.step.Breaker
}

func (s LineStep) word() string {
	if s.MarkText != "" {
		return s.MarkText
	}
	return s.Mark
}

func (f Figure) class() string {
	switch {
	case f.Value == "0":
		return "zero"
	case f.Tone == Fault:
		return "bad"
	case f.Tone == Warn:
		return "wrn"
	default:
		return ""
	}
}
