package pipeline

import (
	"errors"
	"time"
)

// Code says what kind of mistake an Error is; handlers turn it into a status.
type Code string

// The codes.
const (
	CodeInvalid     Code = "invalid"     // a value is wrong; Field names it
	CodeNotFound    Code = "not_found"   // no such thing
	CodeConflict    Code = "conflict"    // its state does not allow it
	CodeUnavailable Code = "unavailable" // the store does not answer or cannot write
	CodeTooLarge    Code = "too_large"   // over the pipeline's limit
	CodeUnsigned    Code = "unsigned"    // no or a wrong signature or ingest key
	CodeRejected    Code = "rejected"    // breaks the pipeline's schema
	CodeUnknown     Code = "unknown"     // nobody knows who asks
	CodeForbidden   Code = "forbidden"   // who asks may not do it
	CodeTooMany     Code = "too_many"    // too often; RetryAfter says when again
)

// Error is a failure with a sentence that an operator can act on.
type Error struct {
	Code  Code
	Field string // the field or parameter at fault, if one is
	Text  string // one sentence, safe to show
	Err   error  // cause, for the log only

	RetryAfter time.Duration // when it may work; 0: not said
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Text + ": " + e.Err.Error()
	}
	return e.Text
}

func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrNotFound) true for every error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Text == ""
}

// Sentinels for errors.Is; each stands for all errors of its code.
var (
	ErrNotFound    error = &Error{Code: CodeNotFound}
	ErrConflict    error = &Error{Code: CodeConflict}
	ErrInvalid     error = &Error{Code: CodeInvalid}
	ErrUnavailable error = &Error{Code: CodeUnavailable}
)

// Answers of a backend for single items of a batch.
var (
	// ErrLeaseLost: the lease ran out and somebody else holds it now, or the
	// step was settled meanwhile. The outcome was not written.
	ErrLeaseLost = errors.New("lease lost")
	// ErrChanged: the item is no longer in the state the caller saw.
	ErrChanged = errors.New("changed meanwhile")
	// ErrVersion: the record was written by somebody else since it was read.
	ErrVersion = errors.New("record changed since it was read")
)

func invalid(field, text string) error { return &Error{Code: CodeInvalid, Field: field, Text: text} }

func notFound(text string) error { return &Error{Code: CodeNotFound, Text: text} }

func forbidden(text string) error { return &Error{Code: CodeForbidden, Text: text} }

func conflict(text string) error { return &Error{Code: CodeConflict, Text: text} }
