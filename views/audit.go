package views

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// AuditProps is who did what to which object, and why.
type AuditProps struct {
	Page
	Filter  AuditForm
	Entries []pipeline.Entry
	List    Listing
}

// AuditForm is the filter as it was typed.
type AuditForm struct {
	Actor, Action, Object, Since, Until string
	Set                                 bool // there is something to clear
	Field, Error                        string
}

// auditDay is the entries of one day, UTC.
type auditDay struct {
	ID      string
	Title   string
	Entries []pipeline.Entry
}

func (p AuditProps) days() []auditDay {
	var days []auditDay
	for _, e := range p.Entries {
		id := e.At.UTC().Format(time.DateOnly)
		if n := len(days); n == 0 || days[n-1].ID != id {
			days = append(days, auditDay{ID: id, Title: e.At.UTC().Format("Monday 2 January 2006")})
		}
		last := &days[len(days)-1]
		last.Entries = append(last.Entries, e)
	}
	return days
}

// auditActions are offered while typing; an action with a dot at its end means
// all of its noun.
func auditActions() []string {
	return []string{"redrive.", "redrive.start", "discard.start", "replay.start", "row.replay", "row.discard", "row.restore", "row.test",
		"breaker.force", "sweep.run", "sweep.schedule", "step.change", "fault.start", "fault.end", "alarm."}
}

// actors are those of the entries shown, offered while typing.
func (p AuditProps) actors() []string {
	var names []string
	for _, e := range p.Entries {
		if !slices.Contains(names, e.Actor) {
			names = append(names, e.Actor)
		}
	}
	slices.Sort(names)
	return names
}

// objectHref is the page of an audited object, empty if it has none.
func objectHref(base, object string) templ.SafeURL {
	parts := strings.Split(object, "/")
	if slices.Contains(parts, "") {
		return ""
	}
	switch {
	case object == "sweeps/schedule" || len(parts) == 2 && parts[0] == "faults":
		return Href(base, parts[0])
	case len(parts) == 2 && slices.Contains([]string{"rows", "redrives", "breakers", "sweeps", "alarms"}, parts[0]):
		return Href(base, parts...)
	case len(parts) == 3 && parts[0] == "steps":
		return Href(base, parts...)
	default:
		return ""
	}
}

// objectName is an object in short: the last part tells it from its like.
func objectName(object string) string {
	noun, rest, ok := strings.Cut(object, "/")
	if !ok {
		return object
	}
	if noun == "steps" {
		return rest
	}
	return ShortID(rest)
}

// wayBack is what undoes an entry, done on the object's own page.
func wayBack(e pipeline.Entry) string {
	if e.Result != "ok" {
		return ""
	}
	switch e.Action {
	case "row.discard", "discard.start":
		return "Restore"
	case "step.change", "breaker.force", "sweep.schedule":
		return "Set back"
	default:
		return ""
	}
}

// detail is what an entry says besides; either a change or the rest.
type detail struct {
	Before, After string
	Rest          string
}

// detailOf reads an entry's detail. One that holds before and after shows the
// change, any other is shown as it is stored.
func detailOf(e pipeline.Entry) detail {
	var d struct {
		Before json.RawMessage `json:"before"`
		After  json.RawMessage `json:"after"`
	}
	if json.Unmarshal(e.Detail, &d) == nil && (d.Before != nil || d.After != nil) {
		return detail{Before: indented(d.Before), After: indented(d.After)}
	}
	return detail{Rest: indented(e.Detail)}
}

func indented(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

func (d detail) empty() bool { return d == detail{} }

func (f AuditForm) wrong(field string) string {
	if f.Field == field {
		return f.Error
	}
	return ""
}
