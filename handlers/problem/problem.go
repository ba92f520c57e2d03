// Package problem turns errors into what a caller is told: a status, a sentence
// a person can act on and the request's id. The API writes it as RFC 9457
// problem+json; pages show the same sentence in HTML.
package problem

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter is the wait callers are asked for while the store is away.
const retryAfter = 5 * time.Second

// Problem is one failed request as its caller sees it.
type Problem struct {
	Status     int
	Detail     string        // one sentence; never a cause, a path or a stack
	Field      string        // the field or parameter at fault; empty if none
	RetryAfter time.Duration // 0: say nothing
	Extra      map[string]any
	Hidden     error // cause that only the log may show; nil if the caller is told everything
}

// Title is the status in words.
func (p Problem) Title() string {
	if p.Status == StatusClientGone {
		return "Client Closed Request"
	}
	return http.StatusText(p.Status)
}

// Write answers with the problem as problem+json. Headers set before stay.
func Write(w http.ResponseWriter, r *http.Request, p Problem) {
	id := RequestID(r.Context())
	members := map[string]any{
		"type":       "about:blank",
		"title":      p.Title(),
		"status":     p.Status,
		"detail":     p.Detail,
		"instance":   id,
		"request_id": id,
		"field":      nil,
	}
	if p.Field != "" {
		members["field"] = p.Field
	}
	maps.Copy(members, p.Extra)
	body, err := json.Marshal(members)
	if err != nil {
		body = []byte(`{"type":"about:blank","status":500,"detail":"Internal error."}`)
		p.Status = http.StatusInternalServerError
	}
	SetRetryAfter(w, p)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Del("Content-Encoding")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(p.Status)
	w.Write(append(body, '\n')) //nolint:errcheck // a gone caller is no news
}

// SetRetryAfter sets the header if the problem passes by itself. Pages call it
// before they write the status.
func SetRetryAfter(w http.ResponseWriter, p Problem) {
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(p.RetryAfter.Seconds())))
	}
}

// Quote makes a caller's own word fit to be repeated in a sentence: quoted,
// control characters escaped, cut after 64 characters.
func Quote(word string) string {
	if runes := []rune(word); len(runes) > 64 {
		word = string(runes[:64]) + "…"
	}
	return strconv.Quote(strings.ToValidUTF8(word, "�"))
}
