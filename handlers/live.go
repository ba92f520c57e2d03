package handlers

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"redrive/handlers/problem"
)

const (
	livePing    = 15 * time.Second // a comment, so that proxies keep the line open
	liveWrite   = 10 * time.Second // a reader that takes nothing for so long is let go
	liveReaders = 1000             // at once
)

type changes interface {
	Subscribe(ctx context.Context) <-chan []string
}

// Live tells pages what changed, as server-sent events that carry topics and no
// data: "data: overview rows row:01krj4". A page reads what it needs again.
type Live struct {
	changes changes
	stop    context.Context //nolint:containedctx // the server's life, not a request's
	readers atomic.Int64
}

// NewLive returns the stream of what changes tells. All streams end with stop,
// because a server cannot shut down while requests are open.
func NewLive(stop context.Context, changes changes) *Live {
	return &Live{changes: changes, stop: stop}
}

// Events answers GET /events.
func (h *Live) Events(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if h.readers.Add(1) > liveReaders {
		h.readers.Add(-1)
		problem.Write(w, r, problem.Problem{Status: http.StatusServiceUnavailable, Detail: "Too many pages are open; reload in a minute.", RetryAfter: time.Minute})
		return
	}
	defer h.readers.Add(-1)
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.stop, cancel)()
	s := stream{w: w, rc: http.NewResponseController(w)}
	s.rc.SetReadDeadline(time.Time{}) //nolint:errcheck // a recorder in a test has none
	if s.write("retry: 2000\n\n") == nil {
		s.follow(ctx, h.changes.Subscribe(ctx))
	}
}

type stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// follow writes until the reader or the server goes away.
func (s stream) follow(ctx context.Context, news <-chan []string) {
	ping := time.NewTicker(livePing)
	defer ping.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-ping.C:
			err = s.write(": ping\n\n")
		case topics, open := <-news:
			if !open {
				return
			}
			err = s.write("data: " + strings.Join(topics, " ") + "\n\n")
		}
		if err != nil {
			return
		}
	}
}

// write sends at once, and gives up on a reader that does not read.
func (s stream) write(text string) error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(liveWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.rc.Flush()
}
