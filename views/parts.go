package views

import (
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// Fact is one figure of a row of figures.
type Fact struct {
	Label, Value, Note string
	Tone               Tone
	Href               templ.SafeURL
	Countdown, Now     time.Time // instead of Value: what is left until Countdown
}

// ProgressPart is a stretch of a progress bar. Kind is ok, run, bad, skip, hold or warn.
type ProgressPart struct {
	N    int64
	Kind string
}

// Confirm is a form behind a summary: what it will do, asked for with a reason.
type Confirm struct {
	ID       string // unique on the page
	Summary  string // the button that opens it
	Text     string // what will happen, and to the rest
	Action   templ.SafeURL
	Button   string // with the exact scope
	Danger   bool   // cannot be undone
	Disabled string // why the button cannot be pressed; empty: it can
	Reason   string // typed before, after an error
	Error    string
	Fields   []Hidden
}

type rect struct{ Class, X, Width string }

func progressRects(total int64, parts []ProgressPart) []rect {
	if total <= 0 {
		return nil
	}
	var out []rect
	var at int64
	for _, part := range parts {
		n := min(part.N, total-at)
		if n <= 0 {
			continue
		}
		out = append(out, rect{Class: "p-" + part.Kind, X: pct(float64(at) / float64(total)), Width: pct(float64(n) / float64(total))})
		at += n
	}
	return out
}

func pct(share float64) string {
	return strconv.FormatFloat(max(0, min(1, share))*100, 'f', 2, 64) + "%"
}

func meterClass(share, threshold float64) string {
	if threshold > 0 && share >= threshold {
		return "m-bad"
	}
	return "m-ok"
}

func toneClass(prefix string, tone Tone) string {
	if tone == Plain {
		return ""
	}
	return prefix + "-" + string(tone)
}

func bannerIcon(b Banner) string {
	switch {
	case b.Icon != "":
		return b.Icon
	case b.Tone == Fault:
		return "a-alarm"
	case b.Tone == Hold:
		return "f-held"
	case b.Tone == Warn:
		return "clock"
	default:
		return "info"
	}
}

// stateIcon is also the class of the state; a state from a newer program shows as waiting.
func stateIcon(state string) string {
	switch state {
	case "waiting", "queued", "running", "retrying", "processed", "dead", "skipped", "held":
		return state
	default:
		return "waiting"
	}
}

func statusTone(status string) Tone {
	switch status {
	case "dead":
		return Fault
	case "in_progress":
		return Live
	default:
		return Plain
	}
}

func statusIcon(status string) string {
	switch status {
	case "accepted":
		return "f-queued"
	case "in_progress":
		return "f-running"
	case "done":
		return "f-processed"
	case "dead":
		return "f-dead"
	case "rejected", "discarded":
		return "f-skipped"
	default:
		return ""
	}
}

func statusWord(status string) string { return strings.ReplaceAll(status, "_", " ") }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

func fullTime(t time.Time) string { return t.UTC().Format("Mon 2 Jan 2006 15:04:05.000") + " UTC" }

func sameDay(a, b time.Time) bool {
	return a.UTC().Format(time.DateOnly) == b.UTC().Format(time.DateOnly)
}

// sparkPath draws values into a box of 100 by 24, two units kept free above and below.
func sparkPath(values []float64) string {
	if len(values) < 2 {
		return ""
	}
	top := values[0]
	for _, v := range values {
		top = max(top, v)
	}
	var b strings.Builder
	for i, v := range values {
		x, y := 100*float64(i)/float64(len(values)-1), 22.0
		if top > 0 {
			y -= 20 * max(0, v) / top
		}
		if i == 0 {
			b.WriteByte('M')
		} else {
			b.WriteByte('L')
		}
		b.WriteString(num(x) + " " + num(y))
	}
	return b.String()
}

// num writes a coordinate: short, and the same on every machine.
func num(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".")
}
