package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"redrive/pipeline/access"
)

const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// sealed checks what every answer must have with it, whatever it is: a page, an
// error, a stream, a file, a download.
func (a answer) sealed(signedIn bool) {
	a.t.Helper()
	for name, want := range map[string]string{"Content-Security-Policy": contentPolicy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY"} {
		if got := a.header.Values(name); len(got) != 1 || got[0] != want {
			a.t.Errorf("%s, %d: %s is %q", a.call, a.status, name, got)
		}
	}
	if a.header.Get("Permissions-Policy") == "" || a.header.Get("X-Request-Id") == "" {
		a.t.Errorf("%s, %d: no Permissions-Policy or request id", a.call, a.status)
	}
	kept := a.header.Get("Cache-Control")
	static := strings.Contains(a.call, "/static/") && a.status == http.StatusOK
	if static != strings.Contains(kept, "immutable") || !static && signedIn && !strings.Contains(kept, "no-store") || !static && !strings.Contains(kept, "no-store") && kept != "private, no-cache" {
		a.t.Errorf("%s, %d: Cache-Control is %q", a.call, a.status, kept)
	}
	for _, name := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"} {
		if got := a.header.Get(name); got != "" {
			a.t.Errorf("%s, %d: %s: %s", a.call, a.status, name, got)
		}
	}
	if kind := a.header.Get("Content-Type"); len(a.body) > 0 && kind == "" || strings.Contains(kind, "text/html") && !strings.Contains(kind, "charset=utf-8") {
		a.t.Errorf("%s, %d: Content-Type is %q", a.call, a.status, kind)
	}
}

// An id in the query never counts for the one in the path.
func pathsNameThings(t *testing.T, f *furnished) {
	admin, other, n := f.as(access.Admin), "x1", 0
	for _, r := range routesOf(t) {
		if r.Method != http.MethodGet || !strings.Contains(r.Pattern, "{") || strings.HasPrefix(r.Pattern, "/api/") {
			continue
		}
		plain := f.look(admin, r.Method, f.at(r.Pattern))
		for _, query := range []string{"?id=" + other, "?name=" + other, "?pipeline=" + other + "&step=" + other, "?id=" + f.row + "&{id}=" + other, ";id=" + other} {
			a := f.look(admin, r.Method, f.at(r.Pattern)+query)
			if n++; strings.HasPrefix(query, ";") {
				if a.status != http.StatusNotFound && !strings.HasSuffix(r.Pattern, "{step}") && a.status < 400 {
					t.Errorf("%s%s answered %d", r.Pattern, query, a.status)
				}
				continue
			}
			if a.status != plain.status && a.status != http.StatusBadRequest {
				t.Errorf("%s%s answered %d, %d without", r.Pattern, query, a.status, plain.status)
			}
		}
		missing := strings.NewReplacer("{id}", "x1", "{name}", "x1", "{pipeline}", "x1", "{step}", "x1").Replace(r.Pattern)
		if a := f.look(admin, r.Method, missing+"?id="+f.row+"&name=shop&pipeline=github&step=notify"); a.status != http.StatusNotFound {
			t.Errorf("%s with real names in the query answered %d", missing, a.status)
		}
	}
	if n < 50 {
		t.Errorf("only %d requests", n)
	}
}

