package pipeline

import (
	"context"
	"encoding/json"
	"time"
)

// Entry is one line of the audit log: who did what to which object, and why.
type Entry struct {
	ID     string
	At     time.Time
	Actor  string
	From   string // address of the actor
	Action string // noun.verb: "redrive.start", "breaker.force", "row.discard"
	Object string // "rows/01k...", "breakers/search-api"
	Reason string // word for word
	Result string // "ok" or the sentence of the failure
	Detail json.RawMessage
}

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
	e := &Entry{ID: NewID(), At: time.Now().UTC(), Actor: actor.Name, From: actor.From,
		Action: action, Object: object, Reason: reason, Result: "ok"}
	if detail != nil {
		e.Detail, _ = json.Marshal(detail)
	}
	return e
}
