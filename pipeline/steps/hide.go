package steps

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	hidden     = "[hidden]"
	leastNamed = 4  // characters of a secret whose name tells that it is one
	leastOther = 16 // of any other value: shorter ones are words
)

var secretName = regexp.MustCompile(`(?i)auth|cookie|token|secret|passw|credential|signature|\bsig\b|key`)

// hider takes what the configuration sends along (tokens in headers and in the
// query of the URL) out of texts that come back: a downstream may repeat its
// request in an answer, and errors are shown, logged and sent on.
type hider [][]byte // the longest first

func newHider(headers http.Header, query url.Values) hider {
	var h hider
	for _, values := range []map[string][]string{headers, query} {
		for name, list := range values {
			for _, value := range list {
				h = h.add(name, value)
			}
		}
	}
	slices.SortFunc(h, func(a, b []byte) int { return cmp.Compare(len(b), len(a)) })
	return h
}

func (h hider) add(name, value string) hider {
	texts := []string{value, url.QueryEscape(value)}
	if scheme, token, ok := strings.Cut(value, " "); ok {
		texts = append(texts, token)
		if raw, err := base64.StdEncoding.DecodeString(token); err == nil && strings.EqualFold(scheme, "basic") {
			_, password, _ := strings.Cut(string(raw), ":")
			texts = append(texts, string(raw), password)
		}
	}
	least := leastOther
	if secretName.MatchString(name) {
		least = leastNamed
	}
	for _, text := range texts {
		if len(text) >= least {
			h = append(h, []byte(text))
		}
	}
	return h
}

// text hides before anything is cut off: half a secret would not be found.
func (h hider) text(s []byte) []byte {
	for _, secret := range h {
		if bytes.Contains(s, secret) {
			s = bytes.ReplaceAll(s, secret, []byte(hidden))
		}
	}
	return s
}
