package awstest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Server is what a proxy and a fake have in common: it does the harm that a test
// asks for (Inject, SetDown), and counts every request that reaches it, those it
// harms included.
type Server struct {
	URL string

	http   *httptest.Server
	name   func(c *Call) // finds the service and the action of a call
	answer Handle

	mu     sync.Mutex
	down   bool
	faults []*Injected
	calls  calls
}

// serve starts a server that ends with the test.
func serve(t testing.TB, name func(*Call), answer Handle) *Server {
	t.Helper()
	s := &Server{name: name, answer: answer}
	s.http = httptest.NewServer(s)
	s.URL = s.http.URL
	t.Cleanup(func() {
		s.http.CloseClientConnections() // a long poll does not hold up the end of a test
		s.http.Close()
	})
	return s
}

// SetDown puts the service out of reach, and in reach again. What is under way
// is cut; whether the service did it nobody knows.
func (s *Server) SetDown(down bool) {
	s.mu.Lock()
	s.down = down
	s.mu.Unlock()
	if down {
		s.http.CloseClientConnections()
	}
}

// ServeHTTP is for the SDK's client.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		hangUp(w)
		return
	}
	c := &Call{Header: r.Header.Clone(), Body: body, ctx: r.Context(), host: r.Host, path: r.URL.Path}
	s.name(c)
	a := s.accept(c)(c)
	if a == nil {
		hangUp(w)
		return
	}
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(a.Body)))
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}

// accept counts a call and finds what is to be done about it.
func (s *Server) accept(c *Call) Handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls.add(c)
	if s.down {
		return Cut()(s.answer)
	}
	handle := s.answer
	for _, f := range s.faults {
		if f.strikes(c) {
			handle = f.fault.Do(handle)
		}
	}
	return handle
}

// hangUp cuts the caller's connection with a reset, as a network does.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
