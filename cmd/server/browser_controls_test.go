package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// An operator knows that the downstream is back and does not wait for the breaker.
func breakerDrive(t *testing.T, b *chromium) {
	p := newProgram(t)
	p.start(guarded("{failure_rate: 0.5, minimum_calls: 3, window: 1h, open_for: 1h, probes: 2}"))
	w := b.tab(t, p)
	w.open("/breakers/shop")
	w.sees("h1", "shop is closed")
	w.stay()
	p.down.on("call", always(503))
	p.accept(4)
	w.sees("h1", "shop is open")
	w.stayed()

	hold, open := p.down.gate()
	p.down.on("call", func(seenCall) reply { return reply{status: 200, body: "{}", hold: hold} })
	w.click("label.opt", "Probe now "+w.text("label.opt small"))
	w.fill("#force-reason", "they say it is back")
	w.click("#force button", "Set shop as chosen")
	w.goes("/breakers/shop")
	w.sees("h1", "shop is half-open")
	w.stay()
	open()
	w.sees("h1", "shop is closed")
	w.sees("#breaker-past", "passed")
	w.sees("#breaker-past", "they say it is back")
	w.stayed()
	eventually(t, "rows done", func() int { return p.rows("done") }, is(4))
	equal(t, "reason in the audit", *p.audited("breaker.force").Reason, "they say it is back")
}

// A dry run finds the stuck row, the sweep mends it, the report says so.
func sweepDrive(t *testing.T, b *chromium) {
	p := newProgram(t)
	p.start(configuration([]string{step("first"), step("second", "needs: [first]")}, "sweep: {stuck_after: 1s}"))
	p.down.on("first", byAttempt(422))
	stuck := p.die(1)[0].RowID
	p.post("/api/v1/rows/"+stuck+"/replay", body{"step": "first", "downstream": false, "reason": "alone"}).want(202)
	eventually(t, "a sweep to have something to find", func() int { return p.sweep(body{"dry_run": true}).Stuck }, is(1))
	w := b.tab(t, p)
	w.open("/")
	w.jumps("gs", "/sweeps")
	w.click("#run button", "Dry run: only report")
	w.goes("/sweeps/")
	w.sees("#sweep", "dry run")
	w.sees("#sweep tbody", "second")
	w.sees("#sweep", "Nothing was changed")
	equal(t, "state after the dry run", p.row(stuck).flag("second").State, "waiting")
	w.click(".crumb a")
	w.goes("/sweeps")
	w.click("#run button", "Sweep github now")
	w.goes("/sweeps/")
	w.sees("#sweep .lede", "done")
	w.sees("#sweep .facts", "Requeued 1")
	p.becomes(stuck, "done")
	w.press(kb.Escape)
	w.goes("/sweeps")
	w.sees("#sweep-reports tbody tr:first-child", "1")
}

func pauseDrive(t *testing.T, b *chromium) {
	p := launch(t, step("validate"))
	w := b.tab(t, p)
	w.open("/")
	w.click("#panel-p0 a[href='/steps/github/validate']")
	w.goes("/steps/github/validate")
	w.fill("#pause-reason", "they deploy")
	w.click("#pause button", "Pause validate")
	w.sees(".flash", "aused")
	row := p.acceptOne()
	eventually(t, "the row in its queue", func() int { return p.step("validate").Queued }, is(1))
	w.open("/")
	w.sees("#needs", "validate")
	w.open("/steps/github/validate")
	w.fill("#pause-reason", "they are done")
	w.click("#pause button", "Resume validate")
	p.becomes(row, "done")
	equal(t, "reason in the audit", *p.audited("step.change").Reason, "they are done")
}

// While a fault is on, every page says so.
func faultDrive(t *testing.T, b *chromium) {
	p := launch(t, diamond()...)
	w := b.tab(t, p)
	w.open("/faults")
	w.click("#fault-step")
	w.press("n") // a select takes the first option that begins so
	w.press("\r")
	w.fill("#fault-error_rate", "100")
	w.fill("#fault-for", "10m")
	w.fill("#fault-reason", "game day")
	w.click("input[name=sure]")
	w.click("main button", "Start the fault")
	w.sees(".flash", "Started")
	row := p.acceptOne()
	p.becomes(row, "dead")
	for _, path := range []string{"/", "/rows", "/rows/" + row, "/dead-letters", "/redrives", "/breakers", "/alarms", "/sweeps", "/audit", "/steps/github/index"} {
		w.open(path)
		w.sees("#banners", "notify")
	}
	w.open("/faults")
	w.click("#faults-on button")
	w.sees(".flash", "Ended")
	w.sees("#faults-on", "Every failure you see is a real one")
	if banner := w.text("#banners"); strings.TrimSpace(banner) != "" {
		t.Errorf("the banner of an ended fault: %q", banner)
	}
	equal(t, "calls of the step", p.down.count("notify"), 0)
}
