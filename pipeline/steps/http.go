package steps

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"redrive/pipeline/egress"
)

// MaxBody is how much of an answer is kept. A little more is read and dropped, so that the
// connection can be used again.
const (
	MaxBody  = 32 << 10
	maxDrain = 64 << 10
)

// HTTP calls one URL. It is safe for concurrent use; it does not limit how many calls run
// at once.
type HTTP struct {
	Downstream
	base      *http.Request // what all calls have in common
	headers   http.Header   // configured, shared by all calls and never changed
	transport *http.Transport
	buffers   sync.Pool // *[MaxBody]byte
}

// NewHTTP checks the configuration; its error is a sentence for the person who wrote it.
func NewHTTP(cfg HTTPConfig) (*HTTP, error) {
	u, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	headers, host, err := parseHeaders(cfg.Headers)
	if err != nil {
		return nil, err
	}
	downstream, err := NewDownstream(u.Host, cfg.Timeout, cfg.Permanent)
	if err != nil {
		return nil, err
	}
	downstream.hide = newHider(headers, u.Query())
	return &HTTP{
		Downstream: downstream,
		base: &http.Request{
			Method: http.MethodPost, URL: u, Host: host,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		},
		headers:   headers,
		transport: egress.New(u.Hostname()).Transport(max(cfg.Concurrency, minIdleConns)),
		buffers:   sync.Pool{New: func() any { return new([MaxBody]byte) }},
	}, nil
}

// Close closes the connections that no call uses.
func (h *HTTP) Close() { h.transport.CloseIdleConnections() }

// Call makes one attempt. It returns within the step's timeout, or as soon as ctx ends.
func (h *HTTP) Call(ctx context.Context, r Request) Verdict {
	timed, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	req, err := h.build(timed, r)
	if err != nil {
		return Verdict{Kind: Permanent, ErrorKind: KindRequest, Error: "no call made: " + err.Error()}
	}
	resp, err := h.transport.RoundTrip(req) // no client: it would follow redirects
	if err != nil {
		return h.Broken(ctx, timed, err, "no answer")
	}
	defer resp.Body.Close()
	buffer := h.buffers.Get().(*[MaxBody]byte)
	defer h.buffers.Put(buffer)
	n, err := read(resp, buffer[:])
	if err != nil && success(resp.StatusCode) {
		return h.Broken(ctx, timed, err, "no complete answer")
	}
	verdict := h.Judge(Response{StatusCode: resp.StatusCode, Body: buffer[:n], Header: resp.Header}, time.Now())
	verdict.Result = slices.Clone(verdict.Result) // the buffer goes back to the pool
	return verdict
}

// read fills the buffer and drops a bounded rest. A rest that breaks off or is too long
// is no error: what is kept is complete. What follows a 101 is not an answer.
func read(resp *http.Response, buffer []byte) (int, error) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return 0, nil
	}
	for n := 0; ; {
		read, err := resp.Body.Read(buffer[n:])
		n += read
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		case n == len(buffer):
			if resp.ContentLength <= MaxBody+maxDrain { // or unknown
				_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
			}
			return n, nil
		}
	}
}

func success(status int) bool { return status >= 200 && status <= 299 }
