package problem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"

	"redrive/pipeline"
)

// StatusClientGone is what the log shows for a request whose caller went away.
const StatusClientGone = 499

// Of says what a caller is told about an error. Unknown errors are told as an
// internal error; their text is for the log.
func Of(err error) Problem {
	if given, ok := errors.AsType[*Error](err); ok {
		return given.Problem
	}
	if e, ok := errors.AsType[*pipeline.Error](err); ok {
		return ofPipeline(e)
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return Problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("The body is over the limit of %d bytes.", e.Limit)}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Problem{Status: StatusClientGone, Detail: "The caller went away."}
	case errors.Is(err, context.DeadlineExceeded):
		return Problem{Status: http.StatusServiceUnavailable, Detail: "The answer took too long. Try again in a moment.", RetryAfter: retryAfter, Hidden: err}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Problem{Status: http.StatusRequestTimeout, Detail: "The body came too slowly. Send it again."}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Problem{Status: http.StatusBadRequest, Detail: "The body ended too early. Send it again."}
	}
	return Problem{Status: http.StatusInternalServerError, Detail: "Internal error. The log has more under this request id.", Hidden: err}
}

// folders are what of a path is for the log alone: who asks need not know where
// on the machine the store lies.
var folders = regexp.MustCompile(`\S*/`)

func ofPipeline(e *pipeline.Error) Problem {
	p := Problem{Status: status(e.Code), Detail: e.Text, Field: e.Field, Hidden: e.Err}
	if e.Field != "" && !strings.Contains(e.Text, e.Field) {
		p.Detail = e.Field + ": " + e.Text
	}
	if p.RetryAfter = e.RetryAfter; e.Code == pipeline.CodeUnavailable {
		p.RetryAfter = retryAfter
		p.Detail, p.Hidden = folders.ReplaceAllString(p.Detail, ""), e
	}
	if p.Status == http.StatusInternalServerError {
		p.Hidden = e
	}
	if p.Detail == "" {
		p.Detail = plain(p.Status)
	}
	return p
}

// status is the only table from what went wrong to a status code.
func status(code pipeline.Code) int {
	switch code {
	case pipeline.CodeInvalid:
		return http.StatusBadRequest
	case pipeline.CodeNotFound:
		return http.StatusNotFound
	case pipeline.CodeConflict:
		return http.StatusConflict
	case pipeline.CodeUnavailable:
		return http.StatusServiceUnavailable
	case pipeline.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case pipeline.CodeUnsigned, pipeline.CodeUnknown:
		return http.StatusUnauthorized
	case pipeline.CodeForbidden:
		return http.StatusForbidden
	case pipeline.CodeTooMany:
		return http.StatusTooManyRequests
	case pipeline.CodeRejected:
		return http.StatusUnprocessableEntity
	default:
		return http.StatusInternalServerError
	}
}

func plain(status int) string {
	switch status {
	case http.StatusNotFound:
		return "There is nothing of this name here."
	case http.StatusServiceUnavailable:
		return "The store does not answer. Try again in a moment."
	case http.StatusInternalServerError:
		return "Internal error. The log has more under this request id."
	default:
		return http.StatusText(status) + "."
	}
}

// Error carries a problem that no domain error stands for: a wrong content
// type, a method that is not possible here.
type Error struct{ Problem }

func (e *Error) Error() string { return e.Detail }

func (e *Error) Unwrap() error { return e.Hidden }

// New returns an error that is told with exactly this status and sentence.
func New(status int, detail string) error {
	return &Error{Problem{Status: status, Detail: detail}}
}

// Invalid returns a 400 that names a field or parameter.
func Invalid(field, detail string) error {
	return &pipeline.Error{Code: pipeline.CodeInvalid, Field: field, Text: detail}
}
