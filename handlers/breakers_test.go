package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"redrive/pipeline"
)

func breakersOf(list ...pipeline.BreakerDetail) *breakerStub { return &breakerStub{list: list} }

func TestBreakersList(t *testing.T) {
	now := time.Now().UTC()
	named := func(d pipeline.BreakerDetail, name string) pipeline.BreakerDetail { d.Name = name; return d }
	half := openBreaker(now)
	half.State, half.Granted, half.NextProbeAt = "half-open", 1, time.Time{}
	for name, tt := range map[string]struct {
		list    []pipeline.BreakerDetail
		heading string
		says    []string
	}{
		"none":         {nil, "No breaker is configured", []string{"Name a breaker under “breakers” in the configuration"}},
		"one closed":   {[]pipeline.BreakerDetail{closedBreaker(now)}, "The breaker is closed", []string{"1 of 47 calls failed in the last 30 s: 2.13 %. It opens at 50 % with at least 20 calls in 30 s."}},
		"all closed":   {[]pipeline.BreakerDetail{closedBreaker(now), named(closedBreaker(now), "crm")}, "Every breaker is closed", []string{"Closed for 33 h"}},
		"one open":     {[]pipeline.BreakerDetail{openBreaker(now), closedBreaker(now)}, "1 of 2 breakers is open", []string{"14 of 20 calls failed in 30 s (70 %); opens at 50 %. 20 rounds of probes since, none passed.", "Waiting 4,210 at index", "Open for 22 m", "Guards index of github"}},
		"both open":    {[]pipeline.BreakerDetail{openBreaker(now), named(openBreaker(now), "crm")}, "Both breakers are open", nil},
		"half-open":    {[]pipeline.BreakerDetail{half, closedBreaker(now)}, "1 of 2 breakers is half-open", []string{"Probes let through 1 of 3"}},
		"held closed":  {[]pipeline.BreakerDetail{heldBreaker(now, "closed")}, "The breaker is held closed", []string{"Held by a.reyes until", "“mail provider migrates”"}},
		"held open":    {[]pipeline.BreakerDetail{heldBreaker(now, "open")}, "The breaker is open", []string{"held open since"}},
		"three of all": {[]pipeline.BreakerDetail{openBreaker(now), named(openBreaker(now), "b"), named(openBreaker(now), "c"), closedBreaker(now)}, "3 of 4 breakers are open", nil},
	} {
		t.Run(name, func(t *testing.T) {
			doc, _ := guardPages{breakers: breakersOf(tt.list...)}.open(t).get(t, "/breakers", http.StatusOK)
			if got := text(doc.Find("h1").Text()); got != tt.heading {
				t.Errorf("heading %q, want %q", got, tt.heading)
			}
			wantText(t, doc.Find("main"), tt.says...)
		})
	}
}

// The list offers one thing to do with a breaker in trouble, none with a healthy one.
func TestBreakersListActions(t *testing.T) {
	now := time.Now().UTC()
	held := heldBreaker(now, "open")
	held.Name = "crm"
	doc, _ := guardPages{breakers: breakersOf(openBreaker(now), closedBreaker(now), held)}.open(t).get(t, "/breakers", http.StatusOK)
	for card, want := range map[string]string{"search-api": "half-open", "mail": "", "crm": "automatic"} {
		form := doc.Find("#breaker-" + card + " details form")
		if got := form.Find("input[name=state]").AttrOr("value", ""); got != want {
			t.Errorf("%s offers %q, want %q", card, got, want)
		}
		if want != "" && (form.AttrOr("action", "") != "/breakers/"+card || form.AttrOr("method", "") != "post" || form.Find("input[name=reason][required]").Length() != 1) {
			t.Errorf("%s: form without its address or reason", card)
		}
	}
	wantText(t, doc.Find("#breaker-search-api button"), "Probe search-api now with 3 rows")
	if n := doc.Find("#breaker-changes tbody tr").Length(); n != 9 {
		t.Errorf("%d changes, want 9: the newest six of search-api, all of the others", n)
	}
	if doc.Find(`#breaker-search-api a[href="/steps/github/index"]`).Length() != 1 {
		t.Error("no link to the guarded step")
	}
}

