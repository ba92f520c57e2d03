package pipeline

import "context"

// Audit reads who did what.
type Audit struct{ e *Engine }

// List returns entries, newest first.
func (a *Audit) List(ctx context.Context, f AuditFilter) (Page[Entry], error) {
	return a.e.backend.Audit.List(ctx, f)
}

// Log writes entries of what was done outside the engine: an export, a reveal.
func (a *Audit) Log(ctx context.Context, entries ...Entry) error {
	return a.e.backend.Audit.Append(ctx, entries...)
}
