package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/go-chi/chi/v5"

	"redrive/pipeline"
	"redrive/views"
)

// hostile is what a sender may put anywhere.
const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(2)>`

// rowStub answers with what it holds and remembers what it was asked.
type rowStub struct {
	page    pipeline.Page[pipeline.Row]
	row     pipeline.RowDetail
	err     error // of every change
	asked   []pipeline.RowFilter
	replays []pipeline.ReplayRequest
	aside   []string // "discard ID reason"
	sent    []pipeline.TestMessage

	revealed []string // "page by operator"
}

func (s *rowStub) List(_ context.Context, f pipeline.RowFilter) (pipeline.Page[pipeline.Row], error) {
	s.asked = append(s.asked, f)
	return s.page, nil
}

func (s *rowStub) Get(_ context.Context, id string) (pipeline.RowDetail, error) {
	if id != s.row.ID {
		return pipeline.RowDetail{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no row " + id}
	}
	return s.row, nil
}

func (s *rowStub) Reveal(ctx context.Context, id, way string) (pipeline.RowDetail, error) {
	s.revealed = append(s.revealed, way+" by "+pipeline.ActorFrom(ctx).Role)
	if s.err != nil {
		return pipeline.RowDetail{}, s.err
	}
	return s.Get(ctx, id)
}

func (s *rowStub) Replay(_ context.Context, _ string, req pipeline.ReplayRequest) (pipeline.RowDetail, error) {
	s.replays = append(s.replays, req)
	return s.row, s.err
}

func (s *rowStub) Discard(_ context.Context, id, reason string) (pipeline.RowDetail, error) {
	s.aside = append(s.aside, "discard "+id+" "+reason)
	return s.row, s.err
}

func (s *rowStub) Restore(_ context.Context, id, reason string) (pipeline.RowDetail, error) {
	s.aside = append(s.aside, "restore "+id+" "+reason)
	return s.row, s.err
}

func (s *rowStub) Test(_ context.Context, m pipeline.TestMessage) (string, error) {
	s.sent = append(s.sent, m)
	return "01new", s.err
}

type stateStub struct{ now pipeline.Overview }

func (s stateStub) Overview(context.Context) (pipeline.Overview, error) { return s.now, nil }

func (s stateStub) Pipelines() []pipeline.Pipeline {
	var out []pipeline.Pipeline
	for _, p := range s.now.Pipelines {
		out = append(out, pipeline.Pipeline{Name: p.Name, Retention: 720 * time.Hour})
	}
	return out
}

type auditStub []pipeline.Entry

func (a auditStub) List(context.Context, pipeline.AuditFilter) (pipeline.Page[pipeline.Entry], error) {
	return pipeline.Page[pipeline.Entry]{Items: a}, nil
}

// exportStub also notes exports, or refuses them.
type exportStub struct {
	auditStub
	noted []string
	err   error
}

func (s *exportStub) Export(_ context.Context, action, object string, filter map[string]string) error {
	s.noted = append(s.noted, fmt.Sprint(action, " ", object, " ", filter))
	return s.err
}

type letterStub struct {
	letters []pipeline.DeadLetter
	groups  []pipeline.Group
	total   int64
	asked   []pipeline.LetterFilter
}

func (s *letterStub) List(_ context.Context, f pipeline.LetterFilter) (pipeline.Page[pipeline.DeadLetter], int64, error) {
	s.asked = append(s.asked, f)
	var out []pipeline.DeadLetter
	for _, l := range s.letters {
		if len(f.IDs) == 0 || ticked(f.IDs)[l.ID] {
			out = append(out, l)
		}
	}
	return pipeline.Page[pipeline.DeadLetter]{Items: out}, max(s.total, int64(len(out))), nil
}

func (s *letterStub) Groups(context.Context, string, string) ([]pipeline.Group, error) {
	return s.groups, nil
}

type operationStub struct {
	op      pipeline.Operation
	list    []pipeline.Operation
	err     error // of a start that is no dry run, and of every change
	started []pipeline.OperationRequest
	done    []string // "cancel ID reason"
}

func (s *operationStub) Start(_ context.Context, req pipeline.OperationRequest) (pipeline.Operation, error) {
	s.started = append(s.started, req)
	op := s.op
	op.Kind, op.Selector, op.Rate = req.Kind, req.Selector, req.Rate
	if req.DryRun {
		op.ID = ""
		return op, nil
	}
	return op, s.err
}

func (s *operationStub) Get(_ context.Context, id string) (pipeline.Operation, error) {
	if id != s.op.ID {
		return pipeline.Operation{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no operation " + id}
	}
	return s.op, nil
}

func (s *operationStub) List(context.Context, pipeline.OperationKind, string, int) (pipeline.Page[pipeline.Operation], error) {
	return pipeline.Page[pipeline.Operation]{Items: s.list}, nil
}

func (s *operationStub) note(verb, id, reason string) (pipeline.Operation, error) {
	s.done = append(s.done, verb+" "+id+" "+reason)
	return s.op, s.err
}

func (s *operationStub) Cancel(_ context.Context, id, reason string) (pipeline.Operation, error) {
	return s.note("cancel", id, reason)
}

func (s *operationStub) Pause(_ context.Context, id, reason string) (pipeline.Operation, error) {
	return s.note("pause", id, reason)
}

func (s *operationStub) Resume(_ context.Context, id string, rate *float64, reason string) (pipeline.Operation, error) {
	op, err := s.note("resume", id, reason)
	if rate != nil {
		op.Rate = *rate
	}
	return op, err
}

func (s *operationStub) Restore(_ context.Context, id, reason string) (pipeline.Operation, error) {
	return s.note("restore", id, reason)
}

// console is the pages of rows, letters and operations over stubs.
type console struct {
	rows       *rowStub
	letters    *letterStub
	operations *operationStub
	exports    *exportStub
	role       string
	handler    http.Handler
}

func newConsole(t *testing.T, state pipeline.Overview, c console) *console {
	t.Helper()
	if c.rows == nil {
		c.rows = &rowStub{}
	}
	if c.letters == nil {
		c.letters = &letterStub{}
	}
	if c.operations == nil {
		c.operations = &operationStub{}
	}
	c.exports = &exportStub{auditStub: auditStub{{At: state.At, Actor: "m.okafor", Action: "row.replay", Object: "rows/x", Reason: hostile, Result: "ok"}}}
	overview := stateStub{state}
	frame := NewFramer(views.Page{Base: "/"}, overview, noFaults{})
	shell := &Shell{Base: "/", Frame: frame, Log: testLog(t)}
	rows := NewRows(c.rows, overview, overview, c.exports, 1000, frame)
	letters := NewDeadLetters(c.letters, overview, c.operations, c.exports, frame)
	redrives := NewRedrives(c.operations, letters, overview, frame)
	m := chi.NewRouter()
	for pattern, h := range map[string]Handler{
		"GET /rows": rows.List, "POST /rows": rows.Test, "GET /rows/export": rows.Export, "POST /rows/discard": rows.DiscardSelected,
		"GET /rows/{id}": rows.Show, "POST /rows/{id}": rows.Reveal, "GET /rows/{id}/payload": rows.MaskedPayload, "POST /rows/{id}/payload": rows.Payload, "POST /rows/{id}/replay": rows.Replay,
		"POST /rows/{id}/discard": rows.Discard, "POST /rows/{id}/restore": rows.Restore,
		"GET /dead-letters": letters.List, "GET /dead-letters/export": letters.Export,
		"POST /redrives": redrives.Start, "POST /discards": redrives.Discard, "POST /replays": redrives.Replay,
		"GET /redrives": redrives.List, "GET /redrives/{id}": redrives.Show, "POST /redrives/{id}/cancel": redrives.Cancel,
		"POST /redrives/{id}/pause": redrives.Pause, "POST /redrives/{id}/resume": redrives.Resume, "POST /redrives/{id}/restore": redrives.Restore,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		m.Method(method, path, shell.Page(h))
	}
	c.handler = m
	return &c
}

func (c *console) get(t *testing.T, target string, status int) (*goquery.Document, *httptest.ResponseRecorder) {
	t.Helper()
	return c.do(t, httptest.NewRequest(http.MethodGet, target, nil), status)
}

func (c *console) post(t *testing.T, target string, fields url.Values, status int) (*goquery.Document, *httptest.ResponseRecorder) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(t, r, status)
}

func (c *console) do(t *testing.T, r *http.Request, status int) (*goquery.Document, *httptest.ResponseRecorder) {
	t.Helper()
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r.WithContext(pipeline.WithActor(r.Context(), pipeline.Actor{Name: "local", Role: c.role})))
	if w.Code != status {
		t.Fatalf("%s %s: status %d, want %d\n%.600s", r.Method, r.URL, w.Code, status, text(w.Body.String()))
	}
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		return nil, w
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	inertPage(t, doc)
	return doc, w
}

// inertPage fails for anything that a content policy would have to stop.
func inertPage(t *testing.T, doc *goquery.Document) {
	t.Helper()
	doc.Find("script:not([src]), style, [style], [onerror], [onclick]").Each(func(_ int, s *goquery.Selection) {
		html, _ := goquery.OuterHtml(s)
		t.Errorf("inline script or style: %.200s", html)
	})
	seen := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		if seen[id] {
			t.Errorf("id %q is there twice", id)
		}
		seen[id] = true
	})
	if n := doc.Find("h1").Length(); n > 1 {
		t.Errorf("%d h1 on a page", n)
	}
}

// text is what a person reads, blanks made one.
func text(s string) string { return strings.Join(strings.Fields(s), " ") }

// read is the text of elements with a blank between any two.
func read(s *goquery.Selection) string {
	var parts []string
	var walk func(int, *goquery.Selection)
	walk = func(_ int, s *goquery.Selection) {
		if goquery.NodeName(s) == "#text" {
			parts = append(parts, s.Text())
		}
		s.Contents().Each(walk)
	}
	s.Each(walk)
	return text(strings.Join(parts, " "))
}

func wantText(t *testing.T, s *goquery.Selection, want ...string) {
	t.Helper()
	got := read(s)
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%q is not in\n%.1500s", w, got)
		}
	}
}
