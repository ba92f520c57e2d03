package handlers_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"redrive/handlers"
	"redrive/pipeline"
)

// ingestStore remembers what it was given and answers as told.
type ingestStore struct {
	got  []pipeline.Message
	errs map[string]error // by payload
	err  error
}

func (s *ingestStore) Submit(ctx context.Context, name string, m pipeline.Message) (pipeline.Submitted, error) {
	done, err := s.SubmitBatch(ctx, name, []pipeline.Message{m})
	if err != nil {
		return pipeline.Submitted{}, err
	}
	return done[0].Submitted, done[0].Err
}

func (s *ingestStore) SubmitBatch(_ context.Context, _ string, ms []pipeline.Message) ([]pipeline.SubmitResult, error) {
	if s.err != nil {
		return nil, s.err
	}
	var done []pipeline.SubmitResult
	for _, m := range ms {
		s.got = append(s.got, m)
		done = append(done, pipeline.SubmitResult{Submitted: pipeline.Submitted{ID: fmt.Sprintf("r%d", len(s.got)), Duplicate: strings.HasPrefix(m.Key, "known")},
			Err: s.errs[string(m.Payload)]})
	}
	return done, nil
}

// ingestSecret takes bodies whose header repeats their length.
type ingestSecret struct{}

func (ingestSecret) Verify(h http.Header, body []byte, now time.Time) error {
	if now.IsZero() || h.Get("X-Signature") != fmt.Sprint(len(body)) {
		return errors.New("mac differs at byte 3")
	}
	return nil
}

func ingestDoors(t *testing.T, s *ingestStore) http.Handler {
	t.Helper()
	h := handlers.NewIngest(map[string]handlers.Door{
		"plain":  {MaxBytes: 100},
		"github": {MaxBytes: 100, Key: handlers.KeySource{Header: "X-Github-Delivery"}},
		"json":   {MaxBytes: 100, Key: handlers.KeySource{Path: []string{"event", "id"}}},
		"signed": {MaxBytes: 100, Verifier: ingestSecret{}},
	}, s, slog.New(slog.NewTextHandler(t.Output(), nil)))
	router := chi.NewRouter()
	router.Post("/ingest/{pipeline}", h.Row)
	router.Post("/ingest/{pipeline}/batch", h.Batch)
	return router
}

func ingestAsk(t *testing.T, s *ingestStore, target, body string, pairs ...string) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Add(pairs[i], pairs[i+1])
	}
	w := httptest.NewRecorder()
	ingestDoors(t, s).ServeHTTP(w, r)
	fields := map[string]any{}
	if err := json.Unmarshal(w.Body.Bytes(), &fields); err != nil {
		t.Fatalf("%d with %q: %v", w.Code, w.Body, err)
	}
	return w, fields
}

func TestIngestKeepsWhatWasSent(t *testing.T) {
	t.Parallel()
	s := &ingestStore{}
	trace := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	w, fields := ingestAsk(t, s, "/ingest/github", " {\"action\":\"rerequested\"}\n", "X-GitHub-Delivery", "d1", "X-GitHub-Event", "check_run",
		"Content-Type", "application/json; charset=utf-8", "Traceparent", trace)
	if w.Code != http.StatusAccepted || fields["id"] != "r1" || fields["duplicate"] != false || len(fields) != 2 {
		t.Errorf("%d %v", w.Code, fields)
	}
	want := pipeline.Message{Payload: []byte(" {\"action\":\"rerequested\"}\n"), ContentType: "application/json; charset=utf-8", Key: "d1", Trace: trace, Label: "check_run.rerequested"}
	if !reflect.DeepEqual(s.got[0], want) {
		t.Errorf("stored %+v", s.got[0])
	}
	if _, fields := ingestAsk(t, s, "/ingest/github", "x", "X-GitHub-Delivery", "known"); fields["duplicate"] != true {
		t.Errorf("a known key: %v", fields)
	}
	if got := s.got[1].ContentType; got != "application/octet-stream" {
		t.Errorf("content type %q", got)
	}
}

