package backoff

import (
	"net/http"
	"strings"
	"time"
)

// MaxRetryAfter is the longest wait a downstream may ask for.
const MaxRetryAfter = time.Hour

// RetryAfter reads a Retry-After header: whole seconds or an HTTP date. What lies in the
// past is 0, what is longer than MaxRetryAfter is MaxRetryAfter. It reports false when
// the header is empty or neither of the two.
func RetryAfter(header string, now time.Time) (time.Duration, bool) {
	header = strings.TrimSpace(header)
	if seconds, ok := wholeSeconds(header); ok {
		return seconds, true
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter), true
}

// wholeSeconds stops counting at MaxRetryAfter, so a number of any length is fine.
func wholeSeconds(s string) (time.Duration, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	if digits == "" {
		return 0, false
	}
	var total time.Duration
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		total = min(total*10+time.Duration(c-'0')*time.Second, MaxRetryAfter)
	}
	if negative {
		return 0, true
	}
	return total, true
}
