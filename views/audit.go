package views

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
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
	Check   *pipeline.AuditCheck // nil: not asked for
}

// AuditForm is the filter as it was typed.
type AuditForm struct {
	Actor, Action, Object, Since, Until string
	Set                                 bool // there is something to clear
	Field, Error                        string
}

// verifyHref asks for the whole log to be verified.
func (p AuditProps) verifyHref() templ.SafeURL {
	return WithQuery(p.navHref(SectionAudit), "verify", "1")
}

// checkTitle and checkText say what verifying came to.
func checkTitle(c pipeline.AuditCheck) string {
	switch {
	case c.Bad != nil:
		return "The audit log is not as it was written"
	case c.Partial:
		return "Intact as far as it was looked at"
	default:
		return "Chain intact"
	}
}

func checkTone(c pipeline.AuditCheck) string {
	switch {
	case c.Bad != nil:
		return "note-fault"
	case c.Partial:
		return "note-hold"
	}
	return "note-live"
}

func checkText(c pipeline.AuditCheck) string {
	entries := Plural(int(c.Entries), "entry", "entries")
	if c.Chains > 1 {
		entries += " in " + Count(c.Chains) + " chains"
	}
	switch {
	case c.Bad != nil:
		return capital(c.Bad.Sentence()) + "."
	case c.Partial:
		return "The oldest " + entries + " were looked at; a page does not wait for more. The whole log is verified on the command line: server --config FILE audit verify."
	}
	text := entries + "."
	if c.Before > 0 {
		text += " " + Plural(int(c.Before), "entry is", "entries are") + " from before there was a chain; nothing vouches for them."
	}
	return text
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
		"breaker.force", "login.", "sweep.run", "sweep.schedule", "step.change", "fault.start", "fault.end", "alarm."}
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

// detail is what an entry says besides: what a change found and what it left,
// field by field, and the rest.
type detail struct {
	Changes []changedField
	Rest    string
}

// changedField is one field of what was changed. A change of something that has
// no fields has no name.
type changedField struct {
	Name          string
	Before, After string // empty: there was nothing, there is nothing
}

func (f changedField) same() bool { return f.Before == f.After }

func (f changedField) title() string { return cmp.Or(f.Name, "changed") }

// detailOf reads an entry's detail. One that holds before and after shows the
// change, whatever else it holds is shown as it is stored.
func detailOf(e pipeline.Entry) detail {
	var fields map[string]json.RawMessage
	if json.Unmarshal(e.Detail, &fields) != nil || fields["before"] == nil && fields["after"] == nil {
		return detail{Rest: indented(e.Detail)}
	}
	d := detail{Changes: changedFields(fields["before"], fields["after"])}
	delete(fields, "before")
	delete(fields, "after")
	if len(fields) > 0 {
		rest, err := json.Marshal(fields)
		if err == nil {
			d.Rest = indented(rest)
		}
	}
	return d
}

// changedFields compares two JSON values, field by field if they have fields.
func changedFields(before, after json.RawMessage) []changedField {
	was, hadFields := fieldsOf(before)
	is, hasFields := fieldsOf(after)
	if !hadFields || !hasFields {
		return []changedField{{Before: indented(before), After: indented(after)}}
	}
	names := slices.Collect(maps.Keys(was))
	for name := range is {
		if _, both := was[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	list := make([]changedField, len(names))
	for i, name := range names {
		list[i] = changedField{Name: name, Before: indented(was[name]), After: indented(is[name])}
	}
	return list
}

// fieldsOf are the fields of an object; null and nothing have none and may.
func fieldsOf(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	var fields map[string]json.RawMessage
	if len(raw) == 0 {
		return nil, true
	}
	return fields, json.Unmarshal(raw, &fields) == nil
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

func (d detail) empty() bool { return len(d.Changes) == 0 && d.Rest == "" }

func (f AuditForm) wrong(field string) string {
	if f.Field == field {
		return f.Error
	}
	return ""
}
