package main

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

func messageDrive(t *testing.T, b *chromium) {
	p := launch(t, diamond()...)
	w := b.tab(t, p)
	w.open("/")
	w.click("main button", "Send a test message")
	w.fill("#test-p0-payload", `{"type": "hello.world", "n": 1}`)
	w.fill("#test-p0-reason", "does it work?")
	w.click("#test-p0 button", "Send this one message to github")
	w.goes("/rows/")
	w.sees("h1", "test message")
	w.stay()
	w.sees("h1 .badge", "done")
	w.stayed()
	calls := p.down.seen("validate", "")
	equal(t, "payload", string(calls[0].body), `{"type": "hello.world", "n": 1}`)
	equal(t, "reason in the audit", *p.audited("row.test").Reason, "does it work?")
}

func discardDrive(t *testing.T, b *chromium) {
	p := launch(t, diamond()...)
	p.down.on("archive", always(422))
	row := p.die(1)[0].RowID
	w := b.tab(t, p)
	w.open("/rows/" + row)
	w.click("#row-head button", "Discard this row")
	w.click("#discard button", "Not now")
	w.loses("#discard", "Discard")
	w.click("#row-head button", "Discard this row")
	w.fill("#discard-reason", "a test of mine")
	w.click("#discard button", "Discard this row")
	w.sees("h1 .badge", "discarded")
	equal(t, "dead letters", p.letters("").Total, 0)
	w.click("#row-head button", "Restore this row")
	w.fill("#restore-reason", "it was not")
	w.click("#restore button", "Restore this row")
	w.sees("h1 .badge", "dead")
	eventually(t, "dead letters", func() int { return p.letters("").Total }, is(1))
	equal(t, "reasons in the audit", *p.audited("row.discard").Reason+", "+*p.audited("row.restore").Reason, "a test of mine, it was not")

	w.open("/rows?pipeline=github") // and from the list, with the way back beside it
	w.click("#rows-list input[data-select]")
	w.fill("#discard-reason", "not wanted")
	w.click("#rows-list button", "Discard 1 selected")
	w.sees(".flash", "iscarded")
	p.becomes(row, "discarded")
	w.click(".flash a")
	w.goes("/rows?status=discarded")
	w.click("#rows-list tbody a.cell")
	w.goes("/rows/" + row)
}

func keysDrive(t *testing.T, b *chromium) {
	p := launch(t, diamond()...)
	rows := p.accept(3)
	p.allBecome(rows, "done")
	w := b.tab(t, p)
	w.open("/")
	w.press("/")
	w.wait("the search", `document.activeElement.id === "q"`)
	w.press("g?" + kb.Backspace + kb.Backspace) // letters, not shortcuts
	w.press(rows[1] + "\r")
	w.goes("/rows?q=")
	w.wait("one row", `document.querySelectorAll("#rows-list tbody tr").length === 1`)
	w.press("j\r")
	w.goes("/rows/" + rows[1])
	w.press(kb.Escape)
	w.goes("/rows")

	w.press("?")
	w.sees("#keys", "Next, previous")
	w.press(kb.Escape)
	w.loses("#keys", "Next, previous")
	for key, path := range map[string]string{"r": "/rows", "d": "/dead-letters", "b": "/breakers", "a": "/alarms", "s": "/sweeps", "u": "/audit", "f": "/faults", "o": "/"} {
		if js[bool](w, `!!document.querySelector("#nav a[data-key=`+key+`]")`) {
			w.jumps("g"+key, path)
		}
	}
	w.jumps("gr", "/rows")
	w.press("jjx")
	w.sees("#live-mark", "Paused, 1 row selected")
	w.sees("#rows-list button", "Discard 1 selected")
	w.press("x")
	w.sees("#live-mark", "Live")
	w.press("p")
	w.sees("#live-mark", "Paused by you")
	w.press("p")
	w.sees("#live-mark", "Live")
	w.press("t")
	w.sees(".clock", "local")
}
