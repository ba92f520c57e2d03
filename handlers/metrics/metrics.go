// Package metrics answers /metrics in Prometheus' text format: what the engine
// counts, read afresh at every scrape, beside the figures of the Go runtime.
// Label values come from the configuration alone, so nothing a caller sends can
// make a new series.
package metrics

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type overview interface {
	Overview(ctx context.Context) (pipeline.Overview, error)
}

// Handler answers GET /metrics.
type Handler struct {
	state   overview
	runtime *prometheus.Registry
	log     *slog.Logger
}

// New returns the handler of one program; version names its build.
func New(state overview, version string, log *slog.Logger) *Handler {
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "redrive_build_info", Help: "1, with the program's version."}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	registry := prometheus.NewRegistry()
	registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Handler{state: state, runtime: registry, log: log}
}

// ServeHTTP reads the engine's state under the scrape's own context.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	state, err := h.state.Overview(r.Context())
	if err != nil {
		problem.Answer(w, r, h.log, err)
		return
	}
	now := prometheus.NewRegistry()
	now.MustRegister(snapshot{state})
	w.Header().Set("Cache-Control", "no-store")
	promhttp.HandlerFor(prometheus.Gatherers{h.runtime, now}, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelError), ErrorHandling: promhttp.HTTPErrorOnError,
	}).ServeHTTP(w, r)
}
