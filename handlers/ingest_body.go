package handlers

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"redrive/handlers/peek"
	"redrive/handlers/problem"
	"redrive/pipeline"
)

// firstRead is the most that is set aside for a body before any of it has come:
// callers that announce much and send nothing cost little.
const firstRead = 64 << 10

// receive reads the raw body, at most limit bytes, and checks its signature.
func (h *Ingest) receive(w http.ResponseWriter, r *http.Request, door Door, limit int64, held *share) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(w, r, limit)
	}
	body, err := readBody(io.LimitReader(r.Body, limit+1), r.ContentLength, held)
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, tooLarge(w, r, limit)
	}
	if len(body) == 0 {
		return nil, problem.New(http.StatusBadRequest, "The body is empty; send the payload in it.")
	}
	if door.Verifier == nil {
		return body, nil
	}
	if err := door.Verifier.Verify(r.Header, body, time.Now()); err != nil {
		w.Header().Set("WWW-Authenticate", `Signature realm="ingest"`)
		return nil, notSigned(err)
	}
	return body, nil
}

// readBody reads to the end. One buffer of the announced size is enough for most
// bodies; the spare byte lets the reader see the end without growing it.
func readBody(r io.Reader, announced int64, held *share) ([]byte, error) {
	first := min(max(announced, 511)+1, firstRead)
	if err := held.more(first); err != nil {
		return nil, err
	}
	body := make([]byte, 0, first)
	for {
		if len(body) == cap(body) {
			if err := held.more(int64(len(body))); err != nil {
				return nil, err
			}
			body = append(make([]byte, 0, 2*len(body)), body...) // not more than is held
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the body: %w", err)
		}
	}
}

const (
	drainMost = 64 << 20 // of a body that is refused
	drainFor  = 5 * time.Second
)

// tooLarge refuses a body that is over the limit. Many senders look for the
// answer only once all is sent, and would take a connection that is closed on
// them for a fault worth another try; so some of the rest is read and forgotten.
// One that asks before it sends is told at once.
func tooLarge(w http.ResponseWriter, r *http.Request, limit int64) error {
	w.Header().Set("Connection", "close")
	asks := r.Header.Get("Expect") != "" && r.ContentLength > 0
	if !asks && r.ContentLength <= drainMost {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainFor))
		_, _ = io.CopyN(io.Discard, r.Body, drainMost)
	}
	return &pipeline.Error{Code: pipeline.CodeTooLarge, Text: fmt.Sprintf("The body is over the limit of %d bytes.", limit)}
}

// notSigned keeps the verifier's own sentence if it has one to show.
func notSigned(err error) error {
	if p := problem.Of(err); p.Status == http.StatusUnauthorized {
		return err
	}
	return &pipeline.Error{Code: pipeline.CodeUnsigned, Text: "The signature is missing or does not match the body.", Err: err}
}

// maxKey bounds an idempotency key, which is kept as long as its row.
const maxKey = 512

// of finds the idempotency key of one message.
func (k KeySource) of(h http.Header, payload []byte) (string, error) {
	switch {
	case k.Header != "":
		given := h.Values(k.Header)
		if len(given) > 1 {
			return "", problem.Invalid(k.Header, "The header "+k.Header+", this pipeline's idempotency key, is sent more than once.")
		}
		if len(given) == 0 || strings.TrimSpace(given[0]) == "" {
			return "", problem.Invalid(k.Header, "The header "+k.Header+", this pipeline's idempotency key, is missing.")
		}
		return fitKey(k.Header, strings.TrimSpace(given[0]))
	case len(k.Path) > 0:
		path := strings.Join(k.Path, ".")
		key, ok := peek.Text(payload, k.Path...)
		if !ok {
			return "", problem.Invalid(path, "The payload's field "+path+", this pipeline's idempotency key, is missing.")
		}
		return fitKey(path, key)
	}
	return "", nil
}

func fitKey(name, key string) (string, error) {
	if len(key) > maxKey || !utf8.ValidString(key) || strings.ContainsRune(key, 0) {
		return "", problem.Invalid(name, fmt.Sprintf("%s, this pipeline's idempotency key, must be text of at most %d bytes.", name, maxKey))
	}
	return key, nil
}
