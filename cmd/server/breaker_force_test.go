package main

import (
	"net/http"
	"testing"
	"time"
)

func TestForcedBreaker(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	config := guarded("{failure_rate: 0.5, minimum_calls: 2, window: 1h, open_for: 400ms, probes: 2}")
	p.start(config)
	before := time.Now()
	b := p.force("shop", "open", "15m")
	equal(t, "state", b.State+" "+b.Mode, "open held")
	if b.HeldBy == nil || *b.HeldBy != "local" || b.Reason == nil || *b.Reason != "a test of open" || b.HeldUntil == nil ||
		b.HeldUntil.Before(before.Add(14*time.Minute)) || b.HeldUntil.After(before.Add(16*time.Minute)) {
		t.Errorf("breaker %+v", b)
	}
	id := p.acceptOne()
	p.restart(config)
	b = p.breaker("shop")
	equal(t, "state after a restart", b.State+" "+b.Mode+" "+*b.HeldBy, "open held local")
	equal(t, "calls", p.down.count("call"), 0)
	equal(t, "state of the step", p.row(id).flag("call").State, "queued")

	p.down.on("call", always(500))
	b = p.force("shop", "closed", "")
	if b.State != "closed" || b.Mode != "held" || time.Until(*b.HeldUntil) < 59*time.Minute || time.Until(*b.HeldUntil) > time.Hour {
		t.Errorf("held closed without a time: %+v", b)
	}
	eventually(t, "many failures", func() int { return p.down.count("call") }, atLeast(10))
	equal(t, "state that never drifts", p.breaker("shop").State, "closed")

	b = decode[breakerDoc](p.post("/api/v1/breakers/shop", body{"state": "automatic"}).want(http.StatusOK))
	equal(t, "mode", b.Mode, "automatic")
	p.breakerBecomes("shop", "open")
	p.down.on("call", nil)
	p.becomes(id, "done")

	p.force("shop", "open", "300ms")
	late := p.acceptOne()
	b = p.breakerBecomes("shop", "closed")
	equal(t, "mode after its time", b.Mode, "automatic")
	p.becomes(late, "done")

	entry := p.audited("breaker.force")
	equal(t, "entry", entry.Actor+" "+entry.Object+" "+*entry.Reason, "local breakers/shop a test of open")
}

// One breaker stands in front of all its steps.
func TestSharedBreaker(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("bad", "breaker: shop", "concurrency: 1"), step("good", "breaker: shop", "needs: [free]"), step("free")},
		"breakers: {shop: {failure_rate: 0.1, minimum_calls: 1, open_for: 1h}}"))
	p.down.on("bad", always(500))
	hold, open := p.down.gate()
	p.down.on("free", func(seenCall) reply { return reply{status: 200, hold: hold} })
	p.acceptOne()
	p.breakerBecomes("shop", "open")
	open()
	b := eventually(t, "both steps to wait", func() breakerDoc { return p.breaker("shop") }, func(b breakerDoc) bool { return b.Waiting == 2 })
	equal(t, "state", b.State, "open")
	equal(t, "calls", [...]int{p.down.count("bad"), p.down.count("good")}, [...]int{1, 0})
}

func TestBreakerRefusals(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(guarded("{}"))
	for text, names := range map[string]string{`{"state":"ajar","reason":"r"}`: "state", `{"reason":"r"}`: "state", `{"state":"open","for":"soon","reason":"r"}`: "for",
		`{"state":"open","for":"-5m","reason":"r"}`: "for", `{"state":"open","colour":"blue","reason":"r"}`: "colour"} {
		p.post("/api/v1/breakers/shop", text).refused(http.StatusBadRequest, names)
	}
	p.post("/api/v1/breakers/nowhere", `{"state":"open","reason":"r"}`).refused(http.StatusNotFound, "nowhere")
	equal(t, "state", p.breaker("shop").State, "closed")
}
