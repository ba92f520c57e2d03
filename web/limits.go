package web

import (
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"redrive/handlers/problem"
)

// Limits are requests a second of one address; zero for none. Twice as many may
// come at once, and all addresses together have ten times as much. Loopback has
// no limit: who is on this machine has other means.
type Limits struct {
	Ingest float64
	API    float64
}

const (
	together    = 10            // limits of one address that all have together
	mostCallers = 10_000        // addresses remembered, and as many of before
	sayEach     = time.Minute   // how often the log tells of refusals
	siteBits    = 64            // of an IPv6 address: whoever has one has the whole network
	longestWait = 1 * time.Hour // that Retry-After asks for
)

// throttle refuses callers that come too often.
type throttle struct {
	below string // for the log
	each  rate.Limit
	burst int
	all   *rate.Limiter
	log   *slog.Logger

	mu sync.Mutex
	// Who came lately is in one of the two. When the newer is full the older is
	// forgotten: that frees who did not come since, and bounds both.
	newer, older map[netip.Addr]*rate.Limiter
	refused      int
	said         time.Time
}

func newThrottle(below string, perSecond float64, log *slog.Logger) *throttle {
	burst := int(math.Ceil(2 * perSecond))
	return &throttle{below: below, each: rate.Limit(perSecond), burst: burst, log: log, newer: map[netip.Addr]*rate.Limiter{},
		all: rate.NewLimiter(rate.Limit(together*perSecond), together*burst)}
}

// limit asks callers of what lies below a path to slow down, before anything of
// the body is read.
func (s *site) limit(below string, perSecond float64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		if perSecond <= 0 {
			return next
		}
		t := newThrottle(below, perSecond, s.log)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ip := address(r.RemoteAddr)
			if ip.IsLoopback() || !strings.HasPrefix(r.URL.EscapedPath(), below) {
				next.ServeHTTP(w, r)
				return
			}
			wait := t.wait(ip, time.Now())
			if wait == 0 {
				next.ServeHTTP(w, r)
				return
			}
			problem.Write(w, r, problem.Problem{Status: http.StatusTooManyRequests, RetryAfter: wait,
				Detail: fmt.Sprintf("Too many requests come from this address. Send this one again in %d s.", int(wait.Seconds()))})
		})
	}
}

// wait is zero if a caller may go on, else when it should come again, in whole
// seconds.
func (t *throttle) wait(ip netip.Addr, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range []*rate.Limiter{t.caller(ip), t.all} {
		if l.AllowN(now, 1) {
			continue
		}
		t.tell(ip, now)
		short := 1 - l.TokensAt(now)
		seconds := math.Ceil(short / float64(l.Limit()))
		return min(longestWait, time.Duration(max(1, seconds))*time.Second)
	}
	return 0
}

// caller finds or makes the bucket of an address. The caller holds the lock.
func (t *throttle) caller(ip netip.Addr) *rate.Limiter {
	if ip.Is6() {
		if site, err := ip.Prefix(siteBits); err == nil {
			ip = site.Addr()
		}
	}
	l := t.newer[ip]
	if l != nil {
		return l
	}
	if l = t.older[ip]; l == nil {
		l = rate.NewLimiter(t.each, t.burst)
	}
	if len(t.newer) >= mostCallers {
		t.newer, t.older = make(map[netip.Addr]*rate.Limiter, mostCallers), t.newer
	}
	t.newer[ip] = l
	return l
}

// tell logs refusals, now and then: a flood must not flood the log as well.
func (t *throttle) tell(ip netip.Addr, now time.Time) {
	t.refused++
	if now.Sub(t.said) < sayEach {
		return
	}
	t.log.Warn("too many requests", "at", t.below, "from", ip.String(), "refused", t.refused, "limit_per_second", float64(t.each))
	t.said, t.refused = now, 0
}
