package handlers_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"redrive/handlers"
)

// A pipeline with ingest keys takes rows with one of them and nothing else, and
// with its signature besides, if it has one.
func TestIngestKeys(t *testing.T) {
	t.Parallel()
	opens := func(key string) bool { return key == "right" }
	const asks, refuses = `Bearer realm="ingest"`, `Bearer realm="ingest", error="invalid_token"`
	for _, tt := range []struct {
		name, target string
		pairs        []string
		status       int
		challenge    string
	}{
		{"the key", "/ingest/keyed", []string{"Authorization", "Bearer right"}, 202, ""},
		{"the key of a batch", "/ingest/keyed/batch", []string{"Authorization", "bearer  right "}, 202, ""},
		{"none", "/ingest/keyed", nil, 401, asks},
		{"none of a batch", "/ingest/keyed/batch", nil, 401, asks},
		{"another", "/ingest/keyed", []string{"Authorization", "Bearer wrong"}, 401, refuses},
		{"another of a batch", "/ingest/keyed/batch", []string{"Authorization", "Bearer wrong"}, 401, refuses},
		{"two headers", "/ingest/keyed", []string{"Authorization", "Bearer right", "Authorization", "Bearer right"}, 401, refuses},
		{"two in one", "/ingest/keyed", []string{"Authorization", "Bearer right, Bearer right"}, 401, refuses},
		{"no scheme", "/ingest/keyed", []string{"Authorization", "right"}, 401, refuses},
		{"basic, as of a key in the URL", "/ingest/keyed", []string{"Authorization", "Basic cmlnaHQ6"}, 401, refuses},
		{"an empty one", "/ingest/keyed", []string{"Authorization", "Bearer "}, 401, refuses},
		{"a very long one", "/ingest/keyed", []string{"Authorization", "Bearer " + strings.Repeat("x", 2000)}, 401, refuses},
		{"a session of the console", "/ingest/keyed", []string{"Cookie", "__Host-session=right; redrive_session=right"}, 401, asks},
		{"in another header", "/ingest/keyed", []string{"X-Api-Key", "right", "Proxy-Authorization", "Bearer right"}, 401, asks},
		{"in the URL", "/ingest/keyed?key=right", nil, 400, ""},
		{"in the URL under its usual name", "/ingest/keyed?access_token=right", []string{"Authorization", "Bearer right"}, 400, ""},
		{"in the path", "/ingest/keyed/right", nil, 404, ""},
		{"the key without the signature", "/ingest/both", []string{"Authorization", "Bearer right"}, 401, `Signature realm="ingest"`},
		{"the signature without the key", "/ingest/both", []string{"X-Signature", "2"}, 401, asks},
		{"both", "/ingest/both", []string{"Authorization", "Bearer right", "X-Signature", "2"}, 202, ""},
		{"a key where none is asked for", "/ingest/plain", []string{"Authorization", "Bearer wrong"}, 202, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, log := &ingestStore{}, &strings.Builder{}
			h := handlers.NewIngest(map[string]handlers.Door{"keyed": {MaxBytes: 100, Opens: opens}, "plain": {MaxBytes: 100},
				"both": {MaxBytes: 100, Opens: opens, Verifier: ingestSecret{}}}, s, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
			router := chi.NewRouter()
			router.Post("/ingest/{pipeline}", h.Row)
			router.Post("/ingest/{pipeline}/batch", h.Batch)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, tt.target, strings.NewReader("{}"))
			for i := 0; i+1 < len(tt.pairs); i += 2 {
				r.Header.Add(tt.pairs[i], tt.pairs[i+1])
			}
			w := httptest.NewRecorder()
			router.ServeHTTP(w, r)
			if w.Code != tt.status || w.Header().Get("WWW-Authenticate") != tt.challenge {
				t.Errorf("%d %s with %q, want %d with %q", w.Code, w.Body, w.Header().Get("WWW-Authenticate"), tt.status, tt.challenge)
			}
			if want := tt.status == http.StatusAccepted; (len(s.got) == 1) != want {
				t.Errorf("stored %d", len(s.got))
			}
			if tt.status == http.StatusUnauthorized && !json.Valid(w.Body.Bytes()) {
				t.Errorf("told %s", w.Body)
			}
			for _, text := range []string{w.Body.String(), log.String()} {
				if strings.Contains(text, "right") || strings.Contains(text, "wrong") {
					t.Errorf("a key is told or logged: %s", text)
				}
			}
		})
	}
}

// A body is not read before the key is known to be right.
func TestIngestKeyBeforeTheBody(t *testing.T) {
	t.Parallel()
	h := handlers.NewIngest(map[string]handlers.Door{"keyed": {MaxBytes: 1 << 20, Opens: func(string) bool { return false }}}, &ingestStore{}, slog.New(slog.DiscardHandler))
	router := chi.NewRouter()
	router.Post("/ingest/{pipeline}", h.Row)
	body := strings.NewReader(strings.Repeat("x", 1<<20))
	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ingest/keyed", body))
	if w.Code != http.StatusUnauthorized || body.Len() != 1<<20 {
		t.Errorf("%d after %d bytes", w.Code, 1<<20-body.Len())
	}
}
