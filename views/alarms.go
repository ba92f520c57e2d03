package views

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// AlarmsProps is the page of all alarms.
type AlarmsProps struct {
	Page
	List []pipeline.AlarmView // in the order of the configuration
}

// Heading is the finding.
func (p AlarmsProps) Heading() string {
	raised, silent := 0, 0
	for _, a := range p.List {
		switch a.State {
		case pipeline.AlarmOn:
			raised++
		case pipeline.AlarmInsufficient:
			silent++
		}
	}
	total := len(p.List)
	switch {
	case total == 0:
		return "No alarm is configured"
	case raised == total && total > 1:
		return "All " + Count(total) + " alarms are raised"
	case raised == 1 && total == 1:
		return "The alarm is raised"
	case raised == 1:
		return "1 of " + Count(total) + " alarms is raised"
	case raised > 1:
		return Count(raised) + " of " + Count(total) + " alarms are raised"
	case silent > 0:
		return "No alarm is raised, " + Count(silent) + " of " + Count(total) + " without data"
	default:
		return "No alarm is raised"
	}
}

// sorted puts what is raised first, then what has no data; else the order stays.
func (p AlarmsProps) sorted() []pipeline.AlarmView {
	rank := map[string]int{pipeline.AlarmOn: 0, pipeline.AlarmInsufficient: 1, pipeline.AlarmOK: 2}
	list := slices.Clone(p.List)
	slices.SortStableFunc(list, func(a, b pipeline.AlarmView) int { return cmp.Compare(rank[a.State], rank[b.State]) })
	return list
}

// AlarmWatches says what an alarm watches: "max of dead_letters of github >= 5,
// in 1 of 1 periods of 1 m".
func AlarmWatches(c pipeline.AlarmConfig) string {
	text := c.Statistic + " of " + c.Metric
	if about := alarmAbout(c.Dimensions); about != "" {
		text += " of " + about
	}
	return text + " " + c.Comparison + " " + alarmThreshold(c) + ", in " + alarmPeriods(c)
}

func alarmPeriods(c pipeline.AlarmConfig) string {
	return Count(c.Datapoints) + " of " + Plural(c.Periods, "period", "periods") + " of " + Duration(c.Period)
}

// alarmAbout names what the metric is about; empty for all of it.
func alarmAbout(d pipeline.Dimensions) string {
	var parts []string
	if d.Step != "" {
		parts = append(parts, d.Step)
	}
	if d.Pipeline != "" {
		parts = append(parts, d.Pipeline)
	}
	if d.Breaker != "" {
		parts = append(parts, "breaker "+d.Breaker)
	}
	return strings.Join(parts, " in ")
}

// alarmMissing says what a period without data counts as.
func alarmMissing(c pipeline.AlarmConfig) string {
	switch c.Missing {
	case "breaching":
		return "A period without data counts as past the threshold."
	case "not_breaching":
		return "A period without data counts as fine."
	case "ignore":
		return "A period without data changes nothing."
	default:
		return "A period without data counts neither way."
	}
}

// alarmShare tells whether the values are shares of 1.
func alarmShare(c pipeline.AlarmConfig) bool {
	return c.Metric == pipeline.MetricErrorRate && c.Statistic != "sum" && c.Statistic != "count"
}

// alarmFigure writes a value in the metric's own unit.
func alarmFigure(c pipeline.AlarmConfig, v float64) string {
	switch {
	case alarmShare(c):
		return Percent(v)
	case strings.HasSuffix(c.Metric, "_seconds") && c.Statistic != "count" && v >= 0 && v < 1e9:
		return Duration(time.Duration(v * float64(time.Second)))
	default:
		return Decimal(v)
	}
}

// alarmThreshold writes the threshold as it was configured, without the zeros a
// measured share has.
func alarmThreshold(c pipeline.AlarmConfig) string {
	if alarmShare(c) {
		return strconv.FormatFloat(math.Round(c.Threshold*1e6)/1e4, 'f', -1, 64) + " %"
	}
	return alarmFigure(c, c.Threshold)
}

func alarmValue(a pipeline.AlarmView) string {
	if a.Value == nil {
		return "none"
	}
	return alarmFigure(a.AlarmConfig, *a.Value)
}

// alarmState is the state as a mark: class, icon and word.
func alarmState(state string) (class, icon, word string) {
	switch state {
	case pipeline.AlarmOn:
		return "st-dead", "a-alarm", "alarm"
	case pipeline.AlarmOK:
		return "st-ok", "a-ok", "ok"
	default:
		return "st-queued", "a-none", "no data"
	}
}

// alarmPlace is where an operator looks next: the page of what the metric counts.
func alarmPlace(base string, c pipeline.AlarmConfig) (label string, href templ.SafeURL) {
	d := c.Dimensions
	switch {
	case c.Metric == pipeline.MetricDeadLetters:
		return "Dead letters" + ofWhat(alarmAbout(d)), WithQuery(Href(base, "dead-letters"), "pipeline", d.Pipeline, "step", d.Step)
	case c.Metric == pipeline.MetricStuckRows:
		return "Reports of sweeps", Href(base, "sweeps")
	case d.Breaker != "":
		return "Breaker " + d.Breaker, Href(base, "breakers", d.Breaker)
	case c.Metric == pipeline.MetricBreakerOpen:
		return "Breakers", Href(base, "breakers")
	case d.Pipeline != "" && d.Step != "":
		return "Step " + d.Step, Href(base, "steps", d.Pipeline, d.Step)
	default:
		return "Overview", templ.SafeURL(base)
	}
}

func ofWhat(name string) string {
	if name == "" {
		return ""
	}
	return " of " + name
}