func TestBreakerPage(t *testing.T) {
	now := time.Now().UTC()
	state := troubled(now)
	state.Pipelines[0].Steps[1].Settings.Rate = 5
	state.Pipelines[0].Steps[1].DrainIn = 842 * time.Second
	c := guardPages{state: state, breakers: breakersOf(openBreaker(now), closedBreaker(now))}.open(t)

	doc, _ := c.get(t, "/breakers/search-api", http.StatusOK)
	wantText(t, doc.Find("h1"), "search-api is open")
	wantText(t, doc.Find("main"), "20 rounds of probes since, none passed.", "Automatic; nobody is holding it.",
		"Drains in about 14 m 2 s at 5/s once closed", "3 probes must pass", "failed no answer in 5.0 s", "All 20 probe calls", "14 of 20 calls failed in 30 s (70 %); opens at 50 %")
	if doc.Find(`a[href="/rows/01krj4tvm2e8q0aw8qzm7t"]`).Length() != 15 {
		t.Error("probes do not lead to their rows")
	}
	if label := doc.Find("figure.chart").AttrOr("aria-label", ""); label != "Failure rate of search-api in the last hour: at most 70 % in a minute, open 1 time." {
		t.Errorf("chart says %q", label)
	}
	if got := doc.Find("#force input[name=state][checked]").AttrOr("value", ""); got != "half-open" {
		t.Errorf("%q is chosen, want half-open", got)
	}
	auto := doc.Find("#force input[value=automatic]")
	if _, off := auto.Attr("disabled"); !off {
		t.Error("automatic can be chosen though nobody holds it")
	}
	wantText(t, auto.Closest("label"), "It is automatic now; nobody is holding it.")
	wantText(t, doc.Find("#force"), "All 4,210 rows waiting go through, failing or not.")

	all, _ := c.get(t, "/breakers/search-api?all=1", http.StatusOK)
	wantText(t, all.Find("#breaker-past"), "“search team says it is back” m.okafor")
	if n := all.Find(`a[href="/rows/01krj4tvm2e8q0aw8qzm7t"]`).Length(); n != 20 {
		t.Errorf("%d probes of 20", n)
	}
	calm, _ := c.get(t, "/breakers/mail", http.StatusOK)
	wantText(t, calm.Find("main"), "mail is closed", "No probe yet", "Calls in the window 47 1 failed in the last 30 s", "no rate is set")
	c.get(t, "/breakers/nobody", http.StatusNotFound)
}

func TestBreakerHeldPage(t *testing.T) {
	now := time.Now().UTC()
	doc, _ := guardPages{breakers: breakersOf(heldBreaker(now, "closed"))}.open(t).get(t, "/breakers/mail", http.StatusOK)
	wantText(t, doc.Find("main"), "mail is held closed", "Held by a.reyes until", "Then it is automatic again, by itself.", "opens by its own rule")
	if got := doc.Find("#force input[name=state][checked]").AttrOr("value", ""); got != "automatic" {
		t.Errorf("%q is chosen, want automatic", got)
	}
	if doc.Find(".hero-sw .lock").Length() != 1 {
		t.Error("the drawing has no padlock")
	}
}

func TestBreakerForce(t *testing.T) {
	now := time.Now().UTC()
	for name, tt := range map[string]struct {
		form  url.Values
		want  pipeline.ForceRequest
		flash string
	}{
		"probe":     {url.Values{"state": {"half-open"}, "for": {"1h"}, "reason": {"they say it is back"}}, pipeline.ForceRequest{State: "half-open", Reason: "they say it is back"}, "search-api is probing: 3 rows decide what follows."},
		"open":      {url.Values{"state": {"open"}, "for": {"2d"}, "reason": {" spaces kept "}}, pipeline.ForceRequest{State: "open", For: 48 * time.Hour, Reason: " spaces kept "}, "search-api is held open until 14 May 04:24:10 UTC, then automatic again."},
		"closed":    {url.Values{"state": {"closed"}, "reason": {"r"}}, pipeline.ForceRequest{State: "closed", Reason: "r"}, "search-api is held closed until 14 May 04:24:10 UTC, then automatic again."},
		"automatic": {url.Values{"state": {"automatic"}, "for": {"nonsense"}, "reason": {"r"}}, pipeline.ForceRequest{State: "automatic", Reason: "r"}, "search-api is automatic: open until its own rule says otherwise."},
	} {
		t.Run(name, func(t *testing.T) {
			stub := breakersOf(openBreaker(now))
			_, w := guardPages{breakers: stub}.open(t).post(t, "/breakers/search-api", tt.form, http.StatusSeeOther)
			if to := w.Header().Get("Location"); to != "/breakers/search-api" {
				t.Errorf("leads to %q", to)
			}
			if len(stub.forced) != 1 || stub.forced[0] != tt.want {
				t.Errorf("asked for %+v, want %+v", stub.forced, tt.want)
			}
			if got := shownFlash(t, w.Result().Cookies()); got != tt.flash {
				t.Errorf("says %q, want %q", got, tt.flash)
			}
		})
	}
}

