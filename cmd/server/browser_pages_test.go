package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
)

// visit is a page and what it answers.
type visit struct {
	name, path string
	status     int64
}

func ok(name, path string) visit { return visit{name, path, 200} }

func pagesInTrouble(t *testing.T, b *chromium) {
	s := newTroubled(t)
	w := b.tab(t, s.testProgram)
	for _, v := range s.visits() {
		w.inspect("trouble", v)
	}
}

// visits are all pages with something on them.
func (s *troubled) visits() []visit {
	group := url.Values{"pipeline": {"github"}, "group": {s.group}}.Encode()
	return []visit{
		ok("overview", "/"), ok("start", "/start"),
		ok("rows", "/rows"), ok("rows of a pipeline", "/rows?pipeline=github"), ok("rows that are dead", "/rows?pipeline=github&status=dead"), ok("rows searched in vain", "/rows?q=nothing-like-it"),
		ok("row done", "/rows/"+s.done), ok("row dead", "/rows/"+s.dead), ok("row retrying", "/rows/"+s.retrying), ok("row rejected", "/rows/"+s.rejected), ok("row discarded", "/rows/"+s.discarded),
		ok("step", "/steps/github/notify"), ok("step paused", "/steps/github/archive"), ok("step behind a breaker", "/steps/github/index"),
		ok("dead letters", "/dead-letters"), ok("dead letters of a cause", "/dead-letters?"+group), ok("dead letters searched in vain", "/dead-letters?q=nothing-like-it"),
		ok("redrives", "/redrives"), ok("redrive done", "/redrives/"+s.redriven), ok("redrive held", "/redrives/"+s.held), ok("redrive paused", "/redrives/"+s.paused), ok("discard", "/redrives/"+s.dropped),
		ok("breakers", "/breakers"), ok("breaker open", "/breakers/search-api"), ok("breaker closed", "/breakers/mail"),
		ok("alarms", "/alarms"), ok("alarm raised", "/alarms/dead-letters"), ok("alarm quiet", "/alarms/high-error-rate"),
		ok("sweeps", "/sweeps"), ok("sweep dry", "/sweeps/"+s.dry), ok("sweep", "/sweeps/"+s.swept),
		ok("faults", "/faults"), ok("audit", "/audit"), ok("audit of one action", "/audit?action=redrive."), ok("audit verified", "/audit?verify=1"),
		{"no such page", "/nowhere/at/all", 404}, {"no such row", "/rows/nowhere", 404}, {"filter not understood", "/rows?since=yesterdayish", 400},
	}
}

// Before the first row, and without breakers and alarms.
func pagesWithNothing(t *testing.T, b *chromium) {
	p := newProgram(t)
	p.start(configuration(diamond(), "alarms: []"))
	w := b.tab(t, p)
	for _, v := range []visit{ok("overview", "/"), ok("rows", "/rows"), ok("step", "/steps/github/index"), ok("dead letters", "/dead-letters"), ok("redrives", "/redrives"),
		ok("breakers", "/breakers"), ok("alarms", "/alarms"), ok("sweeps", "/sweeps"), ok("faults", "/faults"), ok("audit", "/audit"), ok("settings", "/settings")} {
		w.inspect("empty", v)
	}
}

func pagesOfDemonstration(t *testing.T, b *chromium) {
	p := newDemonstration(t)
	w := b.tab(t, p)
	w.open("/")
	w.stay()
	w.sees("#banners", "Demonstration")
	w.sees("h2", "What to try here")
	eventually(t, "rows to be done", func() int { return p.rows("done") }, atLeast(5))
	if os.Getenv("REDRIVE_SHOTS") != "" { // worth a picture only once it is in full swing
		w.sees("#needs", "search-api")
		w.sees("#events", "Sweep")
	}
	w.stayed()
	w.inspect("demonstration", ok("overview", "/"))
	w.inspect("demonstration", ok("start", "/start"))
	w.inspect("demonstration", ok("rows", "/rows"))
}

