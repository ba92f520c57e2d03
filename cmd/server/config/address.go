package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"redrive/pipeline/egress"
)

var hostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?\.?$`)

// address reads a host:port to listen on; the host may be empty.
func address(text string) (string, *fault) {
	wrong := &fault{"is not an address to listen on", "write host:port, such as " + defaultListen}
	host, port, err := net.SplitHostPort(text)
	if err != nil || !isPort(port, 0) {
		return "", wrong
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !hostForm.MatchString(host) {
		return "", wrong
	}
	return text, nil
}

func isPort(text string, least int) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && int(n) >= least
}

var pathForm = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

func basePath(text string) (string, *fault) {
	trimmed := strings.TrimRight(text, "/")
	switch {
	case text == "/":
		return "/", nil
	case !strings.HasPrefix(text, "/"):
		return "", &fault{"does not start with /", "write / or a path such as /redrive"}
	case !pathForm.MatchString(trimmed):
		return "", &fault{"is not a path", "write / or a path of letters, digits, - and _, such as /redrive"}
	}
	return trimmed, nil
}

// publicURL reads the address people see, which may be left empty.
func publicURL(text string) (string, *fault) {
	if text == "" {
		return "", nil
	}
	if _, f := httpURL(text); f != nil {
		return "", f
	}
	if strings.ContainsAny(text, "?#") {
		return "", &fault{"has a query or fragment", "write scheme, host and path alone"}
	}
	return strings.TrimRight(text, "/"), nil
}

// httpURL reads an absolute http or https URL. Credentials belong into a header:
// pages and logs show URLs.
func httpURL(text string) (string, *fault) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "", &fault{"is not an absolute http or https URL", "write one such as http://127.0.0.1:9001/path"}
	case u.User != nil:
		return "", &fault{"has a user or password in it", "send them in a header"}
	case u.Fragment != "" || strings.HasSuffix(text, "#"):
		return "", &fault{"has a fragment", "end it before the #"}
	case !urlHost(u):
		return "", &fault{"has no usable host and port", "write them as host:port or [::1]:port"}
	}
	return text, nil
}

// callURL reads the URL of something this program calls.
func callURL(text string) (string, *fault) {
	if _, f := httpURL(text); f != nil {
		return "", f
	}
	u, err := url.Parse(text)
	if err == nil {
		err = egress.CheckHost(u.Hostname())
	}
	if err != nil {
		return "", &fault{"has a host that " + err.Error(), "write the name or the whole address of your own service, such as 127.0.0.1"}
	}
	return text, nil
}

// warnPlain warns of calls that others can read and change on their way. It shows
// the host alone, or not even that: the rest may be a secret.
func (r *reader) warnPlain(line int, what, text string, secret bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || thisMachine(u.Hostname()) {
		return
	}
	if !secret {
		what += " to " + quote(u.Host)
	}
	r.warn(line, "%s goes over plain http: whoever is on the way can read and change it; write https, unless the network is your own", what)
}

func thisMachine(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func urlHost(u *url.URL) bool {
	if strings.HasSuffix(u.Host, ":") || u.Port() != "" && !isPort(u.Port(), 1) {
		return false
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return true
	}
	return hostForm.MatchString(u.Hostname())
}

// host reads a name requests may ask for, with or without a port.
func host(text string) (string, *fault) {
	u := &url.URL{Host: text}
	if bare, err := netip.ParseAddr(text); err == nil && bare.Is6() {
		return "[" + bare.String() + "]", nil
	}
	if u.Hostname() == "" || !urlHost(u) {
		return "", &fault{"is not a host", "write a name such as redrive.example.com, without scheme, path or *"}
	}
	return strings.ToLower(text), nil
}

// proxy reads an address or a range of them.
func proxy(text string) (netip.Prefix, *fault) {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, &fault{"is not an address or range", "write 10.0.0.7 or 10.0.0.0/8"}
	}
	return p.Masked(), nil
}
