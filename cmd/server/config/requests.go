package config

import (
	"net/textproto"
	"regexp"
	"slices"
	"strings"
)

// request reads the http mapping of a step.
func request(s *section) HTTP {
	e, given := s.get("http")
	if !given {
		return HTTP{}
	}
	h := s.r.section("http", e.line, e.value)
	defer h.close()
	to := required(h, "url", "url: http://...", callURL)
	at, _ := h.get("url")
	s.r.warnPlain(at.line, "the call", to, false)
	return HTTP{URL: to, Headers: headers(h)}
}

func headers(s *section) []Header {
	below := s.child("headers")
	var hs []Header
	for _, key := range below.order {
		e := below.entries[key]
		name, f := headerName(key)
		if f != nil {
			s.r.mistake(e.line, f.right, "header %s %s", quote(key), f.wrong)
			continue
		}
		if slices.ContainsFunc(hs, func(h Header) bool { return h.Name == name }) {
			s.r.mistake(e.line, "keep one of them", "header %s is given twice", quote(key))
		}
		v, ok := s.r.scalar("header "+key, e.value)
		if ok && strings.ContainsFunc(v.text, isControl) {
			s.r.mistake(v.line, "write it on one line without control characters", "the value of header %s cannot be sent", quote(key))
		}
		if name == "Authorization" {
			s.r.written(v)
		}
		hs = append(hs, Header{name, Secret{strings.TrimSpace(v.text)}})
	}
	return hs
}

var tokenForm = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// headerName reads a header a step may add: none that the call itself carries.
func headerName(text string) (string, *fault) {
	if !tokenForm.MatchString(text) {
		return text, &fault{"is not the name of a header", "use letters, digits and -"}
	}
	name := textproto.CanonicalMIMEHeaderKey(text)
	switch name {
	case "Connection", "Content-Length", "Content-Type", "Host", "Idempotency-Key", "Te", "Trailer",
		"Traceparent", "Transfer-Encoding", "Upgrade":
		return name, &fault{"is set by each call itself", "take it out"}
	}
	if strings.HasPrefix(name, "Redrive-") {
		return name, &fault{"is set by each call itself", "take it out"}
	}
	return name, nil
}

func isControl(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }
