package views

import (
	"math"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// FaultsProps is the page of trouble made on purpose.
type FaultsProps struct {
	Page
	Active []pipeline.Fault
	Form   FaultForm
}

// FaultForm starts a fault; it holds what was typed before an error.
type FaultForm struct {
	Steps                          []Choice
	Errors, Throttle, Latency, For string // as typed
	Reason                         string
	Production                     bool // asks for one more tick
	Field, Error                   string
}

// FaultSentence says what a fault does: "30 % of the index calls in github fail
// on purpose".
func FaultSentence(f pipeline.Fault) string {
	calls := "calls in " + f.Pipeline
	if f.Step != "" {
		calls = f.Step + " " + calls
	}
	var parts []string
	of := func(share float64, does string) {
		if share <= 0 {
			return
		}
		if len(parts) == 0 {
			does = "of the " + calls + " " + does
		}
		parts = append(parts, typedPercent(share)+" "+does)
	}
	of(f.ErrorRate, "fail")
	of(f.Throttle, "are told to slow down")
	switch {
	case f.Latency > 0 && len(parts) == 0:
		parts = append(parts, "the "+calls+" start "+plainTime(f.Latency)+" late")
	case f.Latency > 0:
		parts = append(parts, "all start "+plainTime(f.Latency)+" late")
	case len(parts) == 0:
		parts = append(parts, "nothing happens to the "+calls)
	}
	return strings.Join(parts, " and ") + " on purpose"
}

// typedPercent writes a share as a person typed it: "5 %", "0.5 %".
func typedPercent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e6)/1e4, 'f', -1, 64) + " %"
}

func (p FaultsProps) heading() string {
	switch len(p.Active) {
	case 0:
		return "No fault is on"
	case 1:
		return "1 fault is on"
	default:
		return Count(len(p.Active)) + " faults are on"
	}
}

func (p FaultsProps) endHref(id string) templ.SafeURL { return Href(p.Base, "faults", id, "end") }

// wrong is the message of a field, empty for any other.
func (f FaultForm) wrong(field string) string {
	if f.Field == field {
		return f.Error
	}
	return ""
}

// whole is the message that belongs to no field of the form.
func (f FaultForm) whole() string {
	switch f.Field {
	case "step", "error_rate", "throttle", "latency", "for", "reason", "sure":
		return ""
	default:
		return f.Error
	}
}

// inputMode is the keyboard a phone shows: digits for a share, letters for a time.
func inputMode(field string) string {
	switch field {
	case "latency", "for":
		return "text"
	default:
		return "decimal"
	}
}
