package oidc

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"unicode"
)

// Code says why somebody is not signed in.
type Code string

// The codes.
const (
	CodeRefused     Code = "refused"     // the provider said no, or its answer is not to be trusted
	CodeNoRole      Code = "no_role"     // known to the provider, and nobody here
	CodeUnavailable Code = "unavailable" // the provider does not answer as it should
)

// Error is a sign-in that did not come about. Neither Text nor Err holds a token, a code
// or a secret.
type Error struct {
	Code Code
	Text string // one sentence, safe to show
	Err  error  // cause, for the log only
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Text + ": " + e.Err.Error()
	}
	return e.Text
}

func (e *Error) Unwrap() error { return e.Err }

func refused(text string) error { return &Error{Code: CodeRefused, Text: text} }

func unavailable(text string, cause error) error {
	return &Error{Code: CodeUnavailable, Text: text, Err: cause}
}

// unreached says why a call to the provider came to nothing. What says which call it was.
// A caller who went away is told nothing of the provider.
func unreached(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if a, ok := errors.AsType[answerError](err); ok {
		return unavailable(what+" "+string(a), nil)
	}
	if u, ok := errors.AsType[*url.Error](err); ok && u.Timeout() {
		return unavailable(what+" does not answer; try again in a moment", err)
	}
	return unavailable(what+" cannot be reached; try again in a moment", err)
}

// clean makes a short text of the provider fit for a sentence: one line without marks
// that turn the writing around.
func clean(s string) string {
	const most = 200
	var b strings.Builder
	for _, r := range s {
		if b.Len() >= most {
			b.WriteString("...")
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
