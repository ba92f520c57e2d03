package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"redrive/pipeline/access"
)

// The way in and out, and the page that asks again, as people meet them. Broken
// content policies, errors and what axe finds fail the tab.
func doorDrive(t *testing.T, b *chromium) {
	h := newHouse(t, configuration(diamond(), "environment: {name: production, colour: red}", "breakers: {shop: {}}", authLocal))
	w := b.tab(t, h.testProgram)
	for _, v := range []visit{ok("sign in", "/login"), ok("sign in and return", "/login?next=%2Frows%3Fq%3Dx"), ok("setup", "/setup")} {
		w.inspect("door", v)
	}
	w.look(wide, light)
	w.open("/rows?q=kept")
	w.goes("/login?next=")
	w.expect("/login")
	w.fill("#name", "operator-1")
	w.fill("#password", "not the password")
	w.click("main button", "Sign in")
	w.sees("main", "do not match")
	w.fill("#password", passphrase)
	w.click("main button", "Sign in")
	w.goes("/rows?q=kept")
	w.expect("/faults")
	w.open("/audit")
	w.sees("main", "login.fail")

	// Somebody who signed in long ago starts a fault.
	old := h.forgotten("admin-1")
	name, value, _ := strings.Cut(old.headers[1], "=")
	do(w, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: h.url + "/", Secure: new(true), Path: "/"})
	w.open("/faults")
	w.fill("#fault-latency", "5ms")
	w.fill("#fault-for", "1h")
	w.fill("#fault-reason", `game day, "quoted" & <b>`)
	w.click("input[name=sure]")
	w.click("main button", "Start the fault")
	w.sees("h1", "Is it you?")
	w.inspectHere("door", "confirm")
	w.fill("#confirm_password", "not the password")
	w.click("main button", "Confirm and go on")
	w.sees("main", "not your password")
	w.fill("#confirm_password", passphrase)
	w.click("main button", "Confirm and go on")
	w.goes("/faults")
	w.sees("h1", "1 fault is on")
	equal(t, "the reason", *h.audited("fault.start").Reason, `game day, "quoted" & <b>`)
	w.open("/")
	before := h.asks(old, http.MethodGet, "/api/v1/rows", "").status
	equal(t, "the session", before, http.StatusOK)
	w.expect("/events") // may be asked for in between
	do(w, network.ClearBrowserCookies, cdp.Empty{})
	w.open("/rows")
	w.goes("/login?next=")
}

// A page of another site puts the console into frames, and gets none of them,
// though the browser has a session there.
func framedDrive(t *testing.T, b *chromium) {
	h := newHouse(t, configuration([]string{step("call")}, authLocal))
	paths := []string{"/", "/login", "/setup", "/rows", "/faults", "/nowhere", "/start", "/api/v1/openapi.json", "/healthz", "/static/none"}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for _, path := range paths {
			fmt.Fprintf(w, `<iframe src="%s%s"></iframe>`, h.url, path)
		}
	}))
	t.Cleanup(site.Close)
	var refused atomic.Int64
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(func(event any) {
		if e, ok := event.(*log.EventEntryAdded); ok && strings.Contains(e.Entry.Text, "frame-ancestors") {
			refused.Add(1)
		}
	}))
	defer cancel()
	pair, _, _ := strings.Cut(h.as(access.Admin).headers[1], "; ")
	name, value, _ := strings.Cut(pair, "=")
	_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: h.url + "/", Secure: new(true), Path: "/"})
	if err == nil {
		err = chromedp.Do(ctx, chromedp.Navigate(site.URL))
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "every frame to be refused", refused.Load, is(int64(len(paths))))
}
