package access

import (
	"context"
	"time"

	"redrive/pipeline"
)

// Anonymous is who acts when somebody should have signed in and did not.
const Anonymous = "anonymous"

// StaleError is the answer to somebody who must give the password again before
// something that cannot be undone.
type StaleError struct {
	What string // a sentence on what was about to be done
}

func (e *StaleError) Error() string { return "the password was not given lately" }

// Unwrap tells programs that come with a browser's session.
func (e *StaleError) Unwrap() error {
	return &pipeline.Error{Code: pipeline.CodeForbidden, Text: e.What + " Sign in again first, or send a token: your password was not given in the last five minutes."}
}

type identityKey struct{}

// WithIdentity returns a context in which id asks.
func WithIdentity(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// From tells who asks; false without access control, and for whoever did not say.
func From(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(identityKey{}).(Identity)
	return id, ok
}

// Fresh answers a StaleError to a person who did not give the password in the last
// minutes. what says in a sentence what is about to be done. Programs, which have none, pass by their role, and so does everybody
// where there is no access control.
func Fresh(ctx context.Context, what string) error {
	id, ok := From(ctx)
	if !ok || id.Program() || time.Now().Before(id.Fresh) {
		return nil
	}
	return &StaleError{What: what}
}
