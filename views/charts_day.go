package views

import (
	"fmt"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// DayStripProps is the last day in windows of five minutes, a line a step. The
// first line is the whole and stays on a phone.
type DayStripProps struct {
	Until time.Time // the end of the last window
	Lines []DayLine
	Marks []ChartMark
}

// DayLine is one step: 288 cells, oldest first; fewer are filled up in front.
type DayLine struct {
	Name  string
	Href  templ.SafeURL
	Cells []DayCell
}

// DayCell is one window of five minutes.
type DayCell struct{ Calls, Failed int64 }

const (
	dayWindow    = 5 * time.Minute
	quarterCells = 72
	dayCells     = 4 * quarterCells
)

// From what share of failed attempts a window has a colour.
const (
	dayWarnShare  = 0.001
	dayFaultShare = 0.03
)

func (c DayCell) share() float64 {
	if c.Calls == 0 {
		return 0
	}
	return float64(c.Failed) / float64(c.Calls)
}

func (l DayLine) cells() []DayCell {
	if missing := dayCells - len(l.Cells); missing > 0 {
		return append(make([]DayCell, missing), l.Cells...)
	}
	return l.Cells[len(l.Cells)-dayCells:]
}

func (l DayLine) total() DayCell {
	var sum DayCell
	for _, c := range l.cells() {
		sum.Calls += c.Calls
		sum.Failed += c.Failed
	}
	return sum
}

func (l DayLine) figure() string {
	total := l.total()
	if total.Calls == 0 {
		return "no calls"
	}
	return Percent(total.share())
}

// sentence is the line in words.
func (l DayLine) sentence(until time.Time) string {
	total := l.total()
	if total.Calls == 0 {
		return l.Name + ": no calls in the last 24 hours"
	}
	worst, at := 0.0, 0
	for i, c := range l.cells() {
		if c.share() > worst {
			worst, at = c.share(), i
		}
	}
	s := fmt.Sprintf("%s: %s of %s attempts failed in the last 24 hours", l.Name, Percent(total.share()), Count(total.Calls))
	if worst == 0 {
		return s
	}
	when := until.Add(-time.Duration(dayCells-at) * dayWindow).UTC().Format("15:04")
	return fmt.Sprintf("%s; the worst five minutes were at %s with %s", s, when, Percent(worst))
}

type dayQuarter struct {
	Start              time.Time
	Ground, Warn, Dead string
}

// quarters cuts a line into four strips that lie in a row or, on a phone, below
// each other. A window without calls is a gap.
func (l DayLine) quarters(until time.Time) []dayQuarter {
	cells := l.cells()
	worst := 0.0
	for _, c := range cells {
		worst = max(worst, c.share())
	}
	out := make([]dayQuarter, 0, 4)
	for q := range 4 {
		out = append(out, quarterOf(cells[q*quarterCells:(q+1)*quarterCells], worst))
		out[q].Start = until.Add(-time.Duration(4-q) * quarterCells * dayWindow)
	}
	return out
}

func quarterOf(cells []DayCell, worst float64) dayQuarter {
	var ground, warn, dead strings.Builder
	for i := 0; i < len(cells); i++ {
		if cells[i].Calls == 0 {
			continue
		}
		end := i
		for end < len(cells) && cells[end].Calls > 0 {
			end++
		}
		fmt.Fprintf(&ground, "M%d 5H%d", i, end)
		i = end
	}
	for i, c := range cells {
		switch share := c.share(); {
		case share >= dayFaultShare && share == worst:
			fmt.Fprintf(&dead, "M%d 0h.76v10h-.76z", i)
		case share >= dayFaultShare:
			fmt.Fprintf(&dead, "M%d 2.5h.76v7.5h-.76z", i)
		case share >= dayWarnShare:
			fmt.Fprintf(&warn, "M%d 6.5h.76v3.5h-.76z", i)
		}
	}
	return dayQuarter{Ground: ground.String(), Warn: warn.String(), Dead: dead.String()}
}

// marksOf are the marks of one quarter with their place in it.
func (p DayStripProps) marksOf(quarter int) []dayMark {
	length := quarterCells * dayWindow
	start := p.Until.Add(-time.Duration(4-quarter) * length)
	var out []dayMark
	for _, m := range p.Marks {
		if since := m.At.Sub(start); since >= 0 && since < length {
			out = append(out, dayMark{ChartMark: m, X: pct(float64(since) / float64(length))})
		}
	}
	return out
}

type dayMark struct {
	ChartMark
	X string
}

func (m dayMark) class() string {
	switch m.Tone {
	case Fault:
		return "mk mk-bad"
	case Live:
		return "mk mk-live"
	default:
		return "mk"
	}
}
