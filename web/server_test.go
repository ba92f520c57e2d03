package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"redrive/handlers"
)

func tcpAddr(text string) net.Addr {
	addr, err := net.ResolveTCPAddr("tcp", text)
	if err != nil {
		panic(err)
	}
	return addr
}

// serve runs a real server on a free port and returns its address.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(h, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		<-ended
	})
	return l.Addr().String()
}

// raw sends bytes as they are and returns the status line.
func raw(t *testing.T, addr, request string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprint(conn, request)
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line)
}

func TestRawRequests(t *testing.T) {
	t.Parallel()
	addr := serve(t, handler(t, config(t)))
	for _, tt := range []struct{ name, request, want string }{
		{"a plain one", "GET /healthz HTTP/1.1\r\nHost: " + addr + "\r\n\r\n", "200"},
		{"port 0 is asked for by the port it got", "GET /api/v1/openapi.json HTTP/1.1\r\nHost: " + addr + "\r\n\r\n", "200"},
		{"two hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", "400"},
		{"another host in the request line", "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "421"},
		{"no host", "GET /rows HTTP/1.0\r\n\r\n", "421"},
		{"options of everything", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
		{"trace", "TRACE /rows HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"},
		{"headers over 16 kB", "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 17<<10) + "\r\n\r\n", "431"},
		{"both lengths", "POST /ingest/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		{"a body over the limit, announced", "POST /ingest/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n", "413"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := raw(t, addr, tt.request); !strings.Contains(got, " "+tt.want) {
				t.Errorf("answered %q, want %s", got, tt.want)
			}
		})
	}
}

// The stream reaches a real connection at once, and ends with the server.
func TestEventsEndWithTheServer(t *testing.T) {
	t.Parallel()
	c := config(t)
	running, stop := context.WithCancel(t.Context())
	defer stop()
	c.Live = handlers.NewLive(running, quiet{})
	addr := serve(t, handler(t, c))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	first, err := bufio.NewReader(answer.Body).ReadString('\n')
	if err != nil || first != "retry: 2000\n" || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("first line %q, %v, headers %v", first, err, answer.Header)
	}
	stop()
	if _, err := io.ReadAll(answer.Body); err != nil {
		t.Errorf("the stream did not end well: %v", err)
	}
}
