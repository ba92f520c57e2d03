package handlers_test

import (
	"net/http"
	"testing"

	"redrive/handlers"
)

// What others put on a queue brings no headers into the calls of steps.
func TestASourceMessageBringsNoHeaders(t *testing.T) {
	for _, kind := range []string{"text/plain\r\nX-Admin: yes", "text/plain\r\n", "text/plain; a=\"\x01\"", "text/plain\x00"} {
		m := handlers.Door{}.FromQueue(handlers.Arrival{ID: "m", Attributes: http.Header{"Content-Type": {kind}, "Traceparent": {"00-x\r\nX-Admin: yes"}}, Body: []byte(`{"a":1}`)})
		if m.ContentType != "application/json" || m.Trace != "" {
			t.Errorf("%q became %q, trace %q", kind, m.ContentType, m.Trace)
		}
	}
}
