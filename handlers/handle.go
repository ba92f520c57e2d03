package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/a-h/templ"

	"redrive/handlers/problem"
	"redrive/pipeline/access"
	"redrive/views"
)

// Handler answers a request or returns why it cannot.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Shell joins handlers to net/http: it gives them the base path, and turns the
// errors they return into pages.
type Shell struct {
	Base    string // base path of the console; begins and ends with "/"
	Frame   Framer
	Log     *slog.Logger
	Confirm Confirmer // takes passwords again; nil: there is no access control
	Login   *Login
}

// Page adapts a handler. A panic passes through; the server's middleware answers
// it with Fail.
func (s *Shell) Page(h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), baseKey{}, s.Base))
		answer := &watched{ResponseWriter: w}
		r, err := s.confirmed(answer, r)
		if err == nil {
			err = h(answer, r)
		}
		if err != nil {
			s.fail(answer, r, err)
		}
	}
}

// NotFound answers a path that leads nowhere.
func (s *Shell) NotFound(w http.ResponseWriter, r *http.Request) {
	s.Fail(w, r, problem.New(http.StatusNotFound, "There is no page at this address."))
}

// MethodNotAllowed answers a method the path does not know. The router has set
// Allow.
func (s *Shell) MethodNotAllowed(w http.ResponseWriter, r *http.Request) {
	s.Fail(w, r, problem.New(http.StatusMethodNotAllowed, "This address does not take "+r.Method+" requests."))
}

// Fail answers with the page of an error.
func (s *Shell) Fail(w http.ResponseWriter, r *http.Request, err error) {
	r = r.WithContext(context.WithValue(r.Context(), baseKey{}, s.Base))
	s.fail(&watched{ResponseWriter: w}, r, err)
}

func (s *Shell) fail(w *watched, r *http.Request, err error) {
	if gone := r.Context().Err(); errors.Is(gone, context.Canceled) && errors.Is(err, gone) && !w.begun {
		w.WriteHeader(problem.StatusClientGone)
		return
	}
	if stale, ok := errors.AsType[*access.StaleError](err); ok && !w.begun {
		s.confirm(w, r, stale, "", http.StatusForbidden)
		return
	}
	if no, ok := errors.AsType[*notConfirmed](err); ok {
		s.confirm(w, r, &access.StaleError{What: no.what}, no.text, no.status)
		return
	}
	p := problem.Of(err)
	problem.Log(r, s.Log, p)
	if w.begun {
		// Half an answer must not pass for a whole one: cut the connection.
		panic(http.ErrAbortHandler)
	}
	s.problem(w, r, p)
}

func (s *Shell) problem(w http.ResponseWriter, r *http.Request, p problem.Problem) {
	problem.SetRetryAfter(w, p)
	props := views.ErrorProps{Page: s.Frame(r, "", p.Title()), Status: p.Status, Text: p.Detail, Request: problem.RequestID(r.Context())}
	if r.Method == http.MethodGet {
		props.Again = templ.SafeURL(props.Base) + pathOf(r)
	}
	if err := render(w, r, p.Status, views.ErrorPage(props)); err != nil {
		problem.Log(r, s.Log, problem.Problem{Status: http.StatusInternalServerError, Hidden: err})
		http.Error(w, p.Detail, p.Status)
	}
}

// watched knows whether an answer has begun.
type watched struct {
	http.ResponseWriter
	begun bool
}

func (w *watched) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type baseKey struct{}

// baseOf is the base path of the console that serves this request.
func baseOf(r *http.Request) string {
	if base, ok := r.Context().Value(baseKey{}).(string); ok && base != "" {
		return base
	}
	return "/"
}
