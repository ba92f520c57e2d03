package views

import (
	"math"
	"strconv"
	"strings"

	"redrive/pipeline"
)

// Money writes dollars, to the cent below a thousand: "$3.86", "$1,204".
func Money(dollars float64) string {
	switch {
	case math.IsNaN(dollars) || math.IsInf(dollars, 0):
		return "no data"
	case dollars > 0 && dollars < 0.005:
		return "under $0.01"
	case dollars >= 999.995:
		return "$" + Count(int64(math.Round(dollars)))
	default:
		return "$" + strconv.FormatFloat(dollars, 'f', 2, 64)
	}
}

// Price writes a list price, which may have a fraction of a cent: "$0.40", "$0.625".
func Price(dollars float64) string {
	text := strconv.FormatFloat(dollars, 'f', 3, 64)
	return "$" + strings.TrimSuffix(text, "0")
}

// costFacts are the figures of the bill; what was not measured yet has a dash.
func costFacts(c *pipeline.Costs) []Fact {
	facts := []Fact{
		{Label: "A million rows", Value: unknown, Note: "stored, and taken through all their steps"},
		{Label: "Storing them", Value: unknown, Note: "no row was stored here yet"},
		{Label: "Their steps", Value: unknown, Note: "no step was processed here yet"},
		{Label: "Waiting for work", Value: unknown, Note: "too early to tell"},
	}
	if sum, known := c.PerMillion(); known {
		facts[0].Value = Money(sum)
	}
	if c.Rows > 0 {
		facts[1].Value, facts[1].Note = Money(c.Intake), "measured on "+Plural(c.Rows, "row", "rows")
	}
	if c.Steps > 0 {
		facts[2].Value, facts[2].Note = Money(c.Work), stepUnits(c)
	}
	if c.IdleOver > 0 {
		facts[3].Value = Money(c.Idle*float64(c.Processes)) + " a day"
		facts[3].Note = Plural(c.Processes, "process", "processes") + " at " + Money(c.Idle)
	}
	if len(c.Monthly) > 0 {
		facts = append(facts, Fact{Label: "Being watched", Value: Money(c.Month()) + " a month", Note: "the same for any number of processes"})
	}
	return facts
}

// unknown stands for a figure that cannot be told yet.
const unknown = "–"

// stepUnits is what one processed step takes: "0.29 SQS requests, 1 read, 1 write".
func stepUnits(c *pipeline.Costs) string {
	var parts []string
	for _, u := range c.Units {
		if u.Step > 0 {
			name := u.One + "s"
			if units(u.Step) == "1" {
				name = u.One
			}
			parts = append(parts, units(u.Step)+" "+name)
		}
	}
	return strings.Join(parts, ", ") + " a step"
}

// units writes an amount of what is paid for, to the hundredth below ten.
func units(n float64) string {
	switch {
	case n > 0 && n < 0.005:
		return "under 0.01"
	case n < 10:
		return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(n, 'f', 2, 64), "0"), ".")
	default:
		return Count(int64(math.Round(n)))
	}
}

// costScope says what was counted.
func costScope(p OverviewProps) string {
	text := "at the list prices of " + p.State.Costs.Prices + ", as this process counts"
	if p.State.Costs.Processes > 1 {
		return text + "; the others' pages have theirs"
	}
	return text
}

// monthlyWords are the parts of what is paid by the month.
func monthlyWords(c *pipeline.Costs) string {
	var parts []string
	for _, m := range c.Monthly {
		if m.Count > 0 {
			parts = append(parts, Count(m.Count)+" "+m.Name+" at "+Price(m.Each))
		}
	}
	if len(parts) == 0 {
		return "Nothing is paid by the month yet."
	}
	return "By the month: " + strings.Join(parts, ", ") + "."
}

// idleWords say what is paid for while nothing comes.
func idleWords(c *pipeline.Costs) string {
	text := "Waiting for work is polls that bring nothing, counters, and signs of life: each process has its own, all day."
	if c.IdleOver == 0 {
		return text
	}
	return text + " The figure is that of the last " + Long(c.IdleOver) + "."
}

// claimWords is the price of a step that is claimed before its call.
func claimWords(c *pipeline.Costs) string {
	return Price(c.Claim) + " more a million calls, and as much again for every " + plainTime(c.Beat) + " that a call takes"
}
