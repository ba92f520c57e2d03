package demo

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// The downstream's troubles. An outage begins shortly after the start, so that
// a breaker trips while somebody watches.
const (
	outageFirst = 5 * time.Second
	outageFor   = 14 * time.Second
	outageEvery = 90 * time.Second
	mailboxLost = 12 // one in so many recipients does not exist at the first try
	mailboxGone = 36 // one in so many never does
)

// Downstream is the flaky receiver of the sample pipeline's steps.
type Downstream struct {
	started time.Time
}

// NewDownstream starts its clock now.
func NewDownstream() *Downstream { return &Downstream{started: time.Now()} }

// Handler serves one address a step.
func (d *Downstream) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /validate", d.validate)
	mux.HandleFunc("POST /index", d.index)
	mux.HandleFunc("POST /notify", d.notify)
	mux.HandleFunc("POST /archive", d.archive)
	return mux
}

func (d *Downstream) validate(w http.ResponseWriter, r *http.Request) {
	if !json.Valid(body(r)) {
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error": "not JSON"})
		return
	}
	think(r, 10, 40)
	if rand.IntN(60) == 0 {
		answer(w, http.StatusInternalServerError, map[string]any{"error": "worker restarted"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"valid": true})
}

// index is down now and then, as search services are.
func (d *Downstream) index(w http.ResponseWriter, r *http.Request) {
	size := len(body(r))
	if d.down() {
		think(r, 30, 120)
		answer(w, http.StatusServiceUnavailable, map[string]any{"error": "no shard available"})
		return
	}
	think(r, 30, 160)
	answer(w, http.StatusOK, map[string]any{"indexed": true, "bytes": size})
}

func (d *Downstream) down() bool {
	since := time.Since(d.started) - outageFirst
	return since >= 0 && since%outageEvery < outageFor
}

// notify sends mail: some recipients do not exist, and some exist only once
// somebody has mended them, which is when a redrive helps.
func (d *Downstream) notify(w http.ResponseWriter, r *http.Request) {
	body(r)
	think(r, 60, 380)
	row := r.Header.Get("Redrive-Row")
	attempt, _ := strconv.Atoi(r.Header.Get("Redrive-Attempt"))
	switch n := number(row); {
	case n%mailboxGone == 0, n%mailboxLost == 0 && attempt == 1:
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error": fmt.Sprintf("550 mailbox unavailable: user%d@example.com", n%1000)})
	case rand.IntN(25) == 0:
		w.Header().Set("Retry-After", "2")
		answer(w, http.StatusTooManyRequests, map[string]any{"error": "slow down"})
	case rand.IntN(12) == 0:
		answer(w, http.StatusBadGateway, map[string]any{"error": "mail relay did not answer"})
	default:
		answer(w, http.StatusAccepted, map[string]any{"queued": true, "message": row})
	}
}

func (d *Downstream) archive(w http.ResponseWriter, r *http.Request) {
	body(r)
	think(r, 10, 60)
	w.WriteHeader(http.StatusNoContent)
}

func body(r *http.Request) []byte {
	b, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	return b
}

// think takes a while, in milliseconds, as a real service does.
func think(r *http.Request, from, to int) {
	t := time.NewTimer(time.Duration(from+rand.IntN(to-from)) * time.Millisecond)
	defer t.Stop()
	select {
	case <-r.Context().Done():
	case <-t.C:
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the caller may be gone
}

func number(s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s)) //nolint:errcheck // never fails
	return h.Sum32()
}
