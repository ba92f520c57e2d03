package views

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// TimeChartProps is a line over time with bars of volume below it. Label is the
// sentence a reader hears instead: what the chart shows and where it broke.
type TimeChartProps struct {
	Label          string
	From, Until    time.Time
	Points         []ChartPoint // the line, oldest first
	Bars           []ChartPoint // how many, drawn in the lowest quarter
	Top            float64      // of the scale; zero: as high as needed
	Share          bool         // values are shares of 1, written as percent
	Threshold      float64      // zero: none
	ThresholdLabel string
	Below          bool // trouble is under the threshold, not over it
	Regions        []ChartRegion
	Marks          []ChartMark
	Low            bool // a lower plot
}

// ChartPoint is a value at a moment; None breaks the line.
type ChartPoint struct {
	At    time.Time
	Value float64
	None  bool
}

// ChartRegion is a stretch of time, such as an open breaker.
type ChartRegion struct {
	From, Until time.Time
	Label       string
	Tone        Tone
}

// ChartMark is a moment worth a line: a deploy, a redrive, an alarm.
type ChartMark struct {
	At    time.Time
	Label string
	Icon  string
	Tone  Tone
}

// The box a chart is drawn in; it stretches to its panel.
const (
	chartWidth  = 1000.0
	chartHeight = 200.0
)

func (c TimeChartProps) x(t time.Time) float64 {
	span := c.Until.Sub(c.From)
	if span <= 0 {
		return 0
	}
	return chartWidth * max(0, min(1, float64(t.Sub(c.From))/float64(span)))
}

func (c TimeChartProps) percentX(t time.Time) string { return pct(c.x(t) / chartWidth) }

func (c TimeChartProps) top() float64 {
	if c.Top > 0 {
		return c.Top
	}
	highest := c.Threshold
	for _, p := range c.Points {
		if !p.None {
			highest = max(highest, p.Value)
		}
	}
	if c.Share {
		return min(1, niceTop(highest*1.1))
	}
	return niceTop(highest * 1.1)
}

// niceTop is the next number that four lines divide well.
func niceTop(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	for _, step := range []float64{10, 12, 16, 20, 24, 32, 40, 60, 80} {
		if v <= step*unit {
			return step * unit
		}
	}
	return 100 * unit
}

func (c TimeChartProps) y(v float64) float64 {
	return chartHeight * (1 - max(0, min(1, v/c.top())))
}

// scale is what stands at the left, from the top.
func (c TimeChartProps) scale() []string {
	var labels []string
	for i := 4; i >= 0; i-- {
		v := c.top() * float64(i) / 4
		if c.Share {
			labels = append(labels, Percent(v))
		} else {
			labels = append(labels, scaleLabel(v))
		}
	}
	return labels
}

// scaleLabel keeps a quarter of one apart from a fifth.
func scaleLabel(v float64) string {
	if v < 1000 {
		return num(v)
	}
	return Decimal(v)
}

// times are what stands below, from the left.
func (c TimeChartProps) times() []time.Time {
	var out []time.Time
	for i := range 5 {
		out = append(out, c.From.Add(c.Until.Sub(c.From)*time.Duration(i)/4))
	}
	return out
}

func (c TimeChartProps) bad(v float64) bool {
	if c.Threshold == 0 {
		return false
	}
	if c.Below {
		return v <= c.Threshold
	}
	return v >= c.Threshold
}

// lines are the path of what is fine and the path of what is past the threshold.
func (c TimeChartProps) lines() (fine, bad string) {
	var good, trouble strings.Builder
	for i := 1; i < len(c.Points); i++ {
		from, to := c.Points[i-1], c.Points[i]
		if from.None || to.None {
			continue
		}
		b := &good
		if c.bad(to.Value) {
			b = &trouble
		}
		b.WriteString("M" + num(c.x(from.At)) + " " + num(c.y(from.Value)) + "L" + num(c.x(to.At)) + " " + num(c.y(to.Value)))
	}
	return good.String(), trouble.String()
}

// empty says that there is nothing to draw yet.
func (c TimeChartProps) empty() bool {
	for _, p := range append(c.Points[:len(c.Points):len(c.Points)], c.Bars...) {
		if !p.None {
			return false
		}
	}
	return true
}

type chartBar struct{ X, Y, Width, Height string }

func (c TimeChartProps) bars() []chartBar {
	most := 0.0
	for _, p := range c.Bars {
		most = max(most, p.Value)
	}
	if most == 0 {
		return nil
	}
	width := min(20, 0.7*chartWidth/float64(len(c.Bars)))
	var out []chartBar
	for _, p := range c.Bars {
		if p.None || p.Value <= 0 || p.At.Before(c.From) || p.At.After(c.Until) {
			continue
		}
		height := max(1, chartHeight/4*p.Value/most)
		out = append(out, chartBar{X: num(c.x(p.At) - width/2), Y: num(chartHeight - height), Width: num(width), Height: num(height)})
	}
	return out
}

func toneWord(t Tone) string {
	if t == Fault {
		return "bad"
	}
	return string(t)
}

func regionClass(t Tone) string {
	switch t {
	case Hold:
		return "ch-hold"
	case Warn:
		return "ch-warn"
	default:
		return "ch-open"
	}
}

// chartLabel keeps the words at a moment inside the drawing: before it where it
// is near the end.
func (c TimeChartProps) chartLabel(t time.Time, gap int) (anchor, dx string) {
	if c.x(t) > 0.8*chartWidth {
		return "end", strconv.Itoa(-gap)
	}
	return "start", strconv.Itoa(gap)
}

// noneY is where "no data" stands: in the middle, but not on the threshold.
func (c TimeChartProps) noneY() string {
	if y := c.y(c.Threshold) / chartHeight; c.Threshold > 0 && y > 0.35 && y < 0.65 {
		return pct(0.78)
	}
	return pct(0.5)
}

// chartTime is the hour, or over more than two days the day.
func (c TimeChartProps) chartTime() (kind, format string) {
	if c.Until.Sub(c.From) > 48*time.Hour {
		return "day", "2 Jan"
	}
	return "minute", "15:04"
}

// HeatCount is a cell of a heat table: how many in a stretch of time.
type HeatCount struct {
	Label string // of its column, for cards: "15 min"
	N     int64
	Href  templ.SafeURL
}

// heatClass is one of five steps, each four times the one before.
func heatClass(n int64) string {
	switch {
	case n <= 0:
		return "h h0"
	case n < 4:
		return "h h1"
	case n < 16:
		return "h h2"
	case n < 64:
		return "h h3"
	default:
		return "h h4"
	}
}
