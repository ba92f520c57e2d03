package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"redrive/handlers"
)

func TestHosts(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.PublicURL, c.AllowedHosts = "https://redrive.example.com:8443", []string{"console.internal", "exact.internal:9000", "[2001:db8::1]"}
	h := handler(t, c)
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:8080": true, "localhost:40123": true, "127.0.0.1:8080": true, "127.9.9.9": true, "[::1]:8080": true,
		"[::1]": true, "[::ffff:127.0.0.1]": true, "redrive.example.com": true, "redrive.example.com:8443": true, "console.internal:1": true,
		"exact.internal:9000": true, "exact.internal:9001": false, "exact.internal": false, "[2001:db8::1]:80": true,
		"evil.example": false, "evil.example:8080": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "": false,
		"127.1": false, "0x7f000001": false, "2130706433": false, "10.0.0.1": false, "localhost:80x": false, "localhost:80:80": false,
		"localhost@evil.example": false, "evil.example#localhost": false, "192.0.2.1:8080": true, // where httptest's requests arrive is set below
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/nowhere", nil)
		r.Host = host
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, tcpAddr("192.0.2.1:8080")))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Code != http.StatusMisdirectedRequest; got != want {
			t.Errorf("Host %q: %d, allowed %v, want %v", host, w.Code, got, want)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if w := ask(t, h, http.MethodGet, path, "", "Host", "10.1.2.3:8080"); w.Code != http.StatusOK {
			t.Errorf("%s by address: %d", path, w.Code)
		}
	}
}

func TestForwardedHeadersCountFromTrustedProxiesAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, peer, forwardedFor, want string }{
		{"a stranger's word means nothing", "203.0.113.9:5", "198.51.100.1", "203.0.113.9"},
		{"the proxy's word counts", "10.0.0.2:5", "198.51.100.1", "198.51.100.1"},
		{"what the client made up does not", "10.0.0.2:5", "1.1.1.1, 198.51.100.1, 10.0.0.3", "198.51.100.1"},
		{"garbage ends the search", "10.0.0.2:5", "198.51.100.1, junk, 10.0.0.3", "10.0.0.3"},
		{"a proxy that says nothing", "10.0.0.2:5", "", "10.0.0.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, from := config(t), make(chan string, 1)
			c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
			c.Ingest = handlers.NewIngest(map[string]handlers.Door{"github": {MaxBytes: 10}}, intake{from}, c.Logger)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ingest/github", strings.NewReader("x"))
			r.Host, r.RemoteAddr = "localhost", tt.peer
			if tt.forwardedFor != "" {
				r.Header.Set("X-Forwarded-For", tt.forwardedFor)
			}
			handler(t, c).ServeHTTP(httptest.NewRecorder(), r)
			if got := <-from; got != tt.want {
				t.Errorf("from %s, want %s", got, tt.want)
			}
		})
	}
}

func TestForwardedHost(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.TrustedProxies, c.AllowedHosts = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, []string{"ok.example"}
	h := handler(t, c)
	if w := ask(t, h, http.MethodGet, "/api/v1/x", "", "Host", "backend", "X-Forwarded-Host", "ok.example"); w.Code != http.StatusNotFound {
		t.Errorf("forwarded for an allowed host: %d", w.Code)
	}
	if w := ask(t, h, http.MethodGet, "/api/v1/x", "", "X-Forwarded-Host", "evil.example"); w.Code != http.StatusMisdirectedRequest {
		t.Errorf("forwarded for another host: %d", w.Code)
	}
	c.TrustedProxies = nil
	if w := ask(t, handler(t, c), http.MethodGet, "/api/v1/x", "", "Host", "backend", "X-Forwarded-Host", "ok.example"); w.Code != http.StatusMisdirectedRequest {
		t.Errorf("a stranger's forwarded host: %d", w.Code)
	}
}