// A path is taken as it was sent: nothing in it is put right, and nothing turns
// into a way around the door.
func pathsAreTakenAsSent(t *testing.T, f *furnished) {
	n := 0
	for _, c := range []guest{{}, f.as(access.Viewer), f.as(access.Admin)} {
		header := ""
		if len(c.headers) > 0 {
			header = c.headers[0] + ": " + c.headers[1] + "\r\n"
		}
		for _, path := range []string{
			"/admin%2f..%2f", "/admin%2f..%2frows", "//rows", "//evil.example/rows", "/rows//", "/rows/", "/./rows", "/rows/../rows", "/nowhere/../rows", "/..;/rows", "/rows;x=y", "/rows;/x",
			"/%72ows/", "/rows%2f", "/%2frows", "/rows%00", "/rows%20", "/rows%0a", "/rows.", "/rows..", "/ROWS", "/api//v1/rows", "/api/v1//rows", "/api/v1/rows/", "/api%2fv1%2frows", "/api/v1/%2e%2e/v1/rows",
			"/API/v1/rows", "/api/v1/rows;a=b", "/api/v1/rows%3flimit=1", "/static/../rows", "/static/..%2frows", "/static/%2e%2e/rows", "/static//etc/passwd", "/static/....//rows",
			"/static/..\\..\\rows", "/ingest/../rows", "/ingest/..%2f..%2frows", "/ingest/github/../../rows", "/healthz/../rows", "/healthz/..;/rows", "/metrics/../metrics", "/metrics/", "/metrics%2f", "//metrics", "/metrics;x",
			"/debug/pprof/", "/debug/vars", "/.git/config", "/.env", "/actuator/health", "/server-status", "/api/v1", "/api/v2/rows", "/login/..%2frows", "/login/../rows",
		} {
			a := f.wire("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + header + "Connection: close\r\n\r\n")
			if n++; a.status != http.StatusNotFound && a.status != http.StatusBadRequest && (a.status != http.StatusMethodNotAllowed || !strings.HasPrefix(path, "/ingest/")) || a.header.Get("Location") != "" || strings.Contains(string(a.body), errorCanary) {
				t.Errorf("%s as %s: %d to %q", path, c.name, a.status, a.header.Get("Location"))
			}
			a.sealed(false)
		}
	}
	if n < 150 {
		t.Errorf("only %d requests", n)
	}
}

// Cursors and ids that nobody answered, and searches made to take long or to mean
// more than text: each is a 400 or a 404, or finds nothing, and soon.
func madeUp(t *testing.T, f *furnished) {
	admin, n := f.as(access.Admin), 0
	real := decode[rowsDoc](f.look(admin, http.MethodGet, "/api/v1/rows?limit=1"))
	forged := []string{"x", "-1", "0", "null", "....", "%00", "%ff%fe", "'%20OR%201=1--", "%22;DROP%20TABLE%20rows;--", strings.Repeat("A", 5000), "eyJpZCI6MX0", "MQ", "AAAA", "..%2f..", "9223372036854775808", "1e9", f.row}
	if real.NextCursor != nil {
		forged = append(forged, *real.NextCursor+"x", strings.ToUpper(*real.NextCursor), (*real.NextCursor)[:len(*real.NextCursor)/2])
	}
	searches := []string{"(a%2B)%2B$", strings.Repeat("(a|b)*", 300), "%25_%25", "%5c", "'", "a%00b", strings.Repeat("%25", 2000), "[", "*", "id:", "NEAR(a", "%22"}
	for turn, r := range routesOf(t) {
		if r.Method != http.MethodGet || r.Pattern == "/events" || r.Need == access.Nobody {
			continue
		}
		path := f.at(r.Pattern)
		var queries []string
		for i, text := range forged { // each with some of the routes, and each route with some
			if (i+turn)%4 == 0 {
				queries = append(queries, "?cursor="+text, "?trail="+text, "?limit="+text)
			}
		}
		for i, text := range searches {
			if (i+turn)%3 == 0 {
				queries = append(queries, "?q="+text)
			}
		}
		for _, query := range queries {
			began := time.Now()
			a := f.look(admin, http.MethodGet, path+query)
			if n++; a.status >= http.StatusInternalServerError || time.Since(began) > patience/10 || inside(a.body) != "" {
				t.Errorf("%s%.60s answered %d after %s", path, query, a.status, time.Since(began))
			}
		}
		if !strings.Contains(r.Pattern, "{") {
			continue
		}
		for _, id := range forged {
			path := holes.ReplaceAllString(r.Pattern, strings.ReplaceAll(id, "$", "$$"))
			if a := f.look(admin, http.MethodGet, path); a.status != http.StatusNotFound && !(id == f.row && a.status == http.StatusOK) && !(strings.Contains(path, "/rows/") && strings.EqualFold(id, f.row)) {
				t.Errorf("%.80s answered %d", path, a.status)
			}
			n++
		}
	}
	if n < 500 {
		t.Errorf("only %d requests", n)
	}
}
