package steps

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"redrive/pipeline/egress"
)

// HTTPConfig is an HTTP step as an operator writes it.
type HTTPConfig struct {
	URL         string            // http or https, without user name and password
	Headers     map[string]string // sent with every call
	Timeout     time.Duration     // of a whole call; 0 = 5 s
	Permanent   []int             // statuses not worth another try, 300 to 599
	Concurrency int               // calls at once; that many connections stay open
}

const (
	defaultTimeout = 5 * time.Second
	minIdleConns   = 64 // concurrency may be raised while the step runs
)

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil: // its text would repeat the URL, and with it a password
		return nil, errors.New("the url of the step is not a valid URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("the url of the step has the scheme %q; use http or https", u.Scheme)
	case u.User != nil:
		return nil, errors.New("the url of the step has a user name or password in it; send them with headers: {Authorization: ...}")
	case u.Hostname() == "":
		return nil, errors.New("the url of the step has no host")
	}
	if err := egress.CheckHost(u.Hostname()); err != nil {
		return nil, fmt.Errorf("the host of the step's url %w", err)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// parseHeaders checks the configured headers; a Host among them is returned apart,
// because HTTP treats it so.
func parseHeaders(configured map[string]string) (headers http.Header, host string, err error) {
	headers = make(http.Header, len(configured)+1)
	headers["User-Agent"] = []string{"redrive"}
	for name, value := range configured {
		switch key := http.CanonicalHeaderKey(name); {
		case !validName(name):
			return nil, "", fmt.Errorf("header name %q is not valid", name)
		case !validValue(value):
			return nil, "", fmt.Errorf("the value of header %s has a control character in it", name)
		case reserved(key):
			return nil, "", fmt.Errorf("header %s is set by the step itself and cannot be configured", name)
		case headers[key] != nil && key != "User-Agent":
			return nil, "", fmt.Errorf("header %s is there twice", key)
		case key == "Host":
			host = value
		default:
			headers[key] = []string{value}
		}
	}
	return headers, host, nil
}

func parsePermanent(statuses []int) (map[int]bool, error) {
	permanent := make(map[int]bool, len(statuses))
	for _, status := range statuses {
		if status < 300 || status > 599 {
			return nil, fmt.Errorf("permanent has the status %d; use 300 to 599, a 2xx means processed", status)
		}
		permanent[status] = true
	}
	return permanent, nil
}

func parseTimeout(d time.Duration) (time.Duration, error) {
	if d < 0 {
		return 0, fmt.Errorf("the timeout of the step is %s; use a duration above 0", d)
	}
	return cmp.Or(d, defaultTimeout), nil
}

// reserved reports whether only the step itself, or the protocol, may set a header.
func reserved(canonical string) bool {
	switch canonical {
	case "Idempotency-Key", "Traceparent", "Content-Length", "Transfer-Encoding", "Connection",
		"Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Upgrade", "Expect":
		return true
	default:
		return strings.HasPrefix(canonical, "Redrive-")
	}
}

// validName reports whether a header name is a token of RFC 9110.
func validName(s string) bool {
	for _, c := range []byte(s) {
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alphanumeric && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// validValue keeps line breaks, and with them further headers, out of a header value.
func validValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
