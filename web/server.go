package web

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer returns a server with a deadline on everything: headers, bodies,
// answers, idle connections. Streams lift theirs for each write. Shut it down
// after ending the streams' context, which it waits for.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:                      handler,
		ReadHeaderTimeout:            5 * time.Second,
		ReadTimeout:                  60 * time.Second, // a batch of 16 MiB over a slow line
		WriteTimeout:                 90 * time.Second, // counted from the end of the headers, so with the body
		IdleTimeout:                  120 * time.Second,
		MaxHeaderBytes:               16<<10 - 4<<10, // net/http adds 4 kB of its own
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug), // broken connections, bad TLS: callers' faults
	}
}
