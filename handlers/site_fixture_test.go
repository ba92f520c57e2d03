package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/go-chi/chi/v5"

	"redrive/pipeline"
	"redrive/views"
)

// evil is text that nobody may put into a page as it stands.
const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`

// site is routes over stubs behind a Shell, the way a browser sees them.
type site struct {
	shell  *Shell
	router chi.Router
	role   string
}

func newSite(t *testing.T, always views.Page, state overviews, faults activeFaults) *site {
	t.Helper()
	if always.Base == "" {
		always.Base = "/"
	}
	s := &site{router: chi.NewRouter()}
	s.shell = &Shell{Base: always.Base, Frame: NewFramer(always, state, faults), Log: testLog(t)}
	s.router.NotFound(s.shell.NotFound)
	s.router.MethodNotAllowed(s.shell.MethodNotAllowed)
	return s
}

func (s *site) route(pattern string, h Handler) {
	method, path, _ := strings.Cut(pattern, " ")
	s.router.Method(method, path, s.shell.Page(h))
}

func (s *site) get(t *testing.T, target string, status int) (*goquery.Document, *httptest.ResponseRecorder) {
	t.Helper()
	return s.do(t, httptest.NewRequest(http.MethodGet, target, nil), status)
}

func (s *site) post(t *testing.T, target string, status int, pairs ...string) (*goquery.Document, *httptest.ResponseRecorder) {
	t.Helper()
	fields := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		fields.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(t, r, status)
}

func (s *site) do(t *testing.T, r *http.Request, status int) (*goquery.Document, *httptest.ResponseRecorder) {
	t.Helper()
	w := httptest.NewRecorder()
	s.router.ServeHTTP(w, r.WithContext(pipeline.WithActor(r.Context(), pipeline.Actor{Name: "local", Role: s.role})))
	if w.Code != status {
		t.Fatalf("%s %s: status %d, want %d\n%.800s", r.Method, r.URL, w.Code, status, text(w.Body.String()))
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		inertPage(t, doc)
	}
	return doc, w
}

// brokenState is a store that does not answer.
type brokenState struct{}

func (brokenState) Overview(context.Context) (pipeline.Overview, error) {
	return pipeline.Overview{}, errStoreAway
}

func (brokenState) Groups(context.Context, string, string) ([]pipeline.Group, error) {
	return nil, errStoreAway
}

var errStoreAway = &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the store does not answer"}

// shows fails for text that a reader of the selection would not find.
func shows(t *testing.T, s *goquery.Selection, want ...string) {
	t.Helper()
	got := strings.Join(strings.Fields(s.Text()), " ")
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%q is not in\n%.1500s", w, got)
		}
	}
}
