package main

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// Without scripts every page can be read and the main forms work.
func withoutScripts(t *testing.T, b *chromium) {
	p := newProgram(t)
	p.start(configuration([]string{step("validate"), step("index", "needs: [validate]", "breaker: shop")}, "breakers: {shop: {}}", "sweep: {stuck_after: 1s}"))
	p.down.on("validate", always(422))
	row := p.die(1)[0].RowID
	w := b.tab(t, p)
	do(w, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	for path, says := range map[string]string{"/": "needs you", "/start": "Bring your own", "/rows": "dead", "/rows/" + row: "validate", "/steps/github/validate": "Pause validate",
		"/dead-letters": "422", "/redrives": "Replay a time window", "/breakers": "shop", "/breakers/shop": "Hold open", "/alarms": "alarm", "/sweeps": "Dry run", "/faults": "Start a fault", "/audit": "Audit", "/settings": "Configuration in force"} {
		w.open(path)
		w.sees("main", says)
		if js[bool](w, `!!document.documentElement.dataset.js || [...document.querySelectorAll(".js-only")].some((el) => el.checkVisibility())`) {
			t.Errorf("%s shows what only works with scripts", path)
		}
	}

	w.open("/dead-letters")
	p.down.on("validate", nil)
	w.click("#letters-list input[data-select]")
	w.fill("#selected-reason", "redriven by hand")
	w.click("#letters-list button", "Redrive the selected")
	w.goes("/redrives/")
	w.sees("main", "redriven by hand")
	p.becomes(row, "done")

	w.open("/breakers/shop")
	w.click("input[value=closed]")
	w.fill("#force-reason", "they asked for it")
	w.click("#force button")
	w.sees("h1", "shop is held closed")
	equal(t, "mode", p.breaker("shop").Mode, "held")
	w.click("input[value=automatic]")
	w.fill("#force-reason", "it is over")
	w.click("#force button")
	w.sees("h1", "shop is closed")

	w.open("/sweeps")
	w.click("#run button", "Sweep github now")
	w.goes("/sweeps/")
	eventually(t, "the sweep", func() string { return p.audited("sweep.run").Actor }, is("local"))
}
