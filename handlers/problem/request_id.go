package problem

import (
	"context"
	"log/slog"
	"net/http"
)

type requestKey struct{}

// WithRequestID returns a context that carries the id of its request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID returns the id of the request, the one thing that connects what a
// caller saw to the log. Empty outside a request.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// Answer writes what a caller is told about err and logs what it is not told.
func Answer(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	p := Of(err)
	Log(r, log, p)
	Write(w, r, p)
}

// Log notes what is not told: as an error what is our fault, as a warning what
// passes by itself, as information what the caller did wrong.
func Log(r *http.Request, log *slog.Logger, p Problem) {
	if p.Hidden == nil {
		return
	}
	level := slog.LevelInfo
	switch {
	case p.Status == http.StatusInternalServerError:
		level = slog.LevelError
	case p.Status > http.StatusInternalServerError:
		level = slog.LevelWarn
	}
	log.LogAttrs(r.Context(), level, "request failed", slog.Int("status", p.Status), slog.String("method", r.Method),
		slog.String("path", r.URL.EscapedPath()), slog.String("request_id", RequestID(r.Context())), slog.Any("error", p.Hidden))
}
