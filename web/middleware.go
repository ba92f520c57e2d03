package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

// chain wraps next, the first of around outermost.
func chain(next http.Handler, around ...func(http.Handler) http.Handler) http.Handler {
	for i := len(around) - 1; i >= 0; i-- {
		next = around[i](next)
	}
	return next
}

// requestID names the request, in its answer and in the log.
func requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := pipeline.NewID()
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(problem.WithRequestID(r.Context(), id)))
	})
}

// contentPolicy lets a page load its own files, send its own forms, and no more.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers go with every answer, errors, streams and downloads too.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Cache-Control", "no-store") // files with a hash in their name say otherwise
		next.ServeHTTP(w, r)
	})
}

// strict tells browsers that came over https never to come without it.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil || r.URL.Scheme == "https" {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// oneBody ends the connection after a body in chunks. net/http takes the chunks
// and forgets a Content-Length that came with them, so nobody here can tell; a
// proxy that goes by that length would take the rest for something else.
func oneBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// accessLog notes every request, for who looks for one.
func (s *site) accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, answer := time.Now(), &recorder{ResponseWriter: w}
		defer func() {
			s.log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("method", r.Method), slog.String("path", r.URL.EscapedPath()),
				slog.Int("status", answer.status), slog.Int64("bytes", answer.bytes), slog.Duration("took", time.Since(began)),
				slog.String("request_id", problem.RequestID(r.Context())))
		}()
		next.ServeHTTP(answer, r)
	})
}

// readWithin is how long a reader waits: that the store does not answer is an
// answer too.
const readWithin = 15 * time.Second

// inTime bounds what is read for an answer. A stream and a download go on for as
// long as they bring something.
func inTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if r.Method != http.MethodGet && r.Method != http.MethodHead || streams(path) {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), readWithin)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// actor says who acts. Without access control it is whoever reaches the address.
func actor(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(pipeline.WithActor(r.Context(), pipeline.Actor{Name: "local", From: remote(r)})))
	})
}

// catch answers a request whose handler panics. The stack is for the log alone.
func (s *site) catch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			reason := recover()
			if reason == nil {
				return
			}
			if reason == http.ErrAbortHandler {
				panic(reason) // the handler's own way of cutting an answer short
			}
			s.log.ErrorContext(r.Context(), "panic", "panic", fmt.Sprint(reason), "stack", string(debug.Stack()),
				"path", r.URL.EscapedPath(), "request_id", problem.RequestID(r.Context()))
			if answer, ok := w.(*recorder); ok && answer.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not pass for a whole one
			}
			s.broken(w, r)
		}()
		next.ServeHTTP(w, r)
	})
}

// recorder knows what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
