package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// forwarded believes a trusted proxy who asks and which host was asked for.
// From anybody else the X-Forwarded headers mean nothing.
func (s *site) forwarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told := new(http.Request)
		*told = *r
		told.URL = plain(r.URL) // a request line in absolute form is the caller's word
		if s.trusted(address(r.RemoteAddr)) {
			s.believe(told)
		}
		if s.public != nil && s.public.Scheme == "https" && strings.EqualFold(told.Host, s.public.Host) {
			told.URL = encrypted(told.URL) // this host is asked for over https alone
		}
		next.ServeHTTP(w, told)
	})
}

// believe takes a proxy's word.
func (s *site) believe(r *http.Request) {
	if client := s.client(r.Header.Values("X-Forwarded-For")); client.IsValid() {
		r.RemoteAddr = client.String()
	}
	if hosts := items(r.Header.Values("X-Forwarded-Host")); len(hosts) > 0 {
		r.Host = hosts[len(hosts)-1]
	}
	if protos := items(r.Header.Values("X-Forwarded-Proto")); len(protos) > 0 && strings.EqualFold(protos[len(protos)-1], "https") {
		r.URL = encrypted(r.URL)
	}
}

func plain(u *url.URL) *url.URL {
	if u.Scheme == "" {
		return u
	}
	of := *u
	of.Scheme = ""
	return &of
}

// encrypted notes that a request came over https.
func encrypted(u *url.URL) *url.URL {
	of := *u
	of.Scheme = "https"
	return &of
}

// client is the nearest address that is no proxy of ours: each proxy adds the one
// it was asked by at the end, and what stands before may be made up.
func (s *site) client(forwardedFor []string) netip.Addr {
	var client netip.Addr
	for _, item := range slices.Backward(items(forwardedFor)) {
		ip := address(item)
		if !ip.IsValid() {
			break
		}
		client = ip
		if !s.trusted(ip) {
			break
		}
	}
	return client
}

func (s *site) trusted(ip netip.Addr) bool {
	return ip.IsValid() && slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// address reads an IP address with or without a port; invalid if it is none.
func address(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}

func items(values []string) []string {
	var all []string
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				all = append(all, item)
			}
		}
	}
	return all
}