func TestBreakerForceRefused(t *testing.T) {
	now := time.Now().UTC()
	held := &pipeline.Error{Code: pipeline.CodeConflict, Text: "somebody else was first"}
	for name, tt := range map[string]struct {
		form   url.Values
		err    error
		status int
		beside string // the element that holds the sentence
		says   string
	}{
		"no reason":   {url.Values{"state": {"open"}, "for": {"4h"}}, nil, 400, "#force-reason-hint", "Say why"},
		"blank":       {url.Values{"state": {"open"}, "for": {"4h"}, "reason": {" \t"}}, nil, 400, "#force-reason-hint", "Say why"},
		"no state":    {url.Values{"for": {"4h"}, "reason": {"r"}}, nil, 400, "#force-state-error", "Choose what to do"},
		"wrong state": {url.Values{"state": {hostile}, "for": {"4h"}, "reason": {"r"}}, nil, 400, "#force-state-error", "Choose what to do"},
		"wrong time":  {url.Values{"state": {"open"}, "for": {"soon"}, "reason": {"r"}}, nil, 400, "#force-for-error", "A time like"},
		"no time":     {url.Values{"state": {"closed"}, "for": {"0s"}, "reason": {"r"}}, nil, 400, "#force-for-error", "from 1s to 30d"},
		"negative":    {url.Values{"state": {"closed"}, "for": {"-5m"}, "reason": {"r"}}, nil, 400, "#force-for-error", "A time like"},
		"by service":  {url.Values{"state": {"open"}, "for": {"900h"}, "reason": {"r"}}, badField("for", "a breaker is held for at most 720h"), 400, "#force-for-error", "A breaker is held for at most 720h."},
		"conflict":    {url.Values{"state": {"open"}, "for": {"4h"}, "reason": {"r"}}, held, 409, "#force-error", "Somebody else was first."},
	} {
		t.Run(name, func(t *testing.T) {
			stub := breakersOf(openBreaker(now))
			stub.err = tt.err
			doc, _ := guardPages{breakers: stub}.open(t).post(t, "/breakers/search-api", tt.form, tt.status)
			wantText(t, doc.Find(tt.beside), tt.says)
			if got := doc.Find("#force-reason").AttrOr("value", ""); got != tt.form.Get("reason") {
				t.Errorf("reason %q was lost", tt.form.Get("reason"))
			}
			if got := doc.Find("#force-for").AttrOr("value", ""); got != tt.form.Get("for") {
				t.Errorf("time %q became %q", tt.form.Get("for"), got)
			}
			if tt.err == nil && len(stub.forced) > 0 {
				t.Error("it was forced all the same")
			}
		})
	}
	c := guardPages{breakers: breakersOf(openBreaker(now))}.open(t)
	c.post(t, "/breakers/nobody", url.Values{"state": {"open"}, "reason": {"r"}}, http.StatusNotFound)
}

func TestBreakersHostile(t *testing.T) {
	now := time.Now().UTC()
	d := openBreaker(now)
	d.Name, d.Reason, d.Held, d.HeldBy, d.HeldUntil = hostile, hostile, true, hostile, now.Add(time.Hour)
	d.Steps = []pipeline.StepKey{{Pipeline: hostile, Step: hostile}, {Pipeline: hostile, Step: "b"}, {Pipeline: "c", Step: "d"}}
	d.History = []pipeline.BreakerChange{{At: now, From: hostile, To: hostile, By: hostile, Reason: hostile}}
	d.Probed = []pipeline.Probe{{At: now, Row: hostile, Pipeline: hostile, Step: hostile, Error: hostile}}
	c := guardPages{breakers: breakersOf(d)}.open(t)
	list, _ := c.get(t, "/breakers", http.StatusOK)
	one, _ := c.get(t, "/breakers/"+url.PathEscape(hostile), http.StatusOK)
	for _, doc := range []*goquery.Document{list, one} {
		wantText(t, doc.Find("main"), hostile)
		if doc.Find("main img").Length() > 0 {
			t.Error("markup came through")
		}
	}
	if href := one.Find(`a.cell`).AttrOr("href", ""); strings.ContainsAny(href, `<>"'`) && !strings.HasPrefix(href, "/rows/%22") {
		t.Errorf("row link %q", href)
	}
}