func TestIngestRefusals(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 101)
	for _, tt := range []struct {
		name, target, body string
		pairs              []string
		status             int
		says               string
	}{
		{"no such pipeline", "/ingest/other", "x", nil, 404, "pipeline"},
		{"no such pipeline, in a batch", "/ingest/other/batch", "x", nil, 404, "pipeline"},
		{"a name with a slash", "/ingest/plain%2Fx", "x", nil, 404, "pipeline"},
		{"nothing", "/ingest/plain", "", nil, 400, "empty"},
		{"over the limit", "/ingest/plain", big, nil, 413, "100"},
		{"gzip", "/ingest/plain", "x", []string{"Content-Encoding", "gzip"}, 415, "Content-Encoding"},
		{"gzip in a batch", "/ingest/plain/batch", "{}", []string{"Content-Encoding", "gzip"}, 415, "Content-Encoding"},
		{"zstd", "/ingest/plain", "x", []string{"Content-Encoding", "zstd"}, 415, "Content-Encoding"},
		{"brotli", "/ingest/plain", "x", []string{"Content-Encoding", "BR"}, 415, "Content-Encoding"},
		{"gzip in gzip", "/ingest/plain", "x", []string{"Content-Encoding", "gzip, gzip"}, 415, "Content-Encoding"},
		{"identity and gzip in one", "/ingest/plain", "x", []string{"Content-Encoding", "identity, gzip"}, 415, "Content-Encoding"},
		{"an unheard-of coding", "/ingest/plain", "x", []string{"Content-Encoding", "x"}, 415, "Content-Encoding"},
		{"gzip behind identity", "/ingest/plain", "x", []string{"Content-Encoding", "identity", "Content-Encoding", "gzip"}, 415, "Content-Encoding"},
		{"a query", "/ingest/plain?token=x", "x", nil, 400, "token"},
		{"no key", "/ingest/github", "x", nil, 400, "X-Github-Delivery"},
		{"an empty key", "/ingest/github", "x", []string{"X-GitHub-Delivery", " "}, 400, "X-Github-Delivery"},
		{"two keys", "/ingest/github", "x", []string{"X-GitHub-Delivery", "a", "X-GitHub-Delivery", "b"}, 400, "X-Github-Delivery"},
		{"a very long key", "/ingest/github", "x", []string{"X-GitHub-Delivery", strings.Repeat("k", 600)}, 400, "X-Github-Delivery"},
		{"no key in a batch", "/ingest/github/batch", "{}", nil, 400, "X-Github-Delivery"},
		{"no field", "/ingest/json", `{"event":{}}`, nil, 400, "event.id"},
		{"no JSON", "/ingest/json", `hello`, nil, 400, "event.id"},
		{"no signature", "/ingest/signed", "x", nil, 401, "signature"},
		{"a wrong signature", "/ingest/signed", "x", []string{"X-Signature", "2"}, 401, "signature"},
		{"a wrong signature of a batch", "/ingest/signed/batch", "{}\n{}", []string{"X-Signature", "2"}, 401, "signature"},
		{"a long content type", "/ingest/plain", "x", []string{"Content-Type", strings.Repeat("x", 256)}, 400, "Content-Type"},
		{"blank lines", "/ingest/plain/batch", "\n \n\r\n", nil, 400, "payload"},
		{"too many lines", "/ingest/plain/batch", strings.Repeat("1\n", 100_001), nil, 413, "100000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &ingestStore{}
			w, fields := ingestAsk(t, s, tt.target, tt.body, tt.pairs...)
			detail, _ := fields["detail"].(string)
			if w.Code != tt.status || !strings.Contains(detail, tt.says) || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %q, want %d naming %s", w.Code, detail, tt.status, tt.says)
			}
			if len(s.got) != 0 || strings.Contains(w.Body.String(), "byte 3") {
				t.Errorf("stored %d, told %s", len(s.got), w.Body)
			}
		})
	}
}

