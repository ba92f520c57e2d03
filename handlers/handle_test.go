package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"redrive/handlers/problem"
	"redrive/pipeline"
	"redrive/views"
)

func TestShellTurnsErrorsIntoPages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		err    error
		status int
		want   string
	}{
		{"not found", &pipeline.Error{Code: pipeline.CodeNotFound, Text: "There is no row " + evil + "."}, 404, "There is no row " + evil},
		{"store away", errStoreAway, 503, "the store does not answer"},
		{"conflict", &pipeline.Error{Code: pipeline.CodeConflict, Text: "Already processed."}, 409, "Already processed."},
		{"forbidden", problem.New(http.StatusForbidden, "Needs the role operator."), 403, "Needs the role operator."},
		{"unknown", errors.New("secret cause"), 500, "Internal error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, views.Page{}, stateStub{}, noFaults{})
			s.route("GET /x", func(http.ResponseWriter, *http.Request) error { return tt.err })
			r := httptest.NewRequest(http.MethodGet, "/x", nil)
			doc, w := s.do(t, r.WithContext(problem.WithRequestID(r.Context(), "7f3a")), tt.status)
			shows(t, doc.Find("main"), tt.want)
			shows(t, doc.Find("main"), "7f3a")
			if got := text(doc.Text()); tt.status == 500 && strings.Contains(got, "secret") {
				t.Error("the cause is on the page")
			}
			if got := w.Header().Get("Retry-After"); (got != "") != (tt.status == 503) {
				t.Errorf("Retry-After %q with %d", got, tt.status)
			}
		})
	}
}

func TestShellAnswersUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	s := newSite(t, views.Page{}, stateStub{}, noFaults{})
	s.route("GET /x", func(http.ResponseWriter, *http.Request) error { return nil })
	doc, _ := s.get(t, "/nowhere", 404)
	shows(t, doc.Find("h1"), "Not found")
	doc, _ = s.post(t, "/x", 405)
	shows(t, doc.Find("main"), "does not take POST requests")
}

func TestShellAnswersNobodyWhenTheClientIsGone(t *testing.T) {
	t.Parallel()
	s := newSite(t, views.Page{}, stateStub{}, noFaults{})
	s.route("GET /x", func(_ http.ResponseWriter, r *http.Request) error { return r.Context().Err() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, w := s.do(t, httptest.NewRequest(http.MethodGet, "/x", nil).WithContext(ctx), problem.StatusClientGone)
	if w.Body.Len() > 0 {
		t.Errorf("body %q", w.Body)
	}
}

// Whoever waited until the time to read ran out is still there, and is told.
func TestShellTellsThatTheTimeRanOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, views.Page{}, stateStub{}, noFaults{})
	s.route("GET /x", func(_ http.ResponseWriter, r *http.Request) error {
		return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the table was not read in time", Err: r.Context().Err()}
	})
	r := httptest.NewRequest(http.MethodGet, "/x", nil)
	ctx, cancel := context.WithTimeout(r.Context(), 0)
	defer cancel()
	doc, _ := s.do(t, r.WithContext(ctx), http.StatusServiceUnavailable)
	shows(t, doc.Find("main"), "the table was not read in time")
}

func TestShellCutsAnAnswerThatBeganAndFailed(t *testing.T) {
	t.Parallel()
	s := newSite(t, views.Page{}, stateStub{}, noFaults{})
	s.route("GET /x", func(w http.ResponseWriter, _ *http.Request) error {
		w.Write([]byte("half")) //nolint:errcheck // a recorder
		return errors.New("the other half is missing")
	})
	defer func() {
		if got := recover(); got != http.ErrAbortHandler {
			t.Errorf("recovered %v, want http.ErrAbortHandler", got)
		}
	}()
	s.get(t, "/x", 200)
	t.Error("half an answer passed for a whole one")
}

func TestPageOfAnErrorStandsWithoutTheStore(t *testing.T) {
	t.Parallel()
	s := newSite(t, views.Page{}, brokenState{}, noFaults{})
	doc, _ := s.get(t, "/nowhere", 404)
	shows(t, doc.Find("#banners"), "The store does not answer.")
}
