package handlers

import (
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/views"
)

type stepList []pipeline.Pipeline

func (s stepList) Pipelines() []pipeline.Pipeline { return s }

func faultSite(t *testing.T, env string, stub *faultStub) *site {
	t.Helper()
	s := newSite(t, views.Page{Env: views.Environment{Name: env}}, stateStub{}, stub)
	steps := stepList{{Name: "github", Steps: []pipeline.Step{{Name: "validate"}, {Name: "index"}}}}
	h := NewFaults(stub, steps, s.shell.Frame)
	s.route("GET /faults", h.List)
	s.route("POST /faults", h.Start)
	s.route("POST /faults/{id}/end", h.End)
	return s
}

func TestFaultsPageSaysWhatIsOn(t *testing.T) {
	t.Parallel()
	stub := &faultStub{on: []pipeline.Fault{{ID: "f1", Pipeline: "github", Step: "index", ErrorRate: 0.3, Latency: 2 * time.Second,
		Until: time.Now().Add(4 * time.Minute), By: evil, Reason: evil}}}
	doc, _ := faultSite(t, "staging", stub).get(t, "/faults", 200)
	shows(t, doc.Find("h1"), "1 fault is on")
	shows(t, doc.Find("#faults-on"), "30 % of the index calls in github fail and all start 2 s late on purpose", evil)
	if doc.Find(`#faults-on form[action="/faults/f1/end"]`).Length() != 1 {
		t.Error("no way to end it")
	}
	if doc.Find(".banners .note-box").Length() != 0 {
		t.Error("the page says it twice")
	}

	doc, _ = faultSite(t, "staging", &faultStub{}).get(t, "/faults?step=github/index", 200)
	shows(t, doc.Find("h1"), "No fault is on")
	shows(t, doc.Find("#faults-on"), "Every failure you see is a real one")
	if got := doc.Find("option[selected]").AttrOr("value", ""); got != "github/index" {
		t.Errorf("step %q is chosen", got)
	}
}

func TestFaultIsStartedAndEnded(t *testing.T) {
	t.Parallel()
	stub := &faultStub{}
	s := faultSite(t, "staging", stub)
	_, w := s.post(t, "/faults", 303, "step", "github/index", "error_rate", "30", "throttle", "5%", "latency", "500ms", "for", "10m", "reason", "game day")
	if got := w.Header().Get("Location"); got != "/faults" {
		t.Errorf("Location %q", got)
	}
	want := pipeline.NewFault{Pipeline: "github", Step: "index", ErrorRate: 0.3, Throttle: 0.05, Latency: 500 * time.Millisecond, For: 10 * time.Minute, Reason: "game day"}
	if len(stub.started) != 1 || stub.started[0] != want {
		t.Errorf("started %+v, want %+v", stub.started, want)
	}
	s.post(t, "/faults/f1/end", 303)
	if len(stub.ended) != 1 || stub.ended[0] != "f1: " {
		t.Errorf("ended %q", stub.ended)
	}
}

func TestFaultIsRefusedBesideItsField(t *testing.T) {
	t.Parallel()
	good := map[string]string{"step": "github/index", "error_rate": "30", "for": "5m", "reason": "why", "sure": "yes"}
	tests := []struct {
		name, field, value, want string
	}{
		{"unknown step", "step", "github/none", "Choose one of the steps."},
		{"too much", "error_rate", "300", "0 to 100 percent"},
		{"nothing", "error_rate", "", "Say what shall happen"},
		{"no time", "for", "long", "A time like"},
		{"no reason", "reason", " ", "Say why"},
		{"not sure", "sure", "", "Tick the box"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stub := &faultStub{}
			pairs := []string{"latency", ""}
			for k, v := range good {
				if k == tt.field {
					v = tt.value
				}
				pairs = append(pairs, k, v)
			}
			doc, _ := faultSite(t, "production", stub).post(t, "/faults", 400, pairs...)
			shows(t, doc.Find("form .bad"), tt.want)
			if len(stub.started) != 0 {
				t.Error("a fault was started")
			}
			if tt.field != "for" && doc.Find("#fault-for").AttrOr("value", "") != "5m" {
				t.Error("what was typed is gone")
			}
		})
	}
}

func TestFaultRefusedByTheServiceIsShownAgain(t *testing.T) {
	t.Parallel()
	stub := &faultStub{err: &pipeline.Error{Code: pipeline.CodeInvalid, Field: "for", Text: "say for how long, at most 24h"}}
	doc, _ := faultSite(t, "local", stub).post(t, "/faults", 400, "step", "github/index", "error_rate", "30", "for", "48h", "reason", evil)
	shows(t, doc.Find("#fault-for-hint"), "Say for how long, at most 24h.")
	if got := doc.Find("#fault-reason").AttrOr("value", ""); got != evil {
		t.Errorf("reason %q", got)
	}
}
