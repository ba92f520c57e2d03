package web

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"redrive/handlers"
)

// conversation sends bytes as they are and returns all that comes back until the
// server closes.
func conversation(t *testing.T, addr, text string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()                                 //nolint:errcheck // read to the end
	conn.SetDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // never fails on TCP
	io.WriteString(conn, text)                         //nolint:errcheck // what was cut short shows in the answer
	conn.(*net.TCPConn).CloseWrite()                   //nolint:errcheck // may be closed already
	var said bytes.Buffer
	io.Copy(&said, conn) //nolint:errcheck // a reset ends it as well
	return said.String()
}

// A request whose end is in doubt is refused as a whole: what a proxy in front
// may take for its body is never answered as a second request, and nothing of it
// is stored.
func TestSmuggledRequests(t *testing.T) {
	t.Parallel()
	c, rows := config(t), &counted{}
	c.Ingest = handlers.NewIngest(map[string]handlers.Door{"github": {MaxBytes: 1000}}, rows, c.Logger)
	addr := serve(t, handler(t, c))
	const hidden = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	post := func(headers, body string) string {
		return "POST /ingest/github HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n\r\n" + body
	}
	for _, tt := range []struct{ name, request string }{
		{"both lengths, the chunks ending first", post("Content-Length: 60\r\nTransfer-Encoding: chunked", "0\r\n\r\n"+hidden)},
		{"both lengths, the other way round", post("Transfer-Encoding: chunked\r\nContent-Length: 4", "2b\r\n"+hidden+"\r\n0\r\n\r\n")},
		{"two lengths", post("Content-Length: 2\r\nContent-Length: 45", "{}"+hidden)},
		{"two lengths in one", post("Content-Length: 2, 45", "{}"+hidden)},
		{"a length with a sign", post("Content-Length: +2", "{}"+hidden)},
		{"a negative length", post("Content-Length: -2", "{}"+hidden)},
		{"a length that is none", post("Content-Length: 0x2", "{}"+hidden)},
		{"a length over all numbers", post("Content-Length: 99999999999999999999", "{}"+hidden)},
		{"a blank before the colon", post("Content-Length : 2", "{}"+hidden)},
		{"chunked twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"+hidden)},
		{"chunked, then something else", post("Transfer-Encoding: chunked, identity", "0\r\n\r\n"+hidden)},
		{"something like chunked", post("Transfer-Encoding: xchunked", "0\r\n\r\n"+hidden)},
		{"chunked behind a control character", post("Transfer-Encoding: \x0bchunked", "0\r\n\r\n"+hidden)},
		{"a compressed transfer", post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"+hidden)},
		{"a chunk over all numbers", post("Transfer-Encoding: chunked", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n"+hidden)},
		{"a negative chunk", post("Transfer-Encoding: chunked", "-1\r\n{}\r\n0\r\n\r\n"+hidden)},
		{"a chunk longer than it says", post("Transfer-Encoding: chunked", "1\r\n{}\r\n0\r\n\r\n"+hidden)},
		{"an endless chunk extension", post("Transfer-Encoding: chunked", "2;"+strings.Repeat("x", 64<<10)+"\r\n{}\r\n0\r\n\r\n"+hidden)},
		{"a line break in the path", "POST /ingest/github\r\nX: HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}" + hidden},
		{"a zero byte in a header", post("X: a\x00b\r\nContent-Length: 2", "{}"+hidden)},
		{"a version of its own", "POST /ingest/github HTTP/9.9\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}" + hidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			said := conversation(t, addr, tt.request)
			if n := strings.Count(said, "HTTP/1."); n != 1 || !strings.HasPrefix(said, "HTTP/1.1 4") && !strings.HasPrefix(said, "HTTP/1.1 5") {
				t.Errorf("%d answers: %.300s", n, said)
			}
			if n := rows.rows.Swap(0); n != 0 {
				t.Errorf("%d rows were stored", n)
			}
		})
	}
}

// What is plain is taken, also in pieces, and the next request is a request.
func TestPlainRequestsInARow(t *testing.T) {
	t.Parallel()
	c, rows := config(t), &counted{}
	c.Ingest = handlers.NewIngest(map[string]handlers.Door{"github": {MaxBytes: 1000}}, rows, c.Logger)
	addr := serve(t, handler(t, c))
	var all strings.Builder
	for _, body := range []string{"Content-Length: 2\r\n\r\n{}", "Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nTrailer: x\r\n\r\n"} {
		fmt.Fprintf(&all, "POST /ingest/github HTTP/1.1\r\nHost: localhost\r\n%s", body)
	}
	said := conversation(t, addr, all.String())
	if !strings.Contains(said, "Connection: close") {
		t.Error("after a body in chunks the connection stays open")
	}
	if taken, empty := strings.Count(said, "HTTP/1.1 202 "), strings.Count(said, "HTTP/1.1 400 "); taken != 2 || empty != 1 || rows.rows.Load() != 2 {
		t.Errorf("%d rows; %s", rows.rows.Load(), said)
	}
}
