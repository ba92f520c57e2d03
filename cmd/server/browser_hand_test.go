package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// What a person does and sees. Every click and key goes through the browser's
// own input: evaluated scripts only find the place and read the page.

const (
	wide   = 1440
	narrow = 360
	light  = "light"
	dark   = "dark"
)

// look sets the width of the window and what the system prefers.
func (w *tab) look(width int64, scheme string) {
	w.t.Helper()
	do(w, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1})
	do(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
}

// open goes to a page, which answers 200 or the status given.
func (w *tab) open(path string, status ...int64) {
	w.t.Helper()
	want := int64(200)
	if len(status) > 0 {
		want = status[0]
		w.expect(path)
	}
	answer, err := chromedp.Run(w.ctx, chromedp.NavigateResponse(w.p.url+path))
	w.must("opening "+path, err)
	if answer == nil || answer.Status != want {
		w.t.Fatalf("%s answered %+v, want %d", path, answer, want)
	}
}

// follow opens a page and waits until it is told what changes; no later loading
// of it goes unnoticed.
func (w *tab) follow(path string) {
	w.t.Helper()
	w.listening.Store(false)
	w.open(path)
	eventually(w.t, "the page to listen", w.listening.Load, is(true))
	js[bool](w, `window.stayed = true`)
}

// js evaluates an expression; strings put into it are quoted by q.
func js[T any](w *tab, expression string) T {
	w.t.Helper()
	v, err := chromedp.Run(w.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	w.must("evaluating "+expression, err)
	return v
}

func q(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}

// wait looks until an expression is true. Between two pages there is nothing to
// evaluate on: that is another look.
func (w *tab) wait(what, expression string) {
	w.t.Helper()
	if !w.waits(patience, expression) {
		w.t.Fatalf("%s: not after %s at %s, which shows:\n%s", what, patience, js[string](w, "location.href"), w.text("body"))
	}
}

func (w *tab) waits(most time.Duration, expression string) bool {
	deadline := time.NewTimer(most)
	defer deadline.Stop()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		if ok, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](expression)); ok && err == nil {
			return true
		}
		select {
		case <-deadline.C:
			return false
		case <-tick.C:
		}
	}
}

// finder is what every look for an element shares: visible ones of a selector,
// with exactly this text or label.
const finder = `((css, name) => {
	const said = (el) => (el.getAttribute("aria-label") || el.innerText || el.value || "").replace(/\s+/g, " ").trim();
	return [...document.querySelectorAll(css)].filter((el) => el.checkVisibility({visibilityProperty: true}) && (!name || said(el) === name))[0];
})`

func find(css string, name []string) string {
	return finder + "(" + q(css) + "," + q(strings.Join(name, "")) + ")"
}

type spot struct {
	X, Y float64
	Why  string // nobody could click there now
}

// spot is the middle of an element, scrolled to, if nothing lies over it.
func (w *tab) spot(css string, name []string) spot {
	s, err := chromedp.Run(w.ctx, chromedp.Evaluate[spot](`((el) => {
		if (!el) return {Why: "there is none to see"};
		if (el.disabled) return {Why: "it is disabled"};
		el.scrollIntoView({block: "center", inline: "nearest", behavior: "instant"});
		const box = el.getClientRects()[0], X = box.x + box.width / 2, Y = box.y + box.height / 2;
		const top = document.elementFromPoint(X, Y);
		if (!top || !(el.contains(top) || top.contains(el) && top.closest("label"))) return {X, Y, Why: "it is covered by " + (top ? top.outerHTML.slice(0, 120) : "nothing")};
		return {X, Y, Why: ""};
	})(`+find(css, name)+`)`))
	if err != nil {
		return spot{Why: err.Error()}
	}
	return s
}

// click presses the mouse on the first visible element of a selector, with this
// text if one is given, once it stands still.
func (w *tab) click(css string, name ...string) {
	w.t.Helper()
	var last spot
	s := eventually(w.t, fmt.Sprintf("a place to click on %s %q", css, name), func() spot {
		before := last
		last = w.spot(css, name)
		if last.Why == "" && last != before {
			return spot{X: last.X, Y: last.Y, Why: "it moves"}
		}
		return last
	}, func(s spot) bool { return s.Why == "" })
	w.must("click", chromedp.Do(w.ctx, chromedp.MouseEvent(chromedp.MouseMoved, s.X, s.Y), chromedp.MouseClickXY(s.X, s.Y)))
}

// press sends keys to whatever has the focus.
func (w *tab) press(keys string, modifiers ...chromedp.Modifier) {
	w.t.Helper()
	for _, key := range keys {
		for _, k := range stroke(key, modifiers) {
			do(w, input.DispatchKeyEvent, k)
		}
	}
}

// stroke is a key going down and up. The text goes with the first, so that a page
// may take the key for itself.
func stroke(key rune, modifiers []chromedp.Modifier) []input.DispatchKeyEventParams {
	var down, up input.DispatchKeyEventParams
	for _, k := range kb.Encode(key) {
		for _, m := range modifiers {
			k.Modifiers |= int64(m)
		}
		switch k.Type {
		case kb.KeyDown:
			down = *k
		case kb.KeyChar:
			if k.Modifiers&^int64(chromedp.ModifierShift) == 0 {
				down.Text, down.UnmodifiedText = k.Text, k.UnmodifiedText
			}
		case kb.KeyUp:
			up = *k
		}
	}
	return []input.DispatchKeyEventParams{down, up}
}

// fill clicks into a field and types over what it holds.
func (w *tab) fill(css, text string) {
	w.t.Helper()
	w.click(css)
	w.press("a", chromedp.ModifierCtrl)
	w.press(kb.Backspace)
	w.press(text)
}

// sees waits until a visible element of a selector shows a text.
func (w *tab) sees(css, text string) {
	w.t.Helper()
	w.wait(fmt.Sprintf("%s showing %q", css, text), `[...document.querySelectorAll(`+q(css)+`)].some((el) => el.checkVisibility() && el.innerText.replace(/\s+/g, " ").includes(`+q(text)+`))`)
}

// loses waits until no visible element of a selector shows a text.
func (w *tab) loses(css, text string) {
	w.t.Helper()
	w.wait(fmt.Sprintf("%s no longer showing %q", css, text), `![...document.querySelectorAll(`+q(css)+`)].some((el) => el.checkVisibility() && el.innerText.replace(/\s+/g, " ").includes(`+q(text)+`))`)
}

// goes waits until a page whose path begins so has come.
func (w *tab) goes(path string) {
	w.t.Helper()
	w.wait("the page "+path, at(path))
}

func at(path string) string {
	return `document.readyState === "complete" && (location.pathname + location.search).startsWith(` + q(path) + `)`
}

// jumps presses a shortcut that leads to a page, again if need be: between two keys
// of one there may be no more than a moment, and a busy machine takes longer.
func (w *tab) jumps(keys, path string) {
	w.t.Helper()
	for range 3 {
		if w.press(keys); w.waits(patience/6, at(path)) {
			return
		}
	}
	w.goes(path)
}

func (w *tab) text(css string) string {
	w.t.Helper()
	return js[string](w, `document.querySelector(`+q(css)+`)?.innerText ?? ""`)
}

// stay marks the document; stayed fails if it was loaded anew since.
func (w *tab) stay() { js[bool](w, `window.stayed = true`) }

func (w *tab) stayed() {
	w.t.Helper()
	if !js[bool](w, `window.stayed === true`) {
		w.t.Error("the page was loaded again")
	}
}
