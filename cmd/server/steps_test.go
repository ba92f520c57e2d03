package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func (p *testProgram) change(step string, change body) stepDoc {
	p.t.Helper()
	return decode[stepDoc](p.post("/api/v1/steps/github/"+step, change).want(http.StatusOK))
}

func TestPausedStep(t *testing.T) {
	t.Parallel()
	config := []string{step("first"), step("second", "needs: [first]")}
	p := launch(t, config...)
	equal(t, "paused", p.change("second", body{"paused": true, "reason": "the index is being rebuilt"}).Paused, true)
	entry := p.audited("step.change")
	equal(t, "entry", entry.Actor+" "+entry.Object+" "+*entry.Reason, "local steps/github/second the index is being rebuilt")
	if detail := string(entry.Detail); !strings.Contains(detail, `"before":{`) || !strings.Contains(detail, `"after":{`) || !strings.Contains(detail, `"paused":true`) {
		t.Errorf("detail %s", detail)
	}
	ids := p.accept(4)
	eventually(t, "rows to wait", func() int { return p.step("second").Queued }, is(4))
	p.restart(configuration(config))
	equal(t, "paused after a restart", p.step("second").Paused, true)
	more := p.acceptOne()
	eventually(t, "rows to wait", func() int { return p.step("second").Queued }, is(5))
	equal(t, "calls while it is paused", p.down.count("second"), 0)
	p.change("second", body{"paused": false, "reason": "rebuilt"})
	p.allBecome(append(ids, more), "done")
}

func TestConcurrencyOfAStep(t *testing.T) {
	t.Parallel()
	config := []string{step("call", "concurrency: 2", "timeout: 1m")}
	p := launch(t, config...)
	hold, open := p.down.gate()
	p.down.on("call", func(seenCall) reply { return reply{status: 200, hold: hold} })
	ids := p.accept(12)
	eventually(t, "calls at once", func() int { return p.down.inFlight("call") }, is(2))
	equal(t, "concurrency", p.change("call", body{"concurrency": 5, "reason": "more"}).Concurrency, 5)
	eventually(t, "calls at once", func() int { return p.down.inFlight("call") }, is(5))
	open()
	p.allBecome(ids, "done")
	equal(t, "most calls at once", p.down.atOnce("call"), 5)

	p.restart(configuration(config))
	hold, open = p.down.gate()
	equal(t, "concurrency after a restart", p.step("call").Concurrency, 5)
	ids = p.accept(12)
	eventually(t, "calls at once", func() int { return p.down.inFlight("call") }, is(5))
	open()
	p.allBecome(ids, "done")
	equal(t, "most calls at once", p.down.atOnce("call"), 5)
	for _, wrong := range []body{{"concurrency": 0}, {"concurrency": -1}, {"concurrency": 1.5}, {"concurrency": "many"}} {
		p.post("/api/v1/steps/github/call", wrong).refused(http.StatusBadRequest, "concurrency")
	}
}

func TestRateOfAStep(t *testing.T) {
	t.Parallel()
	config := []string{step("call", "rate: 8")}
	p := launch(t, config...)
	took := func(n int) time.Duration {
		first := p.down.count("call")
		p.allBecome(p.accept(n), "done")
		calls := p.down.seen("call", "")
		return calls[first+n-1].at.Sub(calls[first].at)
	}
	if d := took(9); d < 750*time.Millisecond {
		t.Errorf("9 calls at 8 a second took %s", d)
	}
	equal(t, "rate", p.change("call", body{"rate": 0, "reason": "no limit"}).Rate, 0)
	if d := took(100); d > 10*time.Second {
		t.Errorf("100 calls without a limit took %s", d)
	}
	equal(t, "rate", p.change("call", body{"rate": 20, "reason": "some"}).Rate, 20)
	p.restart(configuration(config))
	equal(t, "rate after a restart", p.step("call").Rate, 20)
	if d := took(21); d < 750*time.Millisecond {
		t.Errorf("21 calls at 20 a second took %s", d)
	}
	p.post("/api/v1/steps/github/call", body{"rate": -1}).refused(http.StatusBadRequest, "rate")
}

// What waits for a step before it is counted there.
func TestWaitingRowsAreCounted(t *testing.T) {
	t.Parallel()
	p := launch(t, diamond()...)
	p.change("notify", body{"paused": true})
	ids := p.accept(3)
	s := eventually(t, "rows to wait", func() stepDoc { return p.step("archive") }, func(s stepDoc) bool { return s.Waiting == 3 && p.step("index").ProcessedTotal == 3 })
	equal(t, "queued and the like", s.Queued+s.Running+s.Retrying+s.Dead+s.ProcessedTotal, 0)
	equal(t, "rows in progress", p.rows("in_progress"), 3)
	p.change("notify", body{"paused": false})
	p.allBecome(ids, "done")
	equal(t, "waiting", eventually(t, "counters", func() int { return p.step("archive").Waiting }, is(0)), 0)
}

// What arrives faster than a step's rate falls behind, and is told.
func TestFallingBehind(t *testing.T) {
	t.Parallel()
	p := launch(t, step("slow", "rate: 1"), step("fast"))
	ids := p.accept(200)
	s := eventually(t, "the step to fall behind", func() stepDoc { return p.step("slow") }, func(s stepDoc) bool { return s.FallingBehind })
	if s.Queued < 100 {
		t.Errorf("%d rows wait", s.Queued)
	}
	equal(t, "falling_behind of its neighbour", p.step("fast").FallingBehind, false)
	p.change("slow", body{"rate": 0, "reason": "catch up"})
	p.allBecome(ids, "done")
	equal(t, "falling_behind without a rate", p.step("slow").FallingBehind, false)
}

func TestStepRefusals(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	p.post("/api/v1/steps/github/nowhere", body{"paused": true}).refused(http.StatusNotFound, "nowhere")
	p.post("/api/v1/steps/nowhere/call", body{"paused": true}).refused(http.StatusNotFound, "nowhere")
	p.post("/api/v1/steps/github/call", body{"paused": "yes"}).refused(http.StatusBadRequest, "paused")
	p.post("/api/v1/steps/github/call", body{"colour": "blue"}).refused(http.StatusBadRequest, "colour")
}
