package views

import (
	"time"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// AlarmProps is the page of one alarm.
type AlarmProps struct {
	Page
	Alarm pipeline.AlarmDetail
	All   bool // show all that is kept of its history
}

// Heading is the finding: "dead-letters is raised".
func (p AlarmProps) Heading() string {
	switch p.Alarm.State {
	case pipeline.AlarmOn:
		return p.Alarm.Name + " is raised"
	case pipeline.AlarmOK:
		return p.Alarm.Name + " is ok"
	default:
		return p.Alarm.Name + " has no data"
	}
}

func (p AlarmProps) href() templ.SafeURL { return Href(p.Base, "alarms", p.Alarm.Name) }

// about is what the metric is of, and how far back the chart reaches.
func (p AlarmProps) about() string {
	span := "last " + Long(60*p.Alarm.Period)
	if about := alarmAbout(p.Alarm.Dimensions); about != "" {
		return about + ", " + span
	}
	return span
}

// rule is what it watches, as a sentence.
func (p AlarmProps) rule() string {
	c := p.Alarm.AlarmConfig
	return "Raised when the " + AlarmWatches(c) + ". " + alarmMissing(c)
}

func (p AlarmProps) facts() []Fact {
	a := p.Alarm
	value := Fact{Label: "Value", Value: alarmValue(a.AlarmView), Note: "of the newest period"}
	if a.State == pipeline.AlarmOn {
		value.Tone = Fault
	}
	facts := []Fact{value,
		{Label: "Threshold", Value: a.Comparison + " " + alarmThreshold(a.AlarmConfig), Note: a.Statistic + " of " + a.Metric},
		{Label: stateLabel(a.State), Value: Age(sinceUntil(a.Since, p.Now)), Note: "judged each period of " + Duration(a.Period)},
		{Label: "Severity", Value: a.Severity, Note: "routes that take it are told"}}
	if watched, ok := p.watchedFact(); ok {
		facts = append(facts, watched)
	}
	return facts
}

func stateLabel(state string) string {
	_, _, word := alarmState(state)
	if word == "alarm" {
		word = "raised"
	}
	return capital(word) + " for"
}

// chart is the metric with the threshold and the stretches it was raised.
func (p AlarmProps) chart() TimeChartProps {
	a := p.Alarm
	from := p.Now.Truncate(a.Period).Add(-60 * a.Period)
	c := TimeChartProps{From: from, Until: p.Now, Share: alarmShare(a.AlarmConfig), Threshold: a.Threshold,
		ThresholdLabel: "threshold " + alarmThreshold(a.AlarmConfig),
		Below:          a.Comparison == "<" || a.Comparison == "<=", Regions: raisedRegions(a, from, p.Now)}
	last := time.Time{}
	for _, d := range a.Points {
		if !last.IsZero() && d.At.Sub(last) > a.Period {
			c.Points = append(c.Points, ChartPoint{At: last.Add(a.Period), None: true})
		}
		last = d.At
		c.Points = append(c.Points, ChartPoint{At: d.At, Value: alarmDatum(a.Statistic, d)})
	}
	c.Label = capital(a.Statistic) + " of " + a.Metric + ofWhat(alarmAbout(a.Dimensions)) + " in the last " + Long(60*a.Period) +
		"; newest " + alarmValue(a.AlarmView) + ", threshold " + alarmThreshold(a.AlarmConfig) + "."
	return c
}

// alarmDatum is the statistic of one slot.
func alarmDatum(statistic string, d pipeline.Datapoint) float64 {
	switch statistic {
	case "sum":
		return d.Sum
	case "min":
		return d.Min
	case "max":
		return d.Max
	case "count":
		return d.Count
	default:
		return d.Average()
	}
}

// raisedRegions are the stretches in which it was raised, from the history.
func raisedRegions(a pipeline.AlarmDetail, from, until time.Time) []ChartRegion {
	var out []ChartRegion
	end := until
	for _, h := range a.History { // newest first
		if h.Source != "" { // seen elsewhere, on another chart
			continue
		}
		if h.To == pipeline.AlarmOn && end.After(from) {
			r := ChartRegion{From: later(h.At, from), Until: end, Tone: Fault}
			if len(out) == 0 {
				r.Label = "raised"
			}
			out = append(out, r)
		}
		end = h.At
	}
	return out
}

func (p AlarmProps) history() []pipeline.AlarmChange { return newest(p.Alarm.History, p.All) }

// untold stands where nobody was told of a change: only a raised alarm and its
// end are told.
func untold(c pipeline.AlarmChange) string {
	switch {
	case c.Source != "":
		return "–"
	case c.To == pipeline.AlarmOn || c.From == pipeline.AlarmOn && c.To == pipeline.AlarmOK:
		return "nobody"
	default:
		return "–"
	}
}
