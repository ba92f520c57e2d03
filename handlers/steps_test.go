package handlers

import (
	"context"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/views"
)

type stepStub struct {
	detail  pipeline.StepDetail
	err     error
	changed []pipeline.StepChange
	started []pipeline.OperationRequest
}

func (s *stepStub) Get(_ context.Context, name, step string) (pipeline.StepDetail, error) {
	if name != s.detail.Pipeline || step != s.detail.Name {
		return pipeline.StepDetail{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "pipeline " + name + " has no step " + step}
	}
	return s.detail, nil
}

func (s *stepStub) Change(_ context.Context, _, _ string, c pipeline.StepChange) (pipeline.StepView, error) {
	s.changed = append(s.changed, c)
	return s.detail.StepView, s.err
}

func (s *stepStub) Start(_ context.Context, req pipeline.OperationRequest) (pipeline.Operation, error) {
	s.started = append(s.started, req)
	if s.err != nil {
		return pipeline.Operation{}, s.err
	}
	op := pipeline.Operation{ID: "op1", Matched: 12, Eligible: 11, Skipped: []pipeline.Skip{{Why: "running now", Count: 1}}}
	if req.DryRun {
		op.ID = ""
	}
	return op, nil
}

func stepSite(t *testing.T, stub *stepStub) *site {
	t.Helper()
	s := newSite(t, views.Page{}, stateStub{}, noFaults{})
	h := NewSteps(stub, stub, s.shell.Frame)
	s.route("GET /steps/{pipeline}/{step}", h.Show)
	s.route("POST /steps/{pipeline}/{step}", h.Change)
	s.route("POST /steps/{pipeline}/{step}/evict", h.Evict)
	return s
}

// sampleStep is step index of github as configured, with figures.
func sampleStep() *stepStub {
	settings := pipeline.StepSettings{Concurrency: 8, Rate: 50}
	now := time.Now().UTC()
	return &stepStub{detail: pipeline.StepDetail{
		StepView: pipeline.StepView{Pipeline: "github", Name: "index", Needs: []string{"validate"}, Breaker: "downstream", BreakerState: "closed",
			Target: "http://127.0.0.1:9001/index", Timeout: 5 * time.Second, Attempts: 5, Base: time.Second, Cap: time.Minute, Jitter: "full",
			Permanent: []int{400, 410}, Settings: settings, Configured: settings, Counts: pipeline.StepCounts{Queued: 4210, Retrying: 31}},
		Errors:  []pipeline.Datapoint{{At: now.Truncate(5 * time.Minute), Sum: 3, Count: 10}},
		Flow:    []pipeline.Datapoint{{At: now.Truncate(time.Minute).Add(-time.Minute), Count: 180}},
		Retries: []pipeline.Bucket{{At: now.Add(time.Minute), Count: 31}},
	}}
}

func TestStepPageSaysWhatTheStepDoes(t *testing.T) {
	t.Parallel()
	doc, _ := stepSite(t, sampleStep()).get(t, "/steps/github/index", 200)
	shows(t, doc.Find("h1"), "index keeps up")
	shows(t, doc.Find(".lede"), "Calls http://127.0.0.1:9001/index with at most 8 at once in each process and 50 a second; a call may take 5 s. "+
		"After a failure it waits 1 s doubling to 60 s with full jitter, five attempts in all, then the dead-letter queue. "+
		"400 and 410 are not tried again. Guarded by breaker downstream.")
	shows(t, doc.Find("main"), "4,210", "30 %", "180 rows left index in the last hour, at most 3/s", "31 retries are planned in the next 15 minutes")
	if doc.Find("#reset").Length() != 0 || doc.Find(".note-box").Length() != 0 {
		t.Error("a step as configured has a way back, or a warning")
	}
	if doc.Find(`a[href="/dead-letters?pipeline=github&step=index"]`).Length() == 0 {
		t.Error("no way to its dead letters")
	}
}

func TestStepPageSaysWhatHoldsTheStep(t *testing.T) {
	t.Parallel()
	stub := sampleStep()
	stub.detail.Settings = pipeline.StepSettings{Concurrency: 4, Rate: 0, Paused: true}
	stub.detail.ChangedBy, stub.detail.ChangedWhy, stub.detail.ChangedAt = evil, evil, time.Now()
	stub.detail.BreakerState, stub.detail.BreakerView = "open", &pipeline.BreakerView{BreakerConfig: pipeline.BreakerConfig{Name: "downstream"}, State: "open", Since: time.Now().Add(-22 * time.Minute)}
	doc, _ := stepSite(t, stub).get(t, "/steps/github/index", 200)
	shows(t, doc.Find("h1"), "index is paused")
	shows(t, doc.Find("#step-now"), "Paused by "+evil, "Breaker downstream is open for 22 m.", "4,241 rows wait", "paused, rate 50/s to no limit, 8 to 4 calls at once")
	shows(t, doc.Find("#pause button"), "Resume index")
	shows(t, doc.Find("#reset button"), "Set index back to the configuration")

	stub = sampleStep()
	stub.detail.Behind, stub.detail.DrainIn, stub.detail.Arrivals, stub.detail.Departures = true, 12*time.Minute, 3.2, 2
	doc, _ = stepSite(t, stub).get(t, "/steps/github/index", 200)
	shows(t, doc.Find("main"), "index is falling behind", "3.2/s come, 2/s leave. At this rate the 4,241 rows that wait are done in 12 minutes.")

	stub = sampleStep()
	stub.detail.Gone = true
	doc, _ = stepSite(t, stub).get(t, "/steps/github/index", 200)
	shows(t, doc.Find("h1"), "index is no longer configured")
	if doc.Find("#pause, #rate").Length() != 0 || doc.Find("#evict").Length() != 1 {
		t.Error("a step that is gone can only have its rows thrown away")
	}
}

