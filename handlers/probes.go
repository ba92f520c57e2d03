package handlers

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"redrive/handlers/problem"
)

// readyWithin bounds how long a part may take to say that it is ready.
const readyWithin = 2 * time.Second

// Part is something the program cannot work without.
type Part struct {
	Name  string
	Ready func(context.Context) error
}

// Probes answer those who watch over the process: an orchestrator, a load
// balancer. They name parts and give no detail, because they ask nobody who he is.
type Probes struct {
	parts []Part
	log   *slog.Logger
}

// NewProbes returns the probes over the parts that make the program ready.
func NewProbes(log *slog.Logger, parts ...Part) *Probes { return &Probes{parts: parts, log: log} }

// Health answers GET /healthz: the process lives.
func (h *Probes) Health(w http.ResponseWriter, _ *http.Request) {
	writeProbe(w, map[string]any{"status": "ok"})
}

// Ready answers GET /readyz: every part answers.
func (h *Probes) Ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	missing := []string{}
	for _, part := range h.parts {
		if err := part.Ready(ctx); err != nil {
			missing = append(missing, part.Name)
			h.log.WarnContext(r.Context(), "not ready", "part", part.Name, "error", err)
		}
	}
	if len(missing) > 0 {
		problem.Write(w, r, problem.Problem{Status: http.StatusServiceUnavailable, Detail: "Not ready; the log says why.",
			RetryAfter: 5 * time.Second, Extra: map[string]any{"parts": missing}})
		return
	}
	writeProbe(w, map[string]any{"status": "ready"})
}

func writeProbe(w http.ResponseWriter, answer map[string]any) {
	body, _ := json.Marshal(answer)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body) //nolint:errcheck // a gone caller is no news
}
