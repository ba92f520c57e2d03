package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Audit reads who did what, and whether that is still what was written.
type Audit struct {
	e     *Engine
	heads auditHeads

	mu   sync.Mutex
	last AuditCheck
}

func newAudit(e *Engine) *Audit {
	return &Audit{e: e, heads: auditHeads{e: e, noted: map[string]keptHead{}}}
}

// List returns entries, newest first.
func (a *Audit) List(ctx context.Context, f AuditFilter) (Page[Entry], error) {
	page, err := a.e.backend.Audit.List(ctx, f)
	for i := range page.Items {
		e := &page.Items[i]
		switch {
		case e.Result != "":
		case time.Since(e.At) < pendingFor:
			e.Result = resultPending
		default:
			e.Result = resultUnknown
		}
	}
	return page, err
}

// Log writes entries of what was done outside the engine: an export, a reveal.
func (a *Audit) Log(ctx context.Context, entries ...Entry) error {
	return a.e.backend.Audit.Append(ctx, entries...)
}

// How much Verify looks at, and how long its answer is given again.
const (
	verifyMost  = 100_000
	verifyFor   = 10 * time.Second
	verifyFresh = 10 * time.Second
)

// Verify checks the log, or its beginning where it is too long for a page. Those
// who ask at the same time get the same answer.
func (a *Audit) Verify(ctx context.Context) (AuditCheck, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.last.At.IsZero() && time.Since(a.last.At) < verifyFresh {
		return a.last, nil
	}
	if err := ctx.Err(); err != nil {
		return AuditCheck{}, err
	}
	check, err := VerifyAudit(ctx, a.e.backend.Audit, a.e.backend.Records, AuditBounds{Entries: verifyMost, For: verifyFor})
	if err == nil {
		a.last = check
	}
	return check, err
}

// failed writes the entry of what an operator wanted and did not get, with the
// sentence of why as its result. It is deferred: the entry is that of the
// action, so where the store has it already nothing is added. A request that
// could not be understood, or was for something that does not exist, leaves
// none, and neither does what the program tries by itself.
func (a *Audit) failed(ctx context.Context, entry *Entry, err *error) {
	if *err == nil || entry.Actor == Program || errors.Is(*err, ErrInvalid) || errors.Is(*err, ErrNotFound) || errors.Is(*err, &Error{Code: CodeTooLarge}) {
		return
	}
	entry.Result = sentenceOf(*err)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeFor)
	defer cancel()
	if err := a.e.backend.Audit.Append(ctx, *entry); err != nil {
		a.e.log.WarnContext(ctx, "writing the audit of what failed", "action", entry.Action, "object", entry.Object, "result", entry.Result, "error", err)
		return
	}
	a.e.Events.Touch(TopicAudit)
}
