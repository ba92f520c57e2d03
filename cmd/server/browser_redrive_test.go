package main

import (
	"net/http"
	"testing"
)

// A row fails while somebody watches; they look at it, and redrive it.
func redriveDrive(t *testing.T, b *chromium) {
	p := launch(t, diamond()...)
	w := b.tab(t, p)
	w.open("/")
	w.sees("#live-mark", "Live")
	w.sees("#causes", "None did")
	w.stay()
	p.down.on("notify", func(seenCall) reply { return reply{status: http.StatusUnprocessableEntity, body: "mailbox unknown"} })
	row := p.acceptOne()
	w.sees("#causes", "mailbox unknown")
	w.sees("#nav", "1")
	w.stayed()

	w.click("#nav a[href='/dead-letters']")
	w.goes("/dead-letters")
	w.click("#letters-list a.cell")
	w.goes("/rows/" + row)
	w.sees("h1", "dead")
	w.sees("#attempts", "mailbox unknown")
	w.sees("#attempts", "422")

	w.jumps("gd", "/dead-letters")
	w.click("#letters-list input[data-select]")
	w.sees("#live-mark", "Paused, 1 row selected")
	w.click("#letters-list button", "Redrive 1 selected") // the browser asks for the reason
	w.wait("the reason to be asked for", `document.activeElement.id === "selected-reason" && location.pathname === "/dead-letters"`)
	hold, open := p.down.gate()
	p.down.on("notify", func(seenCall) reply { return reply{status: http.StatusOK, body: "{}", hold: hold} })
	w.press("the mailbox is back")
	w.click("#letters-list button", "Redrive 1 selected")
	w.goes("/redrives/")
	w.sees(".flash", "Redrive started")
	w.sees("#operation", "running")
	w.stay()
	eventually(t, "the call", func() int { return p.down.inFlight("notify") }, is(1))
	w.sees("#operation .prog", "1 moved")
	open()
	w.sees("#operation .badge", "done")
	w.sees("#operation .prog", "1 passed")
	w.stayed()
	p.becomes(row, "done")
	entry := p.audited("redrive.start")
	equal(t, "audit", entry.Actor+": "+*entry.Reason, "local: the mailbox is back")
}

// The plan beside a cause says what it would do, and does it; a discard can be
// taken back.
func matchingDrive(t *testing.T, b *chromium) {
	p := launch(t, diamond()...)
	w := b.tab(t, p)
	p.down.on("index", func(seenCall) reply { return reply{status: http.StatusBadRequest, body: "no such index"} })
	p.die(3)
	w.open("/")
	w.click("#causes a.btn")
	w.goes("/dead-letters?")
	w.sees("#plan", "Eligible 3")
	w.fill("#plan-reason", "not wanted")
	w.click("#plan button[formaction]")
	w.goes("/redrives/")
	w.sees("#operation .badge", "done")
	eventually(t, "rows discarded", func() int { return p.rows("discarded") }, is(3))

	w.click("#operation button", "Take it back")
	w.fill("#restore-reason", "wanted after all")
	w.click("#restore button", "Restore 3 rows")
	w.sees(".flash", "taken back")
	w.goes("/redrives/")
	eventually(t, "dead letters", func() int { return p.letters("").Total }, is(3))

	p.down.on("index", nil)
	w.jumps("gd", "/dead-letters")
	w.fill("#plan-reason", "the index is there")
	w.press("\t")
	w.click("#plan button.btn-primary")
	w.goes("/redrives/")
	w.sees("#operation .badge", "done")
	w.sees("#operation .prog", "3 passed")
	eventually(t, "rows done", func() int { return p.rows("done") }, is(3))
}
