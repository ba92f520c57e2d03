package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"redrive/pipeline/access"
	"redrive/web"
)

// wire sends bytes as they are and reads the first answer.
func (p *testProgram) wire(request string) answer {
	p.t.Helper()
	return p.wireFrom("127.0.0.1", request)
}

// wireFrom does so from another address of this machine, as a proxy would.
func (p *testProgram) wireFrom(address, request string) answer {
	p.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	conn, err := d.DialContext(p.t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	line, _, _ := strings.Cut(request, "\r\n")
	if _, err := io.WriteString(conn, request); err != nil {
		p.t.Fatal(err)
	}
	method, _, _ := strings.Cut(line, " ")
	if method == http.MethodConnect {
		method = http.MethodGet // so that the answer's body is read
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		p.t.Fatalf("%q: %v", line, err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return answer{t: p.t, call: line, status: res.StatusCode, header: res.Header, body: body}
}

// A name that is not ours is not answered for, however it is sent; and no header
// of a stranger turns up in a link.
func hostsAreOurs(t *testing.T, f *furnished) {
	cookie := "Cookie: " + f.as(access.Admin).headers[1] + "\r\n"
	here := strings.TrimPrefix(f.url, "http://")
	n := 0
	for _, tt := range []struct {
		request string // but for the cookie and the empty line
		want    int
	}{
		{"GET / HTTP/1.1\r\nHost: evil.example\r\n", 421},
		{"GET /api/v1/rows HTTP/1.1\r\nHost: evil.example:8080\r\n", 421},
		{"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n", 421},
		{"POST /ingest/github HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n", 421},
		{"GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n", 421}, // a name that leads to 127.0.0.1
		{"GET / HTTP/1.1\r\nHost: localhost.evil.example\r\n", 421},
		{"GET / HTTP/1.1\r\nHost: localhost.\r\n", 421},
		{"GET / HTTP/1.1\r\nHost: 10.0.0.1\r\n", 421},
		{"GET / HTTP/1.1\r\nHost: 0.0.0.0\r\n", 421},
		{"GET / HTTP/1.1\r\nHost: 0x7f.1\r\n", 421},
		{"GET / HTTP/1.1\r\nHost: 2130706433\r\n", 421},
		{"GET / HTTP/1.1\r\nHost: 127.0.0.1:80:80\r\n", 421},
		{"GET / HTTP/1.1\r\nHost: 127.0.0.1@evil.example\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: evil.example#127.0.0.1\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: 127.0.0.1 evil.example\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: \r\n", 421},
		{"GET / HTTP/1.0\r\n", 421},
		{"GET / HTTP/1.1\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: " + here + "\r\nHost: evil.example\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: " + here + "\r\nHost: " + here + "\r\n", 400},
		{"GET http://evil.example/ HTTP/1.1\r\nHost: " + here + "\r\n", 421},
		{"GET http://" + here + "@evil.example/ HTTP/1.1\r\nHost: " + here + "\r\n", 421},
		{"GET https://evil.example/rows HTTP/1.1\r\nHost: " + here + "\r\n", 421},
		{"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n", 421},
		{"CONNECT " + here + " HTTP/1.1\r\nHost: " + here + "\r\n", 404},
		{"OPTIONS * HTTP/1.1\r\nHost: " + here + "\r\n", 404},
		{"TRACE / HTTP/1.1\r\nHost: " + here + "\r\nX-Canary: reflected\r\n", 405},
		{"GET / HTTP/1.1\r\nHost: LOCALHOST:1\r\n", 200},
		{"GET http://" + here + "/start HTTP/1.1\r\nHost: evil.example\r\n", 200}, // the address in the first line is the one that counts
	} {
		a := f.wire(tt.request + cookie + "Connection: close\r\n\r\n")
		if n++; a.status != tt.want && (tt.want != 404 || a.status/100 != 4) {
			t.Errorf("%q answered %d, want %d", tt.request, a.status, tt.want)
		}
		if a.status < 300 && bytes.Contains(a.body, []byte("evil.example")) || bytes.Contains(a.body, []byte("reflected")) {
			t.Errorf("%q: the answer repeats the stranger's word", tt.request)
		}
	}
	for _, header := range []string{"X-Forwarded-Host: evil.example", "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "Forwarded: host=evil.example;proto=https",
		"X-Original-URL: /audit", "X-Rewrite-URL: /audit", "X-Host: evil.example", "X-Forwarded-Prefix: /evil", "X-Http-Method-Override: DELETE"} {
		for _, path := range []string{"/start", "/rows", "/login?next=/rows"} {
			plain := f.wire("GET " + path + " HTTP/1.1\r\nHost: " + here + "\r\n" + cookie + "Connection: close\r\n\r\n")
			a := f.wire("GET " + path + " HTTP/1.1\r\nHost: " + here + "\r\n" + cookie + header + "\r\nConnection: close\r\n\r\n")
			if n++; a.status != plain.status || a.header.Get("Location") != plain.header.Get("Location") || bytes.Contains(a.body, []byte("evil")) ||
				bytes.Contains(a.body, []byte("https://")) != bytes.Contains(plain.body, []byte("https://")) || a.header.Get("Strict-Transport-Security") != "" {
				t.Errorf("%s with %s: %d to %q, %d to %q without", path, header, a.status, a.header.Get("Location"), plain.status, plain.header.Get("Location"))
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d requests", n)
	}
}

// foreign are the ways in which a page of another site can ask, and every header
// by which an old framework would take one method for another.
func foreign() [][]string {
	return [][]string{
		{"Origin", "null"},
		{"Origin", "https://evil.example"},
		{"Origin", "http://127.0.0.1"},
		{"Origin", "http://console.127.0.0.1"},
		{"Origin", ""},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Sec-Fetch-Site", "none of these"},
		{"Sec-Fetch-Site", "cross-site", "Origin", "THERE"},
		{"Sec-Fetch-Site", "same-site", "Referer", "THERE/rows"},
	}
}

// Every change times every way of another site's page to ask for it: refused,
// and the store is to the last cell as it was.
func changesFromElsewhere(t *testing.T, f *furnished) {
	admin, before := f.as(access.Admin), f.digests()
	n, wrong := 0, 0
	for _, r := range routesOf(t) {
		if r.Method == http.MethodGet || strings.HasPrefix(r.Pattern, "/ingest/") {
			continue
		}
		path := f.at(r.Pattern)
		for _, pairs := range foreign() {
			headers := []string{"Content-Type", "application/x-www-form-urlencoded"}
			if strings.HasPrefix(path, "/api/") {
				headers[1] = "application/json"
			}
			for _, text := range pairs {
				headers = append(headers, strings.ReplaceAll(text, "THERE", f.url))
			}
			if len(pairs) == 2 && pairs[0] == "Origin" && pairs[1] == "" {
				continue // no origin at all is no browser
			}
			a := f.asks(admin, r.Method, path, deedOf(r), headers...)
			if n++; a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" {
				wrong++
				t.Errorf("%s %s with %q answered %d", r.Method, path, pairs, a.status)
			}
		}
	}
	if changed := f.changes(before); changed != "" || wrong > 0 || n < 400 {
		t.Errorf("%d changes asked for from elsewhere, %d let through; the store is not as it was: %s", n, wrong, changed)
	}
	f.asks(admin, http.MethodPost, "/steps/github/archive", "reason=mine&do=limits&rate=7", "Content-Type", "application/x-www-form-urlencoded", "Origin", f.url).want(http.StatusSeeOther)
	if f.changes(before) == "" {
		t.Error("the console's own change does not show in the store either")
	}
}

// deedOf is a body with which a route would do something.
func deedOf(r web.Route) string {
	if strings.HasPrefix(r.Pattern, "/api/") {
		return `{"reason": "forged"}`
	}
	return "reason=forged&do=limits&rate=3&all=true&pipeline=github&step=github/archive&latency=1s&state=open&for=1h&paused=true"
}

// What a form of another site can send as if it were JSON, and every word for
// another method.
func disguises(t *testing.T, f *furnished) {
	admin, before := f.as(access.Admin), f.digests()
	n := 0
	for _, r := range routesOf(t) {
		path := f.at(r.Pattern)
		switch {
		case strings.HasPrefix(r.Pattern, "/api/") && r.Method != http.MethodGet:
			for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json, text/plain", ""} {
				a := f.asks(admin, r.Method, path, `{"reason": "forged"}`, "Content-Type", kind)
				if n++; a.status != http.StatusUnsupportedMediaType && !strings.Contains(string(a.body), "not supported yet") {
					t.Errorf("%s %s as %q answered %d", r.Method, path, kind, a.status)
				}
			}
		case r.Method == http.MethodGet && r.Pattern != "/events" && r.Need != access.Nobody:
			for i, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
				header := []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"}[(n+i)%3]
				if n++; f.asks(admin, http.MethodGet, path, "", header, method).status >= http.StatusInternalServerError {
					t.Errorf("%s with %s: %s broke", path, header, method)
				}
			}
			for _, field := range []string{"_method=DELETE", "_method=POST&reason=forged&all=true", "confirm_password=x"} {
				if n++; f.asks(admin, http.MethodGet, path+"?"+field, "").status >= http.StatusInternalServerError {
					t.Errorf("%s?%s broke", path, field)
				}
			}
		}
	}
	if changed := f.changes(before, "audit"); changed != "" || n < 300 {
		t.Errorf("after %d disguised requests the store is not as it was: %s", n, changed)
	}
}

// noted are the readings that the audit tells of, and nothing else does.
var noted = []string{"rows.export", "letters.export", "audit.export", "row.payload", "dead_letters.export"}

// Reading changes nothing: an image, a prefetch or a crawler may ask for every
// address there is.
func readingHasNoEffect(t *testing.T, f *furnished) {
	before, n := f.digests(), 0
	had := map[string]bool{}
	for _, e := range f.entries("") {
		had[string(e.Detail)+e.Action+e.Object+e.At.String()] = true
	}
	for _, c := range []guest{f.guests[0], f.as(access.Viewer), f.as(access.Admin)} {
		for _, r := range routesOf(t) {
			if r.Method != http.MethodGet {
				continue
			}
			f.look(c, []string{http.MethodGet, http.MethodGet, http.MethodHead}[n%3], f.at(r.Pattern))
			n++
		}
	}
	if changed := f.changes(before, "audit"); changed != "" || n < 150 {
		t.Errorf("%d readings changed the store: %s", n, changed)
	}
	for _, e := range f.entries("") {
		if !had[string(e.Detail)+e.Action+e.Object+e.At.String()] && !strings.Contains(strings.Join(noted, " "), e.Action) {
			t.Errorf("a reading is in the audit as %s of %s", e.Action, e.Object)
		}
	}
}
