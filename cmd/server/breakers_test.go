package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// guarded is a pipeline of a step behind a breaker and one beside it.
func guarded(breaker string, settings ...string) string {
	if !strings.Contains(strings.Join(settings, " "), "retry:") {
		settings = append(settings, "retry: {attempts: 0, base: 5ms, cap: 10ms, jitter: none}")
	}
	return configuration([]string{step("free"), step("call", append(settings, "breaker: shop")...)}, "breakers:", "  shop: "+breaker, "alarms: []")
}

func TestBreakerOpensAndNothingIsCalled(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(guarded("{failure_rate: 0.5, minimum_calls: 6, window: 1h, open_for: 1h, probes: 2}", "concurrency: 1"))
	b := p.breaker("shop")
	equal(t, "state", b.State+" "+b.Mode, "closed automatic")
	p.down.on("call", always(503))
	p.accept(3)
	p.breakerBecomes("shop", "open")
	eventually(t, "calls in flight", func() int { return p.down.inFlight("call") }, is(0))
	calls := p.down.count("call")
	if calls < 6 || calls > 7 { // one may be on its way when the sixth is judged
		t.Errorf("%d calls until it opened, want 6", calls)
	}
	p.accept(5)
	eventually(t, "the step beside it", func() int { return p.down.count("free") }, is(8))
	b = eventually(t, "rows to wait", func() breakerDoc { return p.breaker("shop") }, func(b breakerDoc) bool { return b.Waiting == 8 })
	equal(t, "calls while it is open", p.down.count("call"), calls)
	if len(b.History) != 1 || b.History[0].From != "closed" || b.History[0].To != "open" || b.History[0].By != "redrive" || b.Reason == nil ||
		b.NextProbeAt == nil || time.Until(*b.NextProbeAt) < 55*time.Minute || b.HeldBy != nil || b.HeldUntil != nil || b.Mode != "automatic" {
		t.Errorf("breaker %+v", b)
	}
	s := p.step("call")
	equal(t, "breaker of the step", *s.Breaker+" "+*s.BreakerState, "shop open")

	p.down.on("call", nil)
	p.force("shop", "half-open", "")
	eventually(t, "rows done", func() int { return p.rows("done") }, is(8))
	b = p.breakerBecomes("shop", "closed")
	equal(t, "probes", len(b.Probes), 2)
	for _, probe := range b.Probes {
		if !probe.OK || probe.Step != "call" || probe.RowID == "" || probe.Error != nil {
			t.Errorf("probe %+v", probe)
		}
	}
	equal(t, "calls in all", p.down.count("call"), calls+8)
}

// Half-open lets through just the probes; a failed one opens the breaker again.
func TestBreakerProbes(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(guarded("{failure_rate: 0.5, minimum_calls: 1, window: 1h, open_for: 1h, probes: 3}", "concurrency: 50"))
	p.force("shop", "open", "1h")
	ids := p.accept(12)
	eventually(t, "rows to wait", func() int { return p.breaker("shop").Waiting }, is(12))
	hold, open := p.down.gate()
	p.down.on("call", func(seenCall) reply { return reply{status: http.StatusInternalServerError, hold: hold} })
	b := p.force("shop", "half-open", "")
	equal(t, "state", b.State+" "+b.Mode, "half-open automatic")
	eventually(t, "probes", func() int { return p.down.inFlight("call") }, is(3))
	p.accept(1) // the engine goes on, and with it the chance to let too many through
	eventually(t, "the step beside it", func() int { return p.down.count("free") }, is(13))
	equal(t, "calls half-open", p.down.count("call"), 3)
	open()
	b = p.breakerBecomes("shop", "open")
	equal(t, "the newest change", b.History[0].From+" to "+b.History[0].To+" by "+b.History[0].By, "half-open to open by redrive")
	eventually(t, "probes to be known", func() int { return p.down.inFlight("call") }, is(0))
	equal(t, "calls", p.down.count("call"), 3)

	p.down.on("call", nil)
	p.force("shop", "half-open", "")
	p.allBecome(ids, "done")
	p.breakerBecomes("shop", "closed")
}

// By itself it opens, probes, fails, probes again and closes.
func TestBreakerHealsByItself(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(guarded("{failure_rate: 0.5, minimum_calls: 4, window: 1m, open_for: 300ms, probes: 2}"))
	p.down.on("call", always(500))
	ids := p.accept(20)
	eventually(t, "a failed probe", func() breakerDoc { return p.breaker("shop") }, func(b breakerDoc) bool { return len(b.Probes) > 2 })
	p.down.on("call", nil)
	p.allBecome(ids, "done")
	b := p.breakerBecomes("shop", "closed")
	equal(t, "the newest change", b.History[0].From+" to "+b.History[0].To, "half-open to closed")
	for i := 1; i < len(b.History); i++ {
		if b.History[i].To != b.History[i-1].From {
			t.Errorf("the history has a gap: %+v", b.History)
		}
	}
	for _, probe := range b.Probes[len(b.Probes)-2:] {
		if probe.OK || probe.Error == nil {
			t.Errorf("an early probe %+v", probe)
		}
	}
}

// Fewer rows than probes decide.
func TestBreakerClosesOnFewProbes(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(guarded("{failure_rate: 0.5, minimum_calls: 1, window: 1m, open_for: 1h, probes: 5}", "retry: {attempts: 0, base: 500ms, cap: 1s, jitter: none}"))
	p.down.on("call", byAttempt(500))
	id := p.acceptOne()
	p.breakerBecomes("shop", "open") // before the next attempt is due
	p.force("shop", "half-open", "")
	p.becomes(id, "done")
	p.breakerBecomes("shop", "closed")
}

// A permanent answer is a sign of life.
func TestPermanentAnswersCloseABreaker(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(guarded("{failure_rate: 0.5, minimum_calls: 2, window: 1h, open_for: 1h, probes: 2}"))
	p.down.on("call", always(422))
	p.die(6)
	equal(t, "state", p.breaker("shop").State, "closed")
	equal(t, "calls", p.down.count("call"), 6)
}

// What waits for its next attempt is enough to probe with.
func TestBreakerProbesWithRetryingRows(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(guarded("{failure_rate: 0.5, minimum_calls: 3, window: 1h, open_for: 1h, probes: 2}"))
	p.down.on("call", always(503))
	ids := p.accept(4)
	p.breakerBecomes("shop", "open")
	eventually(t, "every row to wait", func() int { return p.breaker("shop").Waiting }, is(4))
	p.down.on("call", nil)
	p.force("shop", "half-open", "")
	p.breakerBecomes("shop", "closed")
	p.allBecome(ids, "done")
}
