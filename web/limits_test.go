package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// knock sends a small request from an address.
func knock(t *testing.T, h http.Handler, method, path, from string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader("{}"))
	r.Host, r.RemoteAddr = "localhost", from
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(t)
		log := &strings.Builder{}
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
		c.Limits = Limits{Ingest: 5, API: 2}
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.9/32")}
		h := handler(t, c)
		passed := func(method, path, from string, n int) (passed int) {
			for range n {
				if w := knock(t, h, method, path, from); w.Code != http.StatusTooManyRequests {
					passed++
				} else if w.Header().Get("Retry-After") != "1" || w.Header().Get("Content-Type") != "application/problem+json" {
					t.Errorf("429 with %v", w.Header())
				}
			}
			return passed
		}
		for _, tt := range []struct {
			name, method, path, from string
			want                     int
		}{
			{"intake", "POST", "/ingest/github", "203.0.113.1:1", 10},
			{"a batch from the same address", "POST", "/ingest/github/batch", "203.0.113.1:2", 0},
			{"the API has its own", "GET", "/api/v1/openapi.json", "203.0.113.1:1", 4},
			{"another address has its own", "POST", "/ingest/github", "203.0.113.2:1", 10},
			{"a network of IPv6 is one caller", "POST", "/ingest/github", "[2001:db8::1]:1", 10},
			{"and its other addresses too", "POST", "/ingest/github", "[2001:db8::ffff]:1", 0},
			{"this machine has none", "POST", "/ingest/github", "127.0.0.1:1", 40},
			{"in any form", "POST", "/ingest/github", "[::ffff:127.0.0.1]:1", 40},
			{"files have none", "GET", "/static/nowhere", "203.0.113.1:1", 40},
			{"probes have none", "GET", "/healthz", "203.0.113.1:1", 40},
		} {
			if got := passed(tt.method, tt.path, tt.from, 40); got != tt.want {
				t.Errorf("%s: %d of 40 passed, want %d", tt.name, got, tt.want)
			}
		}
		time.Sleep(time.Second)
		if got := passed("POST", "/ingest/github", "203.0.113.1:1", 40); got != 5 {
			t.Errorf("a second later %d passed, want 5", got)
		}
		if n := strings.Count(log.String(), "too many requests"); n != 2 {
			t.Errorf("the log tells of it %d times, want once for each of the two:\n%s", n, log)
		}
	})
}

// Callers behind a trusted proxy are told apart, and whoever makes addresses up
// is still bounded by what all may do together.
func TestLimitsOfManyAddresses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(t)
		c.Limits = Limits{Ingest: 5}
		h := handler(t, c)
		passed := 0
		for i := range 1000 {
			if knock(t, h, "POST", "/ingest/github", fmt.Sprintf("198.51.%d.%d:1", i/250, i%250)).Code != http.StatusTooManyRequests {
				passed++
			}
		}
		if want := 2 * 5 * together; passed != want {
			t.Errorf("%d of 1000 addresses passed, want %d", passed, want)
		}
	})
}

func TestLimitsRememberBoundedly(t *testing.T) {
	t.Parallel()
	th := newThrottle("/ingest/", 1, slog.New(slog.DiscardHandler))
	now := time.Now()
	first := netip.MustParseAddr("203.0.113.1")
	for range 3 {
		th.wait(first, now)
	}
	for i := range 5 * mostCallers {
		th.wait(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
		if i%1000 == 0 && th.wait(first, now) == 0 {
			t.Fatalf("after %d other addresses one that keeps coming is forgotten", i)
		}
	}
	if n := len(th.newer) + len(th.older); n > 2*mostCallers {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestLimitsSayWhenToComeAgain(t *testing.T) {
	t.Parallel()
	th := newThrottle("/api/", 0.1, slog.New(slog.DiscardHandler))
	now, ip := time.Now(), netip.MustParseAddr("203.0.113.1")
	for th.wait(ip, now) == 0 {
	}
	if got := th.wait(ip, now); got != 10*time.Second {
		t.Errorf("wait %s, want 10s", got)
	}
	if got := th.wait(ip, now.Add(10*time.Second)); got != 0 {
		t.Errorf("then wait %s", got)
	}
}
