package handlers_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redrive/handlers"
)

// liveNews hands its channel to whoever subscribes.
type liveNews chan []string

func (n liveNews) Subscribe(context.Context) <-chan []string { return n }

// liveReader is a connection that can stop taking anything.
type liveReader struct {
	mu       sync.Mutex
	header   http.Header
	got      strings.Builder
	deadline time.Time
	stuck    bool
}

func (r *liveReader) Header() http.Header { return r.header }
func (r *liveReader) WriteHeader(int)     {}
func (r *liveReader) FlushError() error   { return nil }

func (r *liveReader) SetReadDeadline(time.Time) error { return nil }

func (r *liveReader) SetWriteDeadline(at time.Time) error {
	r.deadline = at
	return nil
}

func (r *liveReader) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stuck {
		time.Sleep(time.Until(r.deadline))
		return 0, errors.New("i/o timeout")
	}
	return r.got.Write(b)
}

func liveRequest(ctx context.Context) *http.Request {
	return httptest.NewRequestWithContext(ctx, http.MethodGet, "/events", nil)
}

func TestLiveTellsTopicsAndPings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		news, reader := make(liveNews), &liveReader{header: http.Header{}}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			handlers.NewLive(t.Context(), news).Events(reader, liveRequest(ctx))
		}()
		news <- []string{"overview", "row:01krj4"}
		time.Sleep(16 * time.Second)
		synctest.Wait()
		cancel()
		<-ended
		if want := "retry: 2000\n\ndata: overview row:01krj4\n\n: ping\n\n"; reader.got.String() != want {
			t.Errorf("sent %q, want %q", reader.got.String(), want)
		}
		if got := reader.header.Get("Content-Type"); got != "text/event-stream" {
			t.Errorf("content type %q", got)
		}
	})
}

func TestLiveLetsAReaderGoThatDoesNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began, reader := time.Now(), &liveReader{header: http.Header{}, stuck: true}
		handlers.NewLive(t.Context(), make(liveNews)).Events(reader, liveRequest(t.Context()))
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("let go after %v", took)
		}
	})
}

func TestLiveEndsWithTheServerAndWithTheNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		handlers.NewLive(stop, make(liveNews)).Events(&liveReader{header: http.Header{}}, liveRequest(t.Context()))
		over := make(liveNews)
		close(over)
		handlers.NewLive(t.Context(), over).Events(&liveReader{header: http.Header{}}, liveRequest(t.Context()))
	})
}
