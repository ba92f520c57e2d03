package views

import (
	"time"

	"redrive/pipeline"
)

// day puts the slots of five minutes that have data in their places.
func (p StepProps) day() DayStripProps {
	until := p.Now.Truncate(dayWindow).Add(dayWindow)
	cells := make([]DayCell, dayCells)
	for _, d := range p.Step.Errors {
		i := dayCells - 1 - int(until.Add(-time.Nanosecond).Sub(d.At)/dayWindow)
		if i >= 0 && i < dayCells {
			cells[i].Calls += int64(d.Count)
			cells[i].Failed += int64(d.Sum)
		}
	}
	return DayStripProps{Until: until, Lines: []DayLine{{Name: p.Step.Name, Cells: cells}}}
}

// flow is what left the step a second, minute by minute.
func (p StepProps) flow() TimeChartProps {
	const minutes = 60
	until := p.Now.Truncate(time.Minute)
	from := until.Add(-minutes * time.Minute)
	points := make([]ChartPoint, minutes)
	for i := range points {
		points[i].At = from.Add(time.Duration(i) * time.Minute)
	}
	total, most := 0.0, 0.0
	for _, d := range p.Step.Flow {
		if i := int(d.At.Sub(from) / time.Minute); i >= 0 && i < minutes && !d.At.Before(from) {
			points[i].Value += d.Count / 60
			total += d.Count
			most = max(most, points[i].Value)
		}
	}
	return TimeChartProps{Label: Plural(int64(total), "row", "rows") + " left " + p.Step.Name + " in the last hour, at most " + Rate(most),
		From: from, Until: until, Points: points, Low: true}
}

// outlookSpan is how far ahead planned retries are shown.
const outlookSpan = 15 * time.Minute

// outlook is the histogram of planned retries.
type outlook struct {
	Label string
	Most  int64
	Total int64
	Bars  []chartBar
	Times []time.Time
}

func (p StepProps) outlook() outlook {
	o := outlook{Label: "No retry is planned in the next 15 minutes"}
	var peak pipeline.Bucket
	for _, b := range p.Step.Retries {
		o.Total += b.Count
		if b.Count > peak.Count {
			peak = b
		}
	}
	for i := range 4 {
		o.Times = append(o.Times, p.Now.Add(time.Duration(i)*outlookSpan/3))
	}
	if o.Total == 0 {
		return o
	}
	o.Most = peak.Count
	o.Label = Plural(o.Total, "retry is", "retries are") + " planned in the next 15 minutes, most at " + peak.At.UTC().Format("15:04:05") + ": " + Count(peak.Count)
	width := 0.8 * chartWidth / float64(max(len(p.Step.Retries), 15))
	for _, b := range p.Step.Retries {
		if b.Count <= 0 {
			continue
		}
		x := chartWidth * max(0, min(1, float64(b.At.Sub(p.Now))/float64(outlookSpan)))
		height := max(2, chartHeight*float64(b.Count)/float64(o.Most))
		o.Bars = append(o.Bars, chartBar{X: num(x), Y: num(chartHeight - height), Width: num(width), Height: num(height)})
	}
	return o
}
