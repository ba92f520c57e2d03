package pipeline

import (
	"context"
	"encoding/json"
	"maps"
	"time"
)

// Entry is one line of the audit log: who did what to which object, and why.
type Entry struct {
	ID     string
	At     time.Time
	Actor  string
	Role   string // the actor had, empty without access control and for the program itself
	From   string // address of the actor
	Action string // noun.verb: "redrive.start", "breaker.force", "row.discard"
	Object string // "rows/01k...", "breakers/search-api"
	Reason string // word for word
	Result string // ResultOK or the sentence of the failure; empty in a store: not known so far
	Detail json.RawMessage
	Link   Link // set by the store
}

// ResultOK is the result of what was done.
const ResultOK = "ok"

// What lists say of an entry that has no result.
const (
	resultPending = "not known yet"
	resultUnknown = "not known: the process ended, or lost the store, before it could say"
)

// pendingFor is how long an action may take before its result counts as lost.
const pendingFor = time.Minute

// AuditFilter selects entries. The zero value selects all, newest first.
type AuditFilter struct {
	Actor  string
	Action string // exact, or a noun with a dot: "redrive."
	Object string
	Since  time.Time
	Until  time.Time
	Limit  int
	Cursor string
}

// NewEntry makes the entry of what the context's actor does now. The detail is
// marshalled as JSON; nil leaves it out.
func NewEntry(ctx context.Context, action, object, reason string, detail any) *Entry {
	actor := ActorFrom(ctx)
	e := &Entry{ID: NewID(), At: time.Now().UTC(), Actor: actor.Name, Role: actor.Role, From: actor.From,
		Action: action, Object: object, Reason: reason, Result: ResultOK}
	return e.with(detail)
}

// with replaces the detail.
func (e *Entry) with(detail any) *Entry {
	if detail != nil {
		e.Detail, _ = json.Marshal(detail)
	}
	return e
}

// beforeAfter is the detail of an entry that tells what a change found and what
// it left, and more about it.
func beforeAfter(before, after any, more map[string]any) map[string]any {
	detail := map[string]any{"before": before, "after": after}
	maps.Copy(detail, more)
	return detail
}
