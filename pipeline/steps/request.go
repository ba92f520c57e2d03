package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// body is the payload as the transport reads it, in one allocation. The transport cannot
// rewind it, and so does not silently repeat a request with an Idempotency-Key when a
// kept connection breaks.
type body struct{ bytes.Reader }

func (*body) Close() error { return nil }

// build makes the request of one attempt. It fails when something of the row is no valid
// header.
func (h *HTTP) build(ctx context.Context, r Request) (*http.Request, error) {
	req := h.base.WithContext(ctx)
	req.Header = make(http.Header, len(h.headers)+len(r.Headers)+7)
	for name, value := range r.Headers {
		key := http.CanonicalHeaderKey(name)
		if !validName(name) || !validValue(value) {
			return nil, fmt.Errorf("the row's header %q is not valid", name)
		}
		if !fixed(key) {
			req.Header[key] = []string{value}
		}
	}
	values := [...]string{
		r.Row + "/" + r.Step, r.Row, r.Pipeline, r.Step, strconv.Itoa(r.Attempt), r.Traceparent(), r.ContentType,
	}
	names := [...]string{
		"Idempotency-Key", "Redrive-Row", "Redrive-Pipeline", "Redrive-Step", "Redrive-Attempt", "traceparent", "Content-Type",
	}
	if len(r.Payload) == 0 {
		// Without a body there is nothing to rewind: only a spelling that the transport
		// does not look for, and that is the same header to everybody else, stops it.
		names[0] = "idempotency-key"
	}
	for i, name := range names {
		if !validValue(values[i]) {
			return nil, errors.New("the value of " + name + " has a control character in it")
		}
		if values[i] != "" {
			req.Header[name] = values[i : i+1 : i+1]
		}
	}
	for key, value := range h.headers { // last, so that nothing of the row replaces them
		req.Header[key] = value
	}
	if len(r.Payload) > 0 {
		payload := new(body)
		payload.Reset(r.Payload)
		req.Body, req.ContentLength = payload, int64(len(r.Payload))
	}
	return req, nil
}

// fixed reports whether a row can never set a header: what the step sets, where the call
// goes and who it is made for are the operator's.
func fixed(canonical string) bool {
	switch canonical {
	case "Authorization", "Proxy-Authorization", "Cookie", "Host", "Content-Type":
		return true
	default:
		return reserved(canonical)
	}
}
