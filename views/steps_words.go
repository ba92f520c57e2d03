package views

import (
	"strconv"
	"strings"
	"time"

	"redrive/pipeline"
)

// sentence says what the step does with a row, settings and all.
func (p StepProps) sentence() string {
	s := p.Step
	if s.Gone {
		return "The configuration has no such step any more. Its rows keep the graph they were accepted with and wait here until the step is back, or until they are discarded."
	}
	text := "Calls " + s.Target + " with at most " + Count(s.Settings.Concurrency) + " at once in each process and " + rateWords(s.Settings.Rate)
	if s.Timeout > 0 {
		text += "; a call may take " + plainTime(s.Timeout)
	}
	text += ". " + retryWords(s.StepView)
	if len(s.Permanent) > 0 {
		text += " " + codes(s.Permanent) + plural(len(s.Permanent), " is", " are") + " not tried again."
	}
	if s.Breaker != "" {
		text += " Guarded by breaker " + s.Breaker + "."
	}
	return text + exclusiveWords(s)
}

// exclusiveWords says what a claim before each call is for, and what it costs.
func exclusiveWords(s pipeline.StepDetail) string {
	if !s.Exclusive {
		return ""
	}
	text := " Claimed before each call, so that no two are made at once"
	if s.Costs != nil {
		text += ": " + claimWords(s.Costs)
	}
	return text + "."
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func rateWords(rate float64) string {
	if rate <= 0 {
		return "as many a second as that gives"
	}
	return Decimal(rate) + " a second"
}

func retryWords(s pipeline.StepView) string {
	if s.Attempts == 1 {
		return "After a failure the row goes to the dead-letter queue at once."
	}
	text := "After a failure it waits " + plainTime(s.Base)
	if s.Cap > s.Base {
		text += " doubling to " + plainTime(s.Cap)
	}
	switch s.Jitter {
	case "none":
		text += " without jitter"
	case "":
	default:
		text += " with " + s.Jitter + " jitter"
	}
	if s.Attempts == 0 {
		return text + ", until it succeeds."
	}
	return text + ", " + word(s.Attempts) + " attempts in all, then the dead-letter queue."
}

// plainTime writes a configured duration as one would type it: "1 s", "90 s", "5 m".
func plainTime(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	case d >= 2*time.Minute && d%time.Minute == 0:
		return strconv.Itoa(int(d/time.Minute)) + " m"
	case d >= time.Second && d%time.Second == 0:
		return strconv.Itoa(int(d/time.Second)) + " s"
	default:
		return Duration(d)
	}
}

func codes(list []int) string {
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = strconv.Itoa(c)
	}
	if n := len(texts); n > 1 {
		return strings.Join(texts[:n-1], ", ") + " and " + texts[n-1]
	}
	return texts[0]
}

func word(n int) string {
	words := []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
	if n >= 0 && n < len(words) {
		return words[n]
	}
	return Count(n)
}

func took(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return Duration(d)
}

func dueNote(c pipeline.StepCounts, now time.Time) string {
	switch {
	case c.Queued == 0:
		return "none waits"
	case c.OldestDue.IsZero():
		return ""
	default:
		return "the oldest for " + Age(now.Sub(c.OldestDue))
	}
}

func needsWords(needs []string) string {
	if len(needs) == 0 {
		return "needs no other step"
	}
	return "needs " + strings.Join(needs, " and ")
}

func throttledNote(n int64) string {
	if n == 0 {
		return ""
	}
	return ", " + Count(n) + " throttled"
}

func limitWords(rate float64) string {
	if rate <= 0 {
		return "no limit"
	}
	return Rate(rate)
}

func boolWord(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
