package views

import (
	"testing"
	"time"

	"redrive/pipeline"
)

func TestStepNoteSaysWhatHoldsBeforeHowFast(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 14, 3, 24, 10, 0, time.UTC)
	open := &pipeline.BreakerView{State: "open", Since: now.Add(-22 * time.Minute), HeldBy: "a.reyes"}
	tests := []struct {
		name string
		step pipeline.StepView
		want string
		tone Tone
	}{
		{"paused by a person", pipeline.StepView{Settings: pipeline.StepSettings{Paused: true}, ChangedBy: "local", ChangedWhy: "deploy", BreakerState: "open"}, "paused by local: deploy", Hold},
		{"open", pipeline.StepView{BreakerState: "open", BreakerView: open, Behind: true}, "paused by its breaker for 22 m", Fault},
		{"held open", pipeline.StepView{BreakerState: "open", BreakerHeld: true, BreakerView: open}, "held open by a.reyes", Hold},
		{"half-open", pipeline.StepView{BreakerState: "half-open"}, "probing", Warn},
		{"fault on purpose", pipeline.StepView{FaultsOn: 1, Behind: true}, "a fault is on", Hold},
		{"falling behind", pipeline.StepView{Behind: true, DrainIn: 12 * time.Minute}, "falling behind: drains in 12 minutes at this rate", Warn},
		{"falling behind for ever", pipeline.StepView{Behind: true, Arrivals: 3.2, Departures: 2}, "falling behind: 3.2/s come, 2/s leave", Warn},
		{"idle", pipeline.StepView{}, "idle", Plain},
		{"nothing came yet", pipeline.StepView{Counts: pipeline.StepCounts{Waiting: 4328}}, "idle, 4,328 not here yet", Plain},
		{"flowing", pipeline.StepView{Arrivals: 3.1, Departures: 3.1, P95: 380 * time.Millisecond}, "3.1/s, p95 380 ms", Plain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, tone := stepNote(tt.step, now); got != tt.want || tone != tt.tone {
				t.Errorf("%q, %q, want %q, %q", got, tone, tt.want, tt.tone)
			}
		})
	}
}

func TestOverviewLineDrawsOnlyWhatIsConfigured(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 14, 3, 24, 10, 0, time.UTC)
	breaker := &pipeline.BreakerView{BreakerConfig: pipeline.BreakerConfig{Name: "search-api", Probes: 3}, State: "open", NextProbeAt: now.Add(18 * time.Second)}
	v := pipeline.PipelineView{Name: "github", ArrivalRate: 3.2, Rows: map[pipeline.Status]int64{pipeline.StatusDone: 123890, pipeline.StatusDead: 118}, Steps: []pipeline.StepView{
		{Pipeline: "github", Name: "index", Breaker: "search-api", BreakerState: "open", BreakerView: breaker, Counts: pipeline.StepCounts{Queued: 4210, Retrying: 31, Dead: 118}},
		{Pipeline: "github", Name: "old", Gone: true, Counts: pipeline.StepCounts{Queued: 1}}}}
	line := overviewLine("/", v, now)
	if len(line.Steps) != 1 || line.Start == nil || line.Start.Note != "124,008 kept" || line.End.Figures[0].Value != "123,890" {
		t.Fatalf("line %+v", line)
	}
	s := line.Steps[0]
	if b := s.Breaker; b.Note != "probe 0:18" || b.Pile != 4241 || b.Href != "/breakers/search-api" {
		t.Errorf("breaker %+v", s.Breaker)
	}
	if dead := s.Figures[3]; dead.Value != "118" || dead.Tone != Fault || dead.Href != "/dead-letters?pipeline=github&step=index" {
		t.Errorf("dead %+v", dead)
	}
	if running := s.Figures[1]; running.Value != "0" || running.Href != "" {
		t.Errorf("running %+v", running)
	}
}

func TestBreakerNote(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 14, 3, 24, 10, 0, time.UTC)
	for want, b := range map[string]pipeline.BreakerView{
		"until 03:40":   {State: "open", Held: true, HeldUntil: now.Add(16 * time.Minute)},
		"1 of 3 probes": {State: "half-open", Granted: 1, BreakerConfig: pipeline.BreakerConfig{Probes: 3}},
		"2.10 %":        {State: "closed", Calls: 190, FailureNow: 0.021},
		"":              {State: "closed"},
	} {
		if got := breakerNote(&b, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestLinkedFindsWhatANeedIsAbout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		need                 pipeline.Need
		before, found, after string
	}{
		{pipeline.Need{Object: "mail", Count: 4210, Text: "Breaker mail is open; 4210 rows wait"}, "Breaker ", "mail", " is open; 4,210 rows wait."},
		{pipeline.Need{Object: "g1", Count: 1, Step: "index", Text: "1 dead letter at index: timeout"}, "", "1 dead letter", " at index: timeout."},
		{pipeline.Need{Object: "github/index", Step: "index", Text: "Step index is gone."}, "Step ", "index", " is gone."},
		{pipeline.Need{Text: "Something else"}, "Something else.", "", ""},
	} {
		if b, f, a := linked(tt.need); b != tt.before || f != tt.found || a != tt.after {
			t.Errorf("%q %q %q, want %q %q %q", b, f, a, tt.before, tt.found, tt.after)
		}
	}
}

func TestFaultSentence(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]pipeline.Fault{
		"30 % of the index calls in github fail on purpose":                                  {ErrorRate: 0.3, Step: "index"},
		"30 % of the index calls in github fail and 5 % are told to slow down on purpose":    {ErrorRate: 0.3, Throttle: 0.05, Step: "index"},
		"5 % of the calls in github are told to slow down and all start 2 s late on purpose": {Throttle: 0.05, Latency: 2 * time.Second},
		"the index calls in github start 500 ms late on purpose":                             {Latency: 500 * time.Millisecond, Step: "index"},
		"nothing happens to the index calls in github on purpose":                            {Step: "index"},
	} {
		f.Pipeline = "github"
		if got := FaultSentence(f); got != want {
			t.Errorf("%q\nwant %q", got, want)
		}
	}
}

func TestObjectsLeadToTheirPages(t *testing.T) {
	t.Parallel()
	for object, want := range map[string]string{
		"rows/01k": "/rows/01k", "redrives/01k": "/redrives/01k", "breakers/a b": "/breakers/a%20b", "steps/github/index": "/steps/github/index",
		"faults/f1": "/faults", "sweeps/schedule": "/sweeps", "sweeps/01k": "/sweeps/01k", "alarms/x": "/alarms/x",
		"": "", "rows": "", "rows/": "", "users/x": "", "steps/x": "", "javascript:alert(1)": "", "//evil/x": "",
	} {
		if got := objectHref("/", object); string(got) != want {
			t.Errorf("%q leads to %q, want %q", object, got, want)
		}
	}
}

func TestRetryWords(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]pipeline.StepView{
		"After a failure it waits 1 s doubling to 60 s with full jitter, five attempts in all, then the dead-letter queue.": {Attempts: 5, Base: time.Second, Cap: time.Minute, Jitter: "full"},
		"After a failure it waits 500 ms without jitter, until it succeeds.":                                                {Base: 500 * time.Millisecond, Cap: 500 * time.Millisecond, Jitter: "none"},
		"After a failure the row goes to the dead-letter queue at once.":                                                    {Attempts: 1},
	} {
		if got := retryWords(s); got != want {
			t.Errorf("%q\nwant %q", got, want)
		}
	}
}
