package handlers

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"redrive/pipeline/access"
)

// The cookies. Over https, and on loopback, where browsers trust plain http as
// well, they have the prefix that binds them to this very host and to a secure
// line; over plain http beyond loopback a browser would not keep such a cookie.
const (
	sessionCookie = "redrive_session"
	deviceCookie  = "redrive_device"
	loginCookie   = "redrive_login" // what a provider's answer is held against
	hostPrefix    = "__Host-"

	deviceFor = 365 * 24 * time.Hour
)

// secure tells whether the browser's line is one that nobody listens to. The
// proxies' word on it is in the URL, see web.
func secure(r *http.Request) bool {
	return r.TLS != nil || r.URL.Scheme == "https" || onLoopback(r.Host)
}

func onLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(trimBrackets(host))
	return err == nil && ip.IsLoopback()
}

func trimBrackets(host string) string {
	if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		return host[1 : n-1]
	}
	return host
}

func cookieName(r *http.Request, name string) string {
	if secure(r) {
		return hostPrefix + name
	}
	return name
}

// cookieOf reads a cookie by the one name that counts on this line: over a secure
// one nobody who is not at this host can have set it.
func cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(cookieName(r, name))
	if err != nil {
		return ""
	}
	return c.Value
}

func setCookie(w http.ResponseWriter, r *http.Request, name, value string, lasts time.Duration) {
	c := &http.Cookie{Name: cookieName(r, name), Value: value, Path: "/", HttpOnly: true, Secure: secure(r), SameSite: http.SameSiteLaxMode,
		MaxAge: int(lasts / time.Second)}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// keepSession gives the browser the cookies of a session that has just begun.
func keepSession(w http.ResponseWriter, r *http.Request, in access.SignedIn) {
	setCookie(w, r, sessionCookie, in.Token, time.Until(in.Ends))
	setCookie(w, r, deviceCookie, in.Device, deviceFor)
}

// SessionToken is the token of the session that a request belongs to; empty if
// to none.
func SessionToken(r *http.Request) string { return cookieOf(r, sessionCookie) }

// ForgetSession takes back a cookie that stands for nobody any more.
func ForgetSession(w http.ResponseWriter, r *http.Request) { setCookie(w, r, sessionCookie, "", 0) }

// Background tells a page that reads itself again from one a person opened.
func Background(r *http.Request) bool {
	return background(r) || r.Header.Get("Accept") == "text/event-stream"
}

func clientOf(r *http.Request) access.Client {
	return access.Client{Address: address(r), Agent: r.UserAgent(), Device: cookieOf(r, deviceCookie)}
}

func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
