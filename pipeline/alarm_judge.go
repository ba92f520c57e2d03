package pipeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// slot is one period of an alarm: with its value, or without data.
type slot struct {
	value   float64
	data    bool
	unknown bool // before anybody measured: neither data nor missing
}

// judge applies the alarm to its newest periods, oldest first, as CloudWatch
// does: M of N datapoints must breach; a period without data counts as Missing
// says. It returns the state and why, in figures.
func (c AlarmConfig) judge(slots []slot, was string) (state, reason string) {
	breaching, fine, known, unknown := 0, 0, 0, 0
	for _, s := range slots {
		switch {
		case s.data && c.breaches(s.value):
			breaching, known = breaching+1, known+1
		case s.data:
			fine, known = fine+1, known+1
		case s.unknown:
			unknown++
		case c.Missing == "breaching":
			breaching++
		case c.Missing == "not_breaching":
			fine++
		}
	}
	silent := len(slots) - known
	switch {
	case breaching >= c.Datapoints:
		return AlarmOn, c.because(slots, breaching, silent)
	case unknown == len(slots):
		return was, "nothing measured yet since the start; the state is kept"
	case breaching+fine == 0 && c.Missing == "ignore" && was != "":
		return was, "no data in " + c.span() + "; the state is kept"
	case breaching+fine == 0:
		return AlarmInsufficient, "no data in " + c.span()
	case breaching+silent < c.Datapoints:
	case c.Missing == "ignore":
		return was, "some periods have no data; the state is kept"
	case c.Missing == "missing" && c.lasting(slots):
		return AlarmOn, c.because(slots, breaching, silent)
	}
	return AlarmOK, c.because(slots, breaching, silent)
}

// lasting tells whether all there is to see breaches and began at least
// Datapoints periods ago: silence after a breach does not end an alarm.
func (c AlarmConfig) lasting(slots []slot) bool {
	first := slices.IndexFunc(slots, func(s slot) bool { return s.data })
	fine := slices.ContainsFunc(slots, func(s slot) bool { return s.data && !c.breaches(s.value) })
	return first >= 0 && !fine && len(slots)-first >= c.Datapoints
}

func (c AlarmConfig) breaches(v float64) bool {
	switch c.Comparison {
	case ">":
		return v > c.Threshold
	case "<":
		return v < c.Threshold
	case "<=":
		return v <= c.Threshold
	}
	return v >= c.Threshold
}

// only tells whether more data in a period can never take a breach back, so
// that an unfinished period may be judged.
func (c AlarmConfig) only() bool {
	rising := c.Comparison == ">=" || c.Comparison == ">"
	return rising && (c.Statistic == "max" || c.Statistic == "sum" || c.Statistic == "count") || !rising && c.Statistic == "min"
}

func (c AlarmConfig) value(p Datapoint) float64 {
	switch c.Statistic {
	case "sum":
		return p.Sum
	case "min":
		return p.Min
	case "max":
		return p.Max
	case "count":
		return p.Count
	}
	return p.Average()
}

func (c AlarmConfig) because(slots []slot, breaching, silent int) string {
	text := "no data"
	for i := len(slots) - 1; i >= 0; i-- {
		if slots[i].data {
			text = fmt.Sprintf("%s of %s is %s", c.Statistic, c.Metric, figure(slots[i].value))
			break
		}
	}
	if c.Periods == 1 {
		text += fmt.Sprintf(" over %s; goes off at %s %s", words(c.Period), c.Comparison, figure(c.Threshold))
	} else {
		text += fmt.Sprintf("; %d of the last %d periods of %s were %s %s, goes off at %d", breaching, len(slots), words(c.Period), c.Comparison, figure(c.Threshold), c.Datapoints)
	}
	if silent > 0 && c.Missing == "breaching" {
		text += fmt.Sprintf(", %d of them without data", silent)
	}
	return text
}

func (c AlarmConfig) span() string {
	return words(time.Duration(c.Periods) * c.Period)
}

func figure(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// words is a duration without the zeros that Go adds: 1m, not 1m0s.
func words(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
