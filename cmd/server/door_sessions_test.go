package main

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"redrive/pipeline/access"
)

const plainWarning = "signed in over plain http"

// A session is a browser's that signed in, and nobody else's: cookies that were
// put there, kept after the end, or made of anything.
func TestSessionsOfTheConsole(t *testing.T) {
	t.Parallel()
	h := newHouse(t, configuration([]string{step("call")}, "allowed_hosts: [console.internal]", "trusted_proxies: [127.0.0.2]", authLocal))
	h.fixation()
	h.afterTheEnd()
	h.cookieAttributes()
	h.linesAndNames()
	h.brokenCookies()
}

func cookie(value string) guest { return guest{headers: []string{"Cookie", value}} }

func (h *house) wants(c guest, status int) {
	h.t.Helper()
	if a := h.asks(c, http.MethodGet, "/api/v1/rows", ""); a.status != status {
		h.t.Errorf("a call with %q answered %d, want %d", c.headers, a.status, status)
	}
}

func (h *house) fixation() {
	h.t.Helper()
	preset := sessionCookie + "=PLANTEDPLANTEDPLANTEDPLANTEDPLANTEDPLANTEDPLANTEDPLA"
	if got := h.signIn("viewer-1", "Cookie", preset); strings.Contains(got, "PLANTED") || !strings.Contains(got, sessionCookie+"=") {
		h.t.Errorf("signing in took the cookie over that was there: %s", got)
	}
	h.wants(cookie(preset), http.StatusUnauthorized)
	// Who plants a session of their own in somebody's browser loses it there.
	planted := h.signIn("operator-1")
	h.wants(cookie(planted), http.StatusOK)
	fresh := h.signIn("viewer-1", "Cookie", planted)
	h.wants(cookie(planted), http.StatusUnauthorized)
	h.wants(cookie(fresh), http.StatusOK)
}

func (h *house) afterTheEnd() {
	h.t.Helper()
	viewer, operator := access.Viewer, access.Operator
	for what, end := range map[string]func(c guest){
		"signing out": func(c guest) {
			a := h.posts(c, "/logout", nil).want(http.StatusSeeOther)
			if a.header.Get("Clear-Site-Data") != `"cache"` || !strings.Contains(strings.Join(a.header.Values("Set-Cookie"), ";"), sessionCookie+"=;") {
				h.t.Errorf("signing out leaves something in the browser: %v", a.header)
			}
		},
		"a lower role":  func(guest) { h.change("ends", access.UserChange{Role: &viewer}) },
		"a higher role": func(guest) { h.change("ends", access.UserChange{Role: &operator}) },
		"another password": func(guest) {
			other := passphrase // the same will do: whoever may have seen it is out
			h.change("ends", access.UserChange{Password: &other})
		},
	} {
		h.addOnce("ends")
		kept := cookie(h.signIn("ends"))
		h.wants(kept, http.StatusOK)
		end(kept)
		eventually(h.t, "the session to be over after "+what, func() int { return h.asks(kept, http.MethodGet, "/api/v1/rows", "").status }, is(http.StatusUnauthorized))
		h.asks(kept, http.MethodGet, "/rows", "").want(http.StatusSeeOther)
	}
}

func (h *house) addOnce(name string) {
	h.t.Helper()
	list, err := h.doorman.Users(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, u := range list {
		if u.Name == name {
			return
		}
	}
	h.add(name, access.Operator)
}

// cookies of a sign-in as it is sent on a line, from an address.
func (h *house) signInOn(from, host string, headers ...string) (map[string]*http.Cookie, answer) {
	h.t.Helper()
	form := url.Values{"name": {"viewer-1"}, "password": {passphrase}}.Encode()
	a := h.wireFrom(from, "POST /login HTTP/1.1\r\nHost: "+host+"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "+
		strconv.Itoa(len(form))+"\r\n"+strings.Join(append(headers, "Connection: close"), "\r\n")+"\r\n\r\n"+form).want(http.StatusSeeOther)
	list := map[string]*http.Cookie{}
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		list[c.Name] = c
	}
	return list, a
}

func (h *house) cookieAttributes() {
	h.t.Helper()
	list, _ := h.signInOn("127.0.0.1", "127.0.0.1")
	for name, most := range map[string]int{sessionCookie: 12 * 3600, "__Host-redrive_device": 366 * 86400} {
		c := list[name]
		if c == nil {
			h.t.Errorf("no cookie %s in %v", name, list)
			continue
		}
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 || c.MaxAge > most || len(c.Value) < 26 {
			h.t.Errorf("%s", c.Raw)
		}
	}
}

