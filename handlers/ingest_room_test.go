package handlers

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/semaphore"

	"redrive/pipeline"
)

// takesAll is a store that takes everything.
type takesAll struct{}

func (takesAll) Submit(context.Context, string, pipeline.Message) (pipeline.Submitted, error) {
	return pipeline.Submitted{ID: "r1"}, nil
}

func (takesAll) SubmitBatch(_ context.Context, _ string, ms []pipeline.Message) ([]pipeline.SubmitResult, error) {
	return make([]pipeline.SubmitResult, len(ms)), nil
}

// Bodies that come slowly hold their part of the room; who finds none left is
// told to come back, and all of it is there again once they are through.
func TestIngestBoundsAllBodiesTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewIngest(map[string]Door{"p": {MaxBytes: 1 << 20}}, takesAll{}, slog.New(slog.DiscardHandler))
		h.room = semaphore.NewWeighted(1 << 20)
		router := chi.NewRouter()
		router.Post("/ingest/{pipeline}", h.Row)
		router.Post("/ingest/{pipeline}/batch", h.Batch)
		ask := func(path string, body io.Reader) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, body))
			return w
		}
		const slow = 4
		var ends []*io.PipeWriter
		codes := make(chan int, slow)
		for range slow {
			body, end := io.Pipe()
			ends = append(ends, end)
			go func() { codes <- ask("/ingest/p", body).Code }()
			go end.Write(make([]byte, 200<<10)) //nolint:errcheck // read by the handler
		}
		synctest.Wait()
		for _, path := range []string{"/ingest/p", "/ingest/p/batch"} {
			w := ask(path, bytes.NewReader(make([]byte, 100<<10)))
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
				t.Errorf("%s with no room left: %d, Retry-After %q", path, w.Code, w.Header().Get("Retry-After"))
			}
		}
		for _, end := range ends {
			end.Close() //nolint:errcheck // never fails
		}
		for range slow {
			if code := <-codes; code != http.StatusAccepted {
				t.Errorf("a slow one ended with %d", code)
			}
		}
		if !h.room.TryAcquire(1 << 20) {
			t.Error("room is lost")
		}
	})
}
