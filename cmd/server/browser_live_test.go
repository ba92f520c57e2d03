package main

import (
	"strings"
	"testing"
)

func liveOverview(t *testing.T, b *chromium) {
	p := launch(t, diamond()...)
	w := b.tab(t, p)
	w.follow("/")
	w.press("\t\t\t") // the focus stays where it is, too
	focused := js[string](w, `document.activeElement.outerHTML`)
	p.allBecome(p.accept(5), "done")
	w.sees("#panel-p0", "5")
	p.down.on("archive", always(422))
	p.die(2)
	w.sees("#needs", "2")
	w.sees("#causes", "422")
	w.stayed()
	equal(t, "the focus", js[string](w, `document.activeElement.outerHTML`), focused)
}

// While a box is ticked nothing moves; then everything catches up.
func livePause(t *testing.T, b *chromium) {
	p := launch(t, diamond()...)
	p.down.on("archive", always(422))
	p.die(2)
	w := b.tab(t, p)
	w.follow("/dead-letters")
	w.click("#letters-list input[data-select]")
	w.sees("#live-mark", "Paused, 1 row selected")
	before := w.text("#nav")
	events := w.count("/events")
	p.die(1)
	w.sees("#letters-list", "Changed, show it") // it heard of it
	equal(t, "connections", w.count("/events"), events)
	equal(t, "the menu while a box is ticked", w.text("#nav"), before)
	equal(t, "pages read", w.count("/dead-letters"), 1)
	w.click("#letters-list input[data-select]")
	w.sees("#live-mark", "Live")
	w.sees("#nav", "3")
	w.stayed()
}

func liveList(t *testing.T, b *chromium) {
	p := launch(t, step("call"))
	p.allBecome(p.accept(3), "done")
	w := b.tab(t, p)
	w.follow("/rows")
	first := js[string](w, firstRow)
	row := p.acceptOne()
	p.becomes(row, "done")
	w.sees("#rows-list .chip", "New rows, show them")
	equal(t, "the first row and where it stands", js[string](w, firstRow), first)
	w.click("#rows-list .chip", "New rows, show them")
	w.wait("the new row", `document.querySelector("#rows-list tbody a.cell").href.endsWith("/rows/`+row+`")`)
	w.loses("#rows-list .chip", "New rows, show them")
	w.stayed()
}

const firstRow = `document.querySelector("#rows-list tbody a.cell").href + " at " + Math.round(document.querySelector("#rows-list tbody tr").getBoundingClientRect().top)`

// count is how often a path was asked for.
func (w *tab) count(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, asked := range w.asked {
		if asked, _, _ = strings.Cut(asked, "?"); asked == path {
			n++
		}
	}
	return n
}