// Over https and on loopback the cookie has the name that only this host can
// set; beyond it, over plain http, another name, a warning on the page and one
// in the log. Only a trusted proxy's word counts for which of them it is.
func (h *house) linesAndNames() {
	h.t.Helper()
	equal(h.t, "warnings before", h.log.has(plainWarning), 0)
	secure := "X-Forwarded-Proto: https"
	for _, tt := range []struct {
		what, from, host string
		headers          []string
		plain            bool
	}{
		{"loopback", "127.0.0.1", "localhost:8080", nil, false},
		{"https by a trusted proxy", "127.0.0.2", "backend", []string{secure, "X-Forwarded-Host: console.internal"}, false},
		{"plain http by a trusted proxy", "127.0.0.2", "console.internal", []string{"X-Forwarded-Proto: http"}, true},
		{"https by the word of a stranger", "127.0.0.1", "console.internal", []string{secure}, true},
		{"plain http", "127.0.0.1", "console.internal", nil, true},
		{"https in the first line", "127.0.0.1", "console.internal", []string{"Forwarded: proto=https"}, true},
	} {
		page := h.wireFrom(tt.from, "GET /login HTTP/1.1\r\nHost: "+tt.host+"\r\n"+strings.Join(append(tt.headers, "Connection: close"), "\r\n")+"\r\n\r\n").want(http.StatusOK)
		if warned := strings.Contains(string(page.body), "This line is not encrypted"); warned != tt.plain {
			h.t.Errorf("%s: the page warns: %v", tt.what, warned)
		}
		list, a := h.signInOn(tt.from, tt.host, tt.headers...)
		name, other := sessionCookie, "redrive_session"
		if tt.plain {
			name, other = other, name
		}
		if c := list[name]; c == nil || c.Secure == tt.plain || list[other] != nil {
			h.t.Errorf("%s: cookies %v", tt.what, a.header.Values("Set-Cookie"))
		}
		if strict := a.header.Get("Strict-Transport-Security") != ""; strict != (tt.what == "https by a trusted proxy") {
			h.t.Errorf("%s: told to come over https only: %v", tt.what, strict)
		}
	}
	equal(h.t, "warnings in the log", h.log.has(plainWarning), 1)
	// A cookie of the weak name, which another host of the domain can set, means nothing on a good line.
	good := h.signIn("viewer-1")
	h.wants(cookie(strings.ReplaceAll(good, "__Host-", "")), http.StatusUnauthorized)
}

// Cookies of anything break no page.
func (h *house) brokenCookies() {
	h.t.Helper()
	good := h.signIn("viewer-1")
	n := 0
	for _, name := range []string{sessionCookie, "__Host-redrive_device", "__Host-redrive_login", "redrive_flash", "theme"} {
		for _, value := range []string{"", "x", "a=b=c", `"`, `"quoted"`, "%00%ff", strings.Repeat("A", 4096), strings.Repeat("=;", 200), "\xff\xfe\x80", "\x7f", "e30", "bnVsbA", "..",
			"../../etc/passwd", "rdv_x_y", "{}", "[]", "eyJUZXh0IjoxfQ", "' OR 1=1 --", strings.Repeat("\xe2\x80\xae", 100)} {
			for _, path := range []string{"/", "/rows", "/login", "/login/callback?code=x&state=y", "/api/v1/rows", "/nowhere"} {
				a := h.wire("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nCookie: " + name + "=" + value + "\r\nCookie: " + good + "\r\nConnection: close\r\n\r\n")
				if n++; a.status >= http.StatusInternalServerError {
					h.t.Errorf("%s with %s=%q answered %d", path, name, value, a.status)
				}
			}
		}
	}
	for _, header := range []string{strings.Repeat("a=b; ", 1000), sessionCookie, "=", ";", "\xff", sessionCookie + "=x; " + sessionCookie + "=" + good} {
		a := h.wire("GET /rows HTTP/1.1\r\nHost: localhost\r\nCookie: " + header + "\r\nConnection: close\r\n\r\n")
		if n++; a.status >= http.StatusInternalServerError || a.status == http.StatusOK {
			h.t.Errorf("Cookie: %.60q answered %d", header, a.status)
		}
	}
	for _, header := range []string{"Bearer", "Bearer ", "Bearer rdv__", "Bearer rdv_" + strings.Repeat("x", 4000), "Basic YWRtaW46YWRtaW4=", "Bearer \xff\xfe", "bearer rdv_a_b", "Digest x", ""} {
		a := h.wire("GET /api/v1/rows HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + header + "\r\nCookie: " + good + "\r\nConnection: close\r\n\r\n")
		if n++; a.status != http.StatusUnauthorized {
			h.t.Errorf("Authorization: %.60q beside a good cookie answered %d", header, a.status)
		}
	}
	if n < 600 {
		h.t.Errorf("only %d requests", n)
	}
}
