package views

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"redrive/pipeline"
)

// breakerWord is the state in words: "held open", "half-open".
func breakerWord(b pipeline.BreakerView) string {
	if b.Held {
		return "held " + b.State
	}
	return b.State
}

// heldWhy ends the sentence of who holds a breaker until when.
func heldWhy(b pipeline.BreakerView) string {
	if strings.TrimSpace(b.Reason) == "" {
		return "."
	}
	return ": “" + b.Reason + "”."
}

// breakerTone is the colour of the word: none for closed.
func breakerTone(state string, held bool) Tone {
	switch {
	case held:
		return Hold
	case state == "open":
		return Fault
	case state == "half-open":
		return Warn
	default:
		return Plain
	}
}

// breakerCalls says what the calls of the window came to, and when it opens.
func breakerCalls(b pipeline.BreakerView) string {
	return breakerNow(b) + " " + breakerRule(b)
}

func breakerNow(b pipeline.BreakerView) string {
	switch {
	case b.State == "open":
		return "No calls are made while it is open."
	case b.State == "half-open":
		return "Only probes are made: " + Count(b.Granted) + " of " + Count(b.Probes) + " so far."
	case b.Calls == 0:
		return "No calls in the last " + Duration(b.Window) + "."
	default:
		return Count(b.Failed) + " of " + Plural(b.Calls, "call", "calls") + " failed in the last " + Duration(b.Window) + ": " + Percent(b.FailureNow) + "."
	}
}

func breakerRule(b pipeline.BreakerView) string {
	return "It opens at " + Percent(b.FailureRate) + " with at least " + Plural(b.MinimumCalls, "call", "calls") + " in " + Duration(b.Window) + "."
}

// probeRule says what decides half-open.
func probeRule(probes int) string {
	if probes == 1 {
		return "1 probe must pass"
	}
	return Count(probes) + " probes must pass"
}

// guardedPipelines are the steps a breaker guards, by pipeline, in their order.
func guardedPipelines(steps []pipeline.StepKey) [][]pipeline.StepKey {
	var out [][]pipeline.StepKey
	for _, s := range steps {
		if n := len(out); n > 0 && out[n-1][0].Pipeline == s.Pipeline {
			out[n-1] = append(out[n-1], s)
			continue
		}
		out = append(out, []pipeline.StepKey{s})
	}
	return out
}

// atSteps is "at index and notify"; many are counted.
func atSteps(steps []pipeline.StepKey) string {
	if len(steps) == 0 {
		return "it guards no step"
	}
	if len(steps) > 3 {
		return "at " + Count(len(steps)) + " steps"
	}
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.Step
	}
	return "at " + AndList(names)
}

// scaleEnds tells which ends of the scale have room beside the threshold's words.
func scaleEnds(threshold float64) (low, high bool) { return threshold > 0.3, threshold < 0.7 }

// scaleAnchor keeps the words of the threshold inside the drawing.
func scaleAnchor(threshold float64) string {
	switch {
	case threshold < 0.15:
		return "start"
	case threshold > 0.85:
		return "end"
	default:
		return "middle"
	}
}

// historyReason is a reason as it is shown: an operator's in quotes.
func historyReason(c pipeline.BreakerChange) string {
	if c.By == pipeline.Program {
		return capital(c.Reason)
	}
	if strings.TrimSpace(c.Reason) == "" {
		return ""
	}
	return "“" + c.Reason + "”"
}

// sentences joins what is not empty, each with its full stop.
func sentences(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		if !strings.ContainsAny(p[len(p)-1:], ".!?") && !strings.HasSuffix(p, "…") {
			p += "."
		}
		out = append(out, p)
	}
	return strings.Join(out, " ")
}

// historyFrom is where a change came from: "closed to", or, where only the hold
// changed, "stays".
func historyFrom(c pipeline.BreakerChange) string {
	if c.From == c.To {
		return "stays"
	}
	return c.From + " to"
}

// toneText is the class of a word in a tone.
func toneText(tone Tone) string {
	switch tone {
	case Fault:
		return "t-bad"
	case Warn:
		return "t-wrn"
	case Hold:
		return "t-hold"
	case Live:
		return "t-live"
	default:
		return ""
	}
}

// listJoint stands before the i-th of n names of a sentence.
func listJoint(i, n int) string {
	switch {
	case i == 0:
		return ""
	case i == n-1:
		return " and "
	default:
		return ", "
	}
}

// capital begins a sentence.
func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if first == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}
