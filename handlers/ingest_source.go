package handlers

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"redrive/handlers/peek"
	"redrive/pipeline"
)

// Arrival is a message that came by a queue: nobody waits for an answer.
type Arrival struct {
	ID         string // of the message
	Key        string // value of the attribute that holds the idempotency key; empty: not there
	Attributes http.Header
	Body       []byte
}

// keptMost is how much is kept of a payload that is larger than its pipeline
// takes: enough to see what it was.
const keptMost = 64 << 10

// FromQueue makes a message of an arrival by the rules of the pipeline's door,
// but for the signature, which does not reach a queue. Without the key that the
// door asks for, the message's own id is the key. What is too large cannot be
// refused any more: it is kept as rejected.
func (d Door) FromQueue(a Arrival) pipeline.Message {
	m := pipeline.Message{Payload: a.Body, ContentType: a.Attributes.Get("Content-Type"), Key: a.Key, Trace: traceparent(a.Attributes),
		Label: arrivalLabel(a)}
	if _, _, err := mime.ParseMediaType(m.ContentType); err != nil || len(m.ContentType) > maxContentType ||
		!utf8.ValidString(m.ContentType) || strings.ContainsFunc(m.ContentType, unicode.IsControl) {
		m.ContentType = guessType(a.Body)
	}
	if len(d.Key.Path) > 0 {
		if key, err := d.Key.of(nil, a.Body); err == nil {
			m.Key = key
		}
	}
	if m.Key == "" {
		m.Key = a.ID
	}
	if _, err := fitKey("the idempotency key", m.Key); err != nil {
		m.Key = a.ID
	}
	if d.MaxBytes > 0 && int64(len(a.Body)) > d.MaxBytes {
		m.Rejected = fmt.Sprintf("the payload has %d bytes, the pipeline takes at most %d; only its beginning is kept", len(a.Body), d.MaxBytes)
		m.Payload = a.Body[:min(len(a.Body), keptMost, int(d.MaxBytes))]
	}
	return m
}

// arrivalLabel also knows what EventBridge calls an event.
func arrivalLabel(a Arrival) string {
	if event, ok := peek.String(a.Body, "detail-type"); ok {
		return cleanLabel(event)
	}
	return eventLabel(a.Attributes, a.Body)
}

func guessType(body []byte) string {
	switch {
	case json.Valid(body):
		return "application/json"
	case utf8.Valid(body):
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}