// A body of unknown length is cut at the limit too.
func TestIngestChunkedOverTheLimit(t *testing.T) {
	t.Parallel()
	h := handlers.NewIngest(map[string]handlers.Door{"plain": {MaxBytes: 100}}, &ingestStore{}, slog.New(slog.DiscardHandler))
	router := chi.NewRouter()
	router.Post("/ingest/{pipeline}", h.Row)
	for size, want := range map[int]int{100: 202, 101: 413, 100_000: 413} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ingest/plain", strings.NewReader(strings.Repeat("x", size)))
		r.ContentLength = -1
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%d bytes: %d, want %d", size, w.Code, want)
		}
	}
}

// Many senders read the answer only after all of their body is sent.
func TestIngestTooLargeIsToldToSendersThatSendFirst(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(ingestDoors(t, &ingestStore{}))
	t.Cleanup(server.Close)
	const size = 24 << 20
	body := bytes.Repeat([]byte("x"), size)
	for name, head := range map[string]string{
		"announced": fmt.Sprintf("POST /ingest/plain HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", size),
		"chunked":   fmt.Sprintf("POST /ingest/plain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", size),
		"a batch":   fmt.Sprintf("POST /ingest/plain/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", size),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close() //nolint:errcheck // read to the end
			for _, part := range [][]byte{[]byte(head), body, []byte("\r\n0\r\n\r\n")} {
				if name != "chunked" && len(part) < 10 {
					continue
				}
				if _, err := conn.Write(part); err != nil {
					t.Fatalf("sending: %v", err)
				}
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close() //nolint:errcheck // only its status counts
			if answer.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("status %d, want 413", answer.StatusCode)
			}
		})
	}
}

// A sender that asks first is told before it sends anything.
func TestIngestTooLargeBeforeTheBodyIsSent(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(ingestDoors(t, &ingestStore{}))
	t.Cleanup(server.Close)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // read to the end
	if _, err := io.WriteString(conn, "POST /ingest/plain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // only its status counts
	if answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, want 413", answer.StatusCode)
	}
}

