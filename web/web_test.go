package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"redrive/handlers"
	"redrive/handlers/api"
	"redrive/pipeline"
	"redrive/static"
)

// quiet is a hub in which nothing happens.
type quiet struct{}

func (quiet) Subscribe(ctx context.Context) <-chan []string {
	news := make(chan []string)
	context.AfterFunc(ctx, func() { close(news) })
	return news
}

// intake takes everything and tells who sent it.
type intake struct{ from chan string }

func (i intake) Submit(ctx context.Context, _ string, _ pipeline.Message) (pipeline.Submitted, error) {
	if i.from != nil {
		i.from <- pipeline.ActorFrom(ctx).From
	}
	return pipeline.Submitted{ID: "r1"}, nil
}

func (i intake) SubmitBatch(context.Context, string, []pipeline.Message) ([]pipeline.SubmitResult, error) {
	return nil, nil
}

// config is a shell over services that are not there: what a route answers does
// not matter here, a handler that breaks is as good as any.
func config(t *testing.T) Config {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	return Config{
		Listen: "127.0.0.1:8080", BasePath: "/", Assets: static.New(), API: api.New(api.Services{}, log),
		Ingest:  handlers.NewIngest(map[string]handlers.Door{"github": {MaxBytes: 1000}}, intake{}, log),
		Live:    handlers.NewLive(stopped, quiet{}),
		Probes:  handlers.NewProbes(log),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("up 1\n")) }),
		Logger:  log,
	}
}

