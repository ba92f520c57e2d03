package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"redrive/handlers"
	"redrive/pipeline"
)

// pipes is a listener whose connections are pipes, so that a test with slow
// callers need not wait for them.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// dial returns the caller's end of a new connection.
func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// counted takes everything and counts it.
type counted struct{ rows atomic.Int64 }

func (c *counted) Submit(context.Context, string, pipeline.Message) (pipeline.Submitted, error) {
	c.rows.Add(1)
	return pipeline.Submitted{ID: "r1"}, nil
}

func (c *counted) SubmitBatch(_ context.Context, _ string, ms []pipeline.Message) ([]pipeline.SubmitResult, error) {
	c.rows.Add(int64(len(ms)))
	return make([]pipeline.SubmitResult, len(ms)), nil
}

// slowly runs a server on pipes inside a bubble in which minutes pass at once.
func slowly(t *testing.T, test func(*testing.T, *pipes, *counted)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, rows := config(t), &counted{}
		c.Ingest = handlers.NewIngest(map[string]handlers.Door{"github": {MaxBytes: 1 << 20}}, rows, c.Logger)
		l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := NewServer(handler(t, c), slog.New(slog.DiscardHandler))
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(l) }()
		test(t, l, rows)
		server.Close() //nolint:errcheck // its connections are closed all the same
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the server ended with %v", err)
		}
	})
}

// drip writes a byte at a time until the server has had enough, and returns what
// it said and how long that took.
func drip(conn net.Conn, text string, each time.Duration) (said string, took time.Duration) {
	began := time.Now()
	var answer bytes.Buffer
	done := make(chan time.Duration, 1)
	go func() {
		io.Copy(&answer, conn) //nolint:errcheck // ends with the connection
		done <- time.Since(began)
	}()
	for i := range len(text) {
		if _, err := conn.Write([]byte{text[i]}); err != nil {
			break
		}
		time.Sleep(each)
	}
	took = <-done
	conn.Close() //nolint:errcheck // closed by the server already
	return answer.String(), took
}

func TestSlowHeadersAreCut(t *testing.T) {
	slowly(t, func(t *testing.T, l *pipes, rows *counted) {
		for name, text := range map[string]string{
			"a header that never ends":     "POST /ingest/github HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1000),
			"a request line that does not": "POST /ingest/" + strings.Repeat("x", 1000),
			"line ends alone":              strings.Repeat("\r\n", 500),
		} {
			if _, took := drip(l.dial(), text, 100*time.Millisecond); took > 6*time.Second {
				t.Errorf("%s: cut after %s", name, took)
			}
		}
		if n := rows.rows.Load(); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestASilentConnectionIsCut(t *testing.T) {
	slowly(t, func(t *testing.T, l *pipes, _ *counted) {
		if _, took := drip(l.dial(), "", 0); took != 5*time.Second {
			t.Errorf("without a word: cut after %s", took)
		}
	})
}

func TestASlowBodyIsRefused(t *testing.T) {
	slowly(t, func(t *testing.T, l *pipes, rows *counted) {
		for name, head := range map[string]string{
			"announced": "Content-Length: 1000\r\n\r\n",
			"chunked":   "Transfer-Encoding: chunked\r\n\r\n3e8\r\n",
		} {
			conn := l.dial()
			io.WriteString(conn, "POST /ingest/github HTTP/1.1\r\nHost: localhost\r\n"+head) //nolint:errcheck // read at once
			said, took := drip(conn, strings.Repeat("x", 900), time.Second)
			if !strings.HasPrefix(said, "HTTP/1.1 408 ") || took < 59*time.Second || took > 70*time.Second {
				t.Errorf("%s: %.60q after %s", name, said, took)
			}
		}
		if n := rows.rows.Load(); n != 0 {
			t.Errorf("%d rows of bodies that never ended", n)
		}
	})
}

// A connection that is kept open between requests is closed some time later.
func TestAnIdleConnectionIsClosed(t *testing.T) {
	slowly(t, func(t *testing.T, l *pipes, rows *counted) {
		conn := l.dial()
		defer conn.Close() //nolint:errcheck // closed by the server already
		in := bufio.NewReader(conn)
		for range 2 {
			time.Sleep(4 * time.Second)
			io.WriteString(conn, "POST /ingest/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}") //nolint:errcheck // read at once
			answer, err := http.ReadResponse(in, nil)
			if err != nil || answer.StatusCode != http.StatusAccepted {
				t.Fatalf("%v, %v", answer, err)
			}
			io.Copy(io.Discard, answer.Body) //nolint:errcheck // of a known length
		}
		began := time.Now()
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(began); took != 2*time.Minute {
			t.Errorf("closed after %s", took)
		}
		if n := rows.rows.Load(); n != 2 {
			t.Errorf("%d rows", n)
		}
	})
}

// Five hundred callers that say nothing take no place from one that does.
func TestManySilentConnections(t *testing.T) {
	slowly(t, func(t *testing.T, l *pipes, rows *counted) {
		var silent []net.Conn
		for range 500 {
			conn := l.dial()
			go io.WriteString(conn, "POST /ingest/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx") //nolint:errcheck // may be cut
			silent = append(silent, conn)
		}
		synctest.Wait()
		conn := l.dial()
		io.WriteString(conn, "POST /ingest/github HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}") //nolint:errcheck // read at once
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != http.StatusAccepted {
			t.Errorf("%v, %v", answer, err)
		}
		conn.Close() //nolint:errcheck // read to the end
		for _, conn := range silent {
			conn.Close() //nolint:errcheck // of a caller that goes away
		}
		synctest.Wait()
		if n := rows.rows.Load(); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}