func TestIngestStoreErrors(t *testing.T) {
	t.Parallel()
	away := &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the store does not answer"}
	for _, target := range []string{"/ingest/plain", "/ingest/plain/batch"} {
		for name, s := range map[string]*ingestStore{"all": {err: away}, "each": {errs: map[string]error{"1": away}}} {
			w, _ := ingestAsk(t, s, target, "1")
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "5" {
				t.Errorf("%s, %s: %d, Retry-After %q", target, name, w.Code, w.Header().Get("Retry-After"))
			}
		}
	}
	broken := &pipeline.Error{Code: pipeline.CodeRejected, Text: "the payload breaks the schema: no id"}
	w, fields := ingestAsk(t, &ingestStore{errs: map[string]error{"1": broken}}, "/ingest/plain", "1")
	if w.Code != http.StatusUnprocessableEntity || fields["id"] != "r1" || fields["error"] != broken.Text {
		t.Errorf("schema broken: %d %v", w.Code, fields)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	s := &ingestStore{errs: map[string]error{`{"n":4}`: &pipeline.Error{Code: pipeline.CodeRejected, Text: "breaks the schema"}}}
	long := `"` + strings.Repeat("x", 100) + `"`
	w, fields := ingestAsk(t, s, "/ingest/github/batch", "{\"n\":1}\r\n\n not json\n{\"n\":4}\n"+long+"\n {\"type\":\"t\"} ", "X-GitHub-Delivery", "d", "Content-Type", "application/x-ndjson")
	if w.Code != http.StatusAccepted || fields["accepted"] != 2.0 {
		t.Fatalf("%d %v", w.Code, fields)
	}
	var results []string
	for _, r := range fields["results"].([]any) {
		m := r.(map[string]any)
		results = append(results, fmt.Sprint(m["id"], " ", m["duplicate"], " ", m["error"]))
	}
	want := []string{"r1 false <nil>", "<nil> <nil> line 3 is not JSON", "r2 <nil> breaks the schema", "<nil> <nil> line 5 is over the limit of 100 bytes", "r3 false <nil>"}
	if !reflect.DeepEqual(results, want) {
		t.Errorf("results %q", results)
	}
	last := pipeline.Message{Payload: []byte(` {"type":"t"} `), ContentType: "application/json", Key: "d/6", Label: "t"}
	if s.got[0].Key != "d/1" || s.got[1].Key != "d/4" || !reflect.DeepEqual(s.got[2], last) {
		t.Errorf("stored %+v", s.got)
	}
}

func TestBatchKeysFromPayloads(t *testing.T) {
	t.Parallel()
	s := &ingestStore{}
	_, fields := ingestAsk(t, s, "/ingest/json/batch", "{\"event\":{\"id\":7}}\n{}\n{\"event\":{\"id\":\"known1\"}}\n")
	results := fields["results"].([]any)
	if fields["accepted"] != 2.0 || s.got[0].Key != "7" || !strings.Contains(fmt.Sprint(results[1]), "event.id") || results[2].(map[string]any)["duplicate"] != true {
		t.Errorf("%v, keys of %+v", fields, s.got)
	}
}

func TestBatchOfOnlyBrokenLines(t *testing.T) {
	t.Parallel()
	w, fields := ingestAsk(t, &ingestStore{}, "/ingest/plain/batch", "a\nb")
	if w.Code != http.StatusAccepted || fields["accepted"] != 0.0 || len(fields["results"].([]any)) != 2 {
		t.Errorf("%d %v", w.Code, fields)
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ header, value, body, want string }{
		{"X-GitHub-Event", "push", `{"ref":"x"}`, "push"},
		{"X-GitHub-Event", "check_run", `{"a":{"action":"no"},"action":"rerequested"}`, "check_run.rerequested"},
		{"X-Gitlab-Event", "Push Hook", `{"type":"other"}`, "Push Hook"},
		{"X-Shopify-Topic", "orders/create", `{}`, "orders/create"},
		{"Ce-Type", "com.example.made", `{}`, "com.example.made"},
		{"", "", `{"object":"event","type":"invoice.paid"}`, "invoice.paid"},
		{"", "", `{"event":{"type":"x"},"event_type":"order.created"}`, "order.created"},
		{"", "", `{"type":5}`, ""},
		{"", "", `text`, ""},
		{"", "", "{\"type\":\"a\\u0000b\\u202ec\\n\"}", "abc"},
		{"", "", `{"type":"` + strings.Repeat("ä", 90) + `"}`, strings.Repeat("ä", 80)},
	} {
		s := &ingestStore{}
		body := tt.body
		pairs := []string{}
		if tt.header != "" {
			pairs = []string{tt.header, tt.value}
		}
		h := handlers.NewIngest(map[string]handlers.Door{"p": {MaxBytes: 1000}}, s, slog.New(slog.DiscardHandler))
		router := chi.NewRouter()
		router.Post("/ingest/{pipeline}", h.Row)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ingest/p", strings.NewReader(body))
		if len(pairs) == 2 {
			r.Header.Set(pairs[0], pairs[1])
		}
		router.ServeHTTP(httptest.NewRecorder(), r)
		if len(s.got) != 1 || s.got[0].Label != tt.want {
			t.Errorf("%s %s %s: %+v, want label %q", tt.header, tt.value, tt.body, s.got, tt.want)
		}
	}
}

func TestTraceparentIsKeptOnlyIfItIsOne(t *testing.T) {
	t.Parallel()
	good := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for given, want := range map[string]string{
		good: good, "": "", "nonsense": "", strings.ToUpper(good): "", "ff" + good[2:]: "",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": "", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01": "", good + "0": "",
	} {
		s := &ingestStore{}
		ingestAsk(t, s, "/ingest/plain", "x", "Traceparent", given)
		if s.got[0].Trace != want {
			t.Errorf("%q kept as %q", given, s.got[0].Trace)
		}
	}
}