func handler(t *testing.T, c Config) http.Handler {
	t.Helper()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask makes a request to this host; pairs are headers.
func ask(t *testing.T, h http.Handler, method, target, body string, pairs ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Host = "localhost:8080"
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == "Host" {
			r.Host = pairs[i+1]
			continue
		}
		r.Header.Add(pairs[i], pairs[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// everyRoute calls do with each method and a path for each route.
func everyRoute(t *testing.T, do func(method, path string)) {
	t.Helper()
	s, err := build(config(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, router := range []*chi.Mux{s.probes, s.ingest, s.console} {
		err := chi.Walk(router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			do(method, route)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func fill(route string) string {
	for _, name := range []string{"{id}", "{name}", "{n}", "{step}", "{pipeline}", "*"} {
		route = strings.ReplaceAll(route, name, "x1")
	}
	return route
}

func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	t.Parallel()
	h := handler(t, config(t))
	check := func(t *testing.T, w *httptest.ResponseRecorder) {
		t.Helper()
		for name, want := range map[string]string{
			"Content-Security-Policy":      contentPolicy,
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"X-Frame-Options":              "DENY",
			"Cache-Control":                "no-store",
		} {
			if got := w.Header().Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%d: %s is %q, want %q once", w.Code, name, got, want)
			}
		}
		if w.Header().Get("Permissions-Policy") == "" || w.Header().Get("X-Request-Id") == "" {
			t.Errorf("%d: no Permissions-Policy or request id", w.Code)
		}
	}
	everyRoute(t, func(method, route string) {
		t.Run(method+" "+route, func(t *testing.T) {
			path := fill(route)
			check(t, ask(t, h, method, path, ""))
			check(t, ask(t, h, method, path, "", "Host", "evil.example"))
			check(t, ask(t, h, "TRACE", path, ""))
			check(t, ask(t, h, method, path, "", "Sec-Fetch-Site", "cross-site"))
		})
	})
	check(t, ask(t, h, http.MethodGet, "/nowhere", ""))
	check(t, ask(t, h, http.MethodGet, "/api/v1/nowhere", ""))
}

func TestAssetsMayBeKept(t *testing.T) {
	t.Parallel()
	c := config(t)
	w := ask(t, handler(t, c), http.MethodGet, "/"+c.Assets.URL("css/console.css"), "")
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("status %d, headers %v", w.Code, w.Header())
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	h := handler(t, config(t))
	everyRoute(t, func(method, route string) {
		for _, other := range []string{"OPTIONS", "TRACE", "PATCH", "CONNECT", "BREW"} {
			w := ask(t, h, other, fill(route), "")
			if w.Code != http.StatusMethodNotAllowed || !slices.Contains(strings.Split(w.Header().Get("Allow"), ", "), method) {
				t.Errorf("%s %s: %d, Allow %q; want 405 and %s allowed", other, route, w.Code, w.Header().Get("Allow"), method)
			}
			if want := machine(route); want != (w.Header().Get("Content-Type") == "application/problem+json") && want {
				t.Errorf("%s %s: answered as %s", other, route, w.Header().Get("Content-Type"))
			}
		}
	})
}

func TestChangesFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	h := handler(t, config(t))
	foreign := [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
		{"Origin", "http://localhost:3000"},
	}
	everyRoute(t, func(method, route string) {
		if method == http.MethodGet {
			return
		}
		for _, pairs := range foreign {
			w := ask(t, h, method, fill(route), "", pairs...)
			ingest := strings.HasPrefix(route, "/ingest/")
			if (w.Code == http.StatusForbidden) == ingest {
				t.Errorf("%s %s with %v: %d", method, route, pairs, w.Code)
			}
		}
		if w := ask(t, h, method, fill(route), "", "Origin", "http://localhost:8080", "Sec-Fetch-Site", "same-origin"); w.Code == http.StatusForbidden {
			t.Errorf("%s %s from the console itself: 403", method, route)
		}
	})
}

func TestPublicOriginIsOurs(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.PublicURL = "https://redrive.example.com/x"
	w := ask(t, handler(t, c), http.MethodPost, "/api/v1/sweeps", "", "Host", "127.0.0.1:8080", "Origin", "https://redrive.example.com")
	if w.Code == http.StatusForbidden {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestBasePath(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"/x", "/x/"} {
		c := config(t)
		c.BasePath = base
		h := handler(t, c)
		for target, want := range map[string]int{
			"/healthz": 200, "/readyz": 200, "/metrics": 200, "/x/healthz": 404, "/healthz/": 404,
			"/x": 307, "/rows": 404, "/api/v1/openapi.json": 404, "/x/api/v1/openapi.json": 200, "/x/api/v1/nowhere": 404,
			"/x//api/v1/openapi.json": 404, "/x/api/v1/openapi.json/": 404, "/%78/api/v1/openapi.json": 404, "/x%2fapi/v1/openapi.json": 404,
			"/y/../x/api/v1/openapi.json": 404, "//x/api/v1/openapi.json": 404, "/xapi/v1/openapi.json": 404, "/x/" + c.Assets.URL("icons.svg"): 200,
		} {
			if w := ask(t, h, http.MethodGet, target, ""); w.Code != want {
				t.Errorf("base %s, %s: %d, want %d", base, target, w.Code, want)
			} else if want == 307 && w.Header().Get("Location") != "/x/" {
				t.Errorf("%s leads to %q", target, w.Header().Get("Location"))
			}
		}
	}
}

func TestNothingRedirectsBySlashes(t *testing.T) {
	t.Parallel()
	h := handler(t, config(t))
	for _, target := range []string{"/rows/", "//evil.example/", "/api/v1/rows/", "//evil.example/rows", "/rows//", "/./rows", "/rows/../rows", `/\evil.example`} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Host, r.URL.Path = "localhost", target
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusNotFound || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d to %q, want 404", target, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestPanicsShowNothing(t *testing.T) {
	t.Parallel()
	h := handler(t, config(t)) // without services every operation breaks
	w := ask(t, h, http.MethodGet, "/api/v1/overview", "")
	var told struct {
		Status    int    `json:"status"`
		Detail    string `json:"detail"`
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	if w.Code != 500 || told.Status != 500 || told.RequestID == "" || told.RequestID != w.Header().Get("X-Request-Id") || strings.Contains(w.Body.String(), "nil pointer") {
		t.Errorf("status %d, body %s", w.Code, w.Body)
	}
	if w := ask(t, h, http.MethodGet, "/rows", ""); w.Code != 500 || strings.Contains(w.Body.String(), "nil pointer") {
		t.Errorf("a page that breaks: %d %s", w.Code, w.Body)
	}
}

func TestHeadAnswersWhereGetDoes(t *testing.T) {
	t.Parallel()
	h := handler(t, config(t))
	for _, path := range []string{"/healthz", "/metrics", "/events", "/api/v1/openapi.json"} {
		if w := ask(t, h, http.MethodHead, path, ""); w.Code != http.StatusOK {
			t.Errorf("HEAD %s: %d", path, w.Code)
		}
	}
	if w := ask(t, h, http.MethodHead, "/ingest/github", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("HEAD of what only takes POST: %d", w.Code)
	}
}

// The document names every operation there is, and no other.
func TestDocumentMatchesTheRoutes(t *testing.T) {
	t.Parallel()
	w := ask(t, handler(t, config(t)), http.MethodGet, "/api/v1/openapi.json", "")
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Summary     string `json:"summary"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("document of version %q: %v", doc.OpenAPI, err)
	}
	documented, ids := map[string]bool{}, map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			documented[strings.ToUpper(method)+" "+path] = true
			if op.Summary == "" || ids[op.OperationID] {
				t.Errorf("%s %s has no summary, or its id %s is not its own", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
		}
	}
	everyRoute(t, func(method, route string) {
		if !strings.HasPrefix(route, "/api/") {
			return
		}
		if !documented[method+" "+route] {
			t.Errorf("%s %s is not in the document", method, route)
		}
		delete(documented, method+" "+route)
	})
	for left := range documented {
		t.Errorf("%s is in the document and has no route", left)
	}
}
