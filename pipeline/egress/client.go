package egress

import (
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	headerBytes = 64 << 10
	shakeFor    = 15 * time.Second // a TLS handshake
	idleFor     = 90 * time.Second
)

// Transport makes calls through the guard, with up to so many connections kept to
// each host. It uses no proxy of the environment and follows no redirect.
func (g *Guard) Transport(connections int) *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // the environment has no say
		DialContext:            g.DialContext,
		DisableCompression:     true, // an answer is as long as it says
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    shakeFor,
		MaxIdleConnsPerHost:    connections,
		MaxResponseHeaderBytes: headerBytes,
		IdleConnTimeout:        idleFor,
	}
}

// Client makes whole calls through the guard within timeout: it hands redirects
// over as answers, and breaks off an answer that is longer than most bytes.
func (g *Guard) Client(timeout time.Duration, most int64) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		Transport:     bounded{g.Transport(1), most},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ErrTooLong is the error of an answer that a Client broke off.
var ErrTooLong = errors.New("the answer is too long")

type bounded struct {
	*http.Transport
	most int64
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.Transport.RoundTrip(r)
	if err == nil {
		resp.Body = &boundedBody{resp.Body, b.most}
	}
	return resp, err
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLong
	}
	if int64(len(p)) > b.left+1 { // one more tells a whole answer from a longer one
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLong
	}
	return n, err
}
