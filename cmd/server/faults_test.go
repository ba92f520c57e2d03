package main

import (
	"net/http"
	"testing"
	"time"
)

type faultDoc struct {
	ID        string    `json:"id"`
	Pipeline  string    `json:"pipeline"`
	Step      string    `json:"step"`
	ErrorRate float64   `json:"error_rate"`
	Latency   string    `json:"latency"`
	Throttle  float64   `json:"throttle"`
	Until     time.Time `json:"until"`
	By        string    `json:"by"`
}

func (p *testProgram) fault(request body) faultDoc {
	p.t.Helper()
	for name, value := range (body{"pipeline": "github", "step": "call", "reason": "a game day"}) {
		request[name] = value
	}
	return decode[faultDoc](p.post("/api/v1/faults", request).want(http.StatusCreated))
}

func (p *testProgram) faults() []faultDoc {
	p.t.Helper()
	return read[struct{ Faults []faultDoc }](p, "/api/v1/faults").Faults
}

func TestFaultEndsByItself(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call", "retry: {attempts: 0, base: 200ms, cap: 200ms, jitter: none}"))
	f := p.fault(body{"error_rate": 1, "for": "4s"})
	if f.ID == "" || f.ErrorRate != 1 || f.Throttle != 0 || f.Latency != "0s" || f.By != "local" || time.Until(f.Until) > 4*time.Second {
		t.Errorf("fault %+v", f)
	}
	if list := p.faults(); len(list) != 1 || list[0].ID != f.ID {
		t.Errorf("faults %+v", list)
	}
	row := p.becomes(p.acceptOne(), "done")
	failed := len(row.of("call")) - 1
	if failed < 1 || row.of("call")[0].Outcome != "failed" || row.of("call")[0].Error == nil {
		t.Errorf("attempts %+v", row.of("call"))
	}
	equal(t, "calls that were really made", p.down.count("call"), 1)
	if done := row.of("call")[failed].StartedAt; done.Before(f.Until.Add(-time.Millisecond)) {
		t.Errorf("the fault ended %s early", f.Until.Sub(done))
	}
	equal(t, "faults", len(p.faults()), 0)
	equal(t, "audit", *p.audited("fault.start").Reason, "a game day")
}

func TestFaultsThrottleAndDelay(t *testing.T) {
	t.Parallel()
	config := []string{step("call", "retry: {attempts: 1, base: 1ms, cap: 2ms, jitter: none}")}
	p := launch(t, config...)
	f := p.fault(body{"throttle": 1, "for": "1h"})
	id := p.acceptOne()
	eventually(t, "a throttled attempt", func() int { return len(p.row(id).of("call")) }, atLeast(1))
	equal(t, "outcome", p.row(id).of("call")[0].Outcome, "throttled")
	p.send(http.MethodDelete, "/api/v1/faults/"+f.ID, "").want(http.StatusOK)
	p.becomes(id, "done")
	p.send(http.MethodDelete, "/api/v1/faults/"+f.ID, "").refused(http.StatusNotFound, "")

	p.fault(body{"latency": "300ms", "for": "1h"})
	row := p.becomes(p.acceptOne(), "done")
	if took := row.of("call")[0].DurationMS; took < 300 {
		t.Errorf("with 300 ms of latency a call took %d ms", took)
	}
	p.restart(configuration(config))
	equal(t, "faults after a restart", len(p.faults()), 0)
}

func TestFaultRefusals(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	for text, names := range map[string]string{
		`{"pipeline":"github","step":"call","error_rate":2,"for":"1m","reason":"r"}`:               "error_rate",
		`{"pipeline":"github","step":"call","error_rate":-0.1,"for":"1m","reason":"r"}`:            "error_rate",
		`{"pipeline":"github","step":"call","throttle":1.5,"for":"1m","reason":"r"}`:               "throttle",
		`{"pipeline":"github","step":"call","latency":"slow","for":"1m","reason":"r"}`:             "latency",
		`{"pipeline":"github","step":"call","error_rate":1,"for":"for ever","reason":"r"}`:         "for",
		`{"pipeline":"github","step":"call","error_rate":1,"for":"9000h","reason":"r"}`:            "for",
		`{"pipeline":"github","step":"nowhere","error_rate":1,"for":"1m","reason":"r"}`:            "step",
		`{"pipeline":"github","step":"call","error_rate":1,"for":"1m","reason":"r","colour":true}`: "colour",
	} {
		p.post("/api/v1/faults", text).refused(http.StatusBadRequest, names)
	}
	p.post("/api/v1/faults", `{"pipeline":"nowhere","step":"call","error_rate":1,"for":"1m","reason":"r"}`).refused(http.StatusNotFound, "nowhere")
	equal(t, "faults", len(p.faults()), 0)
}
