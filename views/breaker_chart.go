package views

import (
	"strings"
	"time"

	"redrive/pipeline"
)

// chartSpan is what the chart of a breaker shows.
const chartSpan = time.Hour

// chart is the failure rate of the last hour, with the stretches it was open.
func (p BreakerProps) chart() TimeChartProps {
	b := p.Breaker
	from := p.Now.Add(-chartSpan).Truncate(time.Minute)
	c := TimeChartProps{From: from, Until: p.Now, Top: 1, Share: true, Threshold: b.FailureRate,
		ThresholdLabel: "opens at " + Percent(b.FailureRate), Regions: openRegions(b, from, p.Now)}
	worst := 0.0
	byMinute := map[time.Time]pipeline.Datapoint{}
	for _, d := range b.Rates {
		byMinute[d.At.UTC()] = d
		worst = max(worst, d.Average())
	}
	for at := from.UTC(); at.Before(p.Now); at = at.Add(time.Minute) {
		d, ok := byMinute[at]
		middle := at.Add(30 * time.Second)
		c.Points = append(c.Points, ChartPoint{At: middle, Value: d.Average(), None: !ok})
		c.Bars = append(c.Bars, ChartPoint{At: middle, Value: d.Count, None: !ok})
	}
	c.Label = "Failure rate of " + b.Name + " in the last hour: " + chartFinding(len(b.Rates), worst, len(c.Regions))
	return c
}

func chartFinding(points int, worst float64, opened int) string {
	if points == 0 {
		return "no calls."
	}
	text := "at most " + Percent(worst) + " in a minute"
	if opened > 0 {
		return text + ", open " + Plural(opened, "time", "times") + "."
	}
	return text + ", never open."
}

// openRegions are the stretches in which calls were stopped, from the history:
// newest first, so it is walked from its end.
func openRegions(b pipeline.BreakerDetail, from, until time.Time) []ChartRegion {
	var out []ChartRegion
	state, since := b.State, from
	if n := len(b.History); n > 0 {
		state, since = b.History[n-1].From, lastFlow(b, from, b.History[n-1].At)
	}
	add := func(end time.Time) {
		if state == "closed" || !end.After(from) {
			return
		}
		r := ChartRegion{From: later(since, from), Until: end, Tone: Fault}
		if len(out) > 0 && out[len(out)-1].Until.Equal(r.From) {
			out[len(out)-1].Until = end
			return
		}
		r.Label = "open"
		if since.After(from) {
			r.Label = "open since " + since.UTC().Format("15:04:05")
		}
		out = append(out, r)
	}
	for i := len(b.History) - 1; i >= 0; i-- {
		add(b.History[i].At)
		state, since = b.History[i].To, b.History[i].At
	}
	add(until)
	return fewNamed(out, until)
}

// lastFlow is the end of the last minute before a moment with more calls than
// probes: an outage whose beginning is not kept cannot have begun before it.
func lastFlow(b pipeline.BreakerDetail, from, before time.Time) time.Time {
	at := from
	for _, d := range b.Rates {
		if end := d.At.Add(time.Minute); d.Count > float64(b.Probes) && !end.After(before) {
			at = later(at, end)
		}
	}
	return at
}

// fewNamed keeps the words of neighbouring stretches from running into each
// other: a name has the one that lasts, or the only one there was.
func fewNamed(regions []ChartRegion, now time.Time) []ChartRegion {
	for i, r := range regions {
		switch {
		case r.Until.Equal(now):
		case len(regions) == 1:
			regions[i].Label = strings.Replace(r.Label, "open since", "open at", 1)
		default:
			regions[i].Label = ""
		}
	}
	return regions
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