// inspect looks at a page in both themes, wide and narrow.
func (w *tab) inspect(site string, v visit) {
	w.t.Helper()
	w.look(wide, light)
	w.open(v.path, v.status)
	w.wait("the scripts", `document.readyState === "complete" && document.documentElement.dataset.js === "on"`)
	if got := js[[]string](w, `[document.title, String(document.querySelectorAll("h1").length), document.querySelector("h1")?.innerText ?? ""]`); strings.TrimSpace(got[0]) == "" || got[1] != "1" || strings.TrimSpace(got[2]) == "" {
		w.t.Errorf("%s: title, number of headings and heading are %q", v.path, got)
	}
	for _, text := range w.complaints() {
		w.t.Errorf("%s, %s: %s", site, v.path, text)
	}
	w.inspectHere(site, v.name)
}

// inspectHere looks at the page as it is, such as one that a form answered with.
func (w *tab) inspectHere(site, name string) {
	w.t.Helper()
	w.forget()
	js[bool](w, w.b.axe+"; true")
	for _, width := range []int64{wide, narrow} {
		for _, scheme := range []string{light, dark} {
			w.look(width, scheme)
			where := fmt.Sprintf("%s, %s, %s, %d wide", site, name, scheme, width)
			for _, violation := range w.axe(rulesAt(width, scheme)) {
				w.t.Errorf("%s: %s", where, violation)
			}
			w.fits(where)
			w.shoot(fmt.Sprintf("%s-%s-%s-%d", site, name, scheme, width))
		}
	}
	w.look(wide, light)
}

// fits checks that the page does not scroll sideways.
func (w *tab) fits(where string) {
	w.t.Helper()
	if over := js[[]string](w, overflow); len(over) > 0 {
		w.t.Errorf("%s: the page scrolls sideways because of %s", where, strings.Join(over, ", "))
	}
}

// overflow are the elements that make the page wider than the window: those that
// lie in nothing that scrolls by itself.
const overflow = `(() => {
	const root = document.documentElement;
	if (root.scrollWidth <= root.clientWidth) return [];
	const kept = (el) => el && el !== document.body && (getComputedStyle(el).overflowX !== "visible" || kept(el.parentElement));
	const over = [...document.querySelectorAll("body *")].filter((el) => el.getBoundingClientRect().right > root.clientWidth + 1 && !kept(el.parentElement));
	return ["width " + root.scrollWidth, ...over.slice(-3).map((el) => el.outerHTML.slice(0, 100))];
})()`

// The rules of WCAG 2.1 A and AA, and the one of them about colours.
const (
	wcag     = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]`
	contrast = `["color-contrast"]`
)

// rulesAt are the rules to look for, of which most depend on the width alone: all
// once a width and once a theme. What is narrow has no colours of its own.
func rulesAt(width int64, scheme string) string {
	switch {
	case width == wide && scheme == dark:
		return contrast
	case width == narrow && scheme == light:
		return ""
	}
	return wcag
}

// axe is what breaks rules.
func (w *tab) axe(rules string) []string {
	w.t.Helper()
	if rules == "" {
		return nil
	}
	return js[[]string](w, `axe.run(document, {runOnly: `+rules+`, resultTypes: ["violations"], preload: false, iframes: false})
		.then((r) => r.violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => v.id + " at " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " ") + " " + n.html.slice(0, 160))))`)
}

func (w *tab) forget() {
	w.mu.Lock()
	w.wrong = nil
	w.mu.Unlock()
}

// shoot keeps a picture of the whole page for a person to look at.
func (w *tab) shoot(name string) {
	w.t.Helper()
	dir := os.Getenv("REDRIVE_SHOTS")
	if dir == "" {
		return
	}
	size := do(w, page.GetLayoutMetrics, struct{}{}).CSSContentSize
	do(w, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: int64(size.Width), Height: int64(size.Height), DeviceScaleFactor: 1})
	shot := do(w, page.CaptureScreenshot, page.CaptureScreenshotParams{})
	file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png")
	w.must("keeping "+file, os.WriteFile(file, shot.Data, 0o644))
}