func TestStepThatIsNotThere(t *testing.T) {
	t.Parallel()
	doc, _ := stepSite(t, sampleStep()).get(t, "/steps/github/%3Cb%3E", 404)
	shows(t, doc.Find("main"), "has no step <b>")
}

func TestStepIsChanged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		send  []string
		check func(pipeline.StepChange) bool
	}{
		{"pause", []string{"do", "pause", "paused", "true"}, func(c pipeline.StepChange) bool { return c.Paused != nil && *c.Paused && c.Rate == nil }},
		{"resume", []string{"do", "pause", "paused", "false"}, func(c pipeline.StepChange) bool { return c.Paused != nil && !*c.Paused }},
		{"rate alone", []string{"do", "limits", "rate", "2.5", "concurrency", "8"}, func(c pipeline.StepChange) bool {
			return c.Rate != nil && *c.Rate == 2.5 && c.Concurrency == nil && c.Paused == nil
		}},
		{"no limit", []string{"do", "limits", "rate", "0", "concurrency", "16"}, func(c pipeline.StepChange) bool {
			return *c.Rate == 0 && *c.Concurrency == 16
		}},
		{"reset", []string{"do", "reset"}, func(c pipeline.StepChange) bool { return c.Reset }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stub := sampleStep()
			_, w := stepSite(t, stub).post(t, "/steps/github/index", 303, append(tt.send, "reason", "why")...)
			if got := w.Header().Get("Location"); got != "/steps/github/index" {
				t.Errorf("Location %q", got)
			}
			if len(stub.changed) != 1 || stub.changed[0].Reason != "why" || !tt.check(stub.changed[0]) {
				t.Errorf("changed %+v", stub.changed)
			}
		})
	}
}

func TestStepChangeIsRefusedBesideItsField(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		send  []string
		where string
		want  string
	}{
		{"no reason", []string{"do", "pause", "paused", "true"}, "#pause .bad", "Say why"},
		{"bad rate", []string{"do", "limits", "rate", evil, "reason", "why"}, "#step-rate-hint", "A number from 0"},
		{"no calls", []string{"do", "limits", "concurrency", "0", "reason", "why"}, "#step-concurrency-hint", "A whole number from 1"},
		{"nothing new", []string{"do", "limits", "rate", "50", "concurrency", "8", "reason", "why"}, "#step-rate-hint", "Nothing is different"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stub := sampleStep()
			doc, _ := stepSite(t, stub).post(t, "/steps/github/index", 400, tt.send...)
			shows(t, doc.Find(tt.where), tt.want)
			if len(stub.changed) != 0 {
				t.Errorf("changed %+v", stub.changed)
			}
		})
	}
}

func TestEvict(t *testing.T) {
	t.Parallel()
	stub := sampleStep()
	s := stepSite(t, stub)
	_, w := s.post(t, "/steps/github/index/evict", 303, "which", "older_than", "older_than", "2h", "oldest", "", "reason", evil)
	if got := w.Header().Get("Location"); got != "/redrives/op1" {
		t.Errorf("Location %q", got)
	}
	s.post(t, "/steps/github/index/evict", 303, "which", "oldest", "oldest", "100", "reason", "why")
	doc, _ := s.post(t, "/steps/github/index/evict", 200, "which", "oldest", "oldest", "100", "dry_run", "yes")
	shows(t, doc.Find("#evict"), "11 rows would be discarded, 12 matched.", "1 skipped: running now")
	if got := doc.Find("[name=oldest]").AttrOr("value", ""); got != "100" {
		t.Errorf("typed %q is gone", got)
	}
	if len(stub.started) != 3 {
		t.Fatalf("started %+v", stub.started)
	}
	first, second, third := stub.started[0], stub.started[1], stub.started[2]
	if first.Kind != pipeline.OpDiscard || first.Pipeline != "github" || first.Step != "index" || first.OlderThan != 2*time.Hour || first.Oldest != 0 || first.Reason != evil || first.DryRun {
		t.Errorf("first %+v", first)
	}
	if second.Oldest != 100 || second.OlderThan != 0 || !third.DryRun {
		t.Errorf("second %+v, third %+v", second, third)
	}
}

func TestEvictIsRefusedBesideItsField(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ which, value, where, want string }{
		{"older_than", "", "#older-error", "A time like"},
		{"older_than", "tomorrow", "#older-error", "A time like"},
		{"oldest", "0", "#oldest-error", "A whole number"},
		{"", "", "#older-error", "Choose which rows."},
	} {
		stub := sampleStep()
		doc, _ := stepSite(t, stub).post(t, "/steps/github/index/evict", 400, "which", tt.which, tt.which, tt.value, "reason", "why")
		shows(t, doc.Find(tt.where), tt.want)
		if len(stub.started) != 0 {
			t.Errorf("%s %q: started %+v", tt.which, tt.value, stub.started)
		}
	}
	stub := sampleStep()
	stub.err = &pipeline.Error{Code: pipeline.CodeConflict, Text: "another operation works on this step"}
	doc, _ := stepSite(t, stub).post(t, "/steps/github/index/evict", 409, "which", "oldest", "oldest", "5", "reason", "why")
	shows(t, doc.Find("#evict-error"), "Another operation works on this step.")
}
