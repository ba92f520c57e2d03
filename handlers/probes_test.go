package handlers_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"redrive/handlers"
)

func TestProbes(t *testing.T) {
	t.Parallel()
	fine := handlers.Part{Name: "store", Ready: func(context.Context) error { return nil }}
	down := handlers.Part{Name: "engine", Ready: func(context.Context) error { return errors.New("dial 10.0.0.1: secret") }}
	for _, tt := range []struct {
		name  string
		parts []handlers.Part
		want  int
		says  string
	}{
		{"ready", []handlers.Part{fine}, 200, `"status":"ready"`},
		{"a part is not", []handlers.Part{fine, down}, 503, `"parts":["engine"]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := handlers.NewProbes(slog.New(slog.NewTextHandler(t.Output(), nil)), tt.parts...)
			w := httptest.NewRecorder()
			h.Ready(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
			if w.Code != tt.want || !strings.Contains(w.Body.String(), tt.says) || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("ready: %d %s", w.Code, w.Body)
			}
			w = httptest.NewRecorder()
			h.Health(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
			if w.Code != http.StatusOK {
				t.Errorf("health: %d", w.Code)
			}
		})
	}
}

func TestReadyDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := handlers.Part{Name: "store", Ready: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		w := httptest.NewRecorder()
		handlers.NewProbes(slog.New(slog.DiscardHandler), hangs).Ready(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("status %d", w.Code)
		}
	})
}
