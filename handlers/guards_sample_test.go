package handlers

import (
	"time"

	"redrive/pipeline"
)

var searchRule = pipeline.BreakerConfig{Name: "search-api", FailureRate: 0.5, MinimumCalls: 20, Window: 30 * time.Second, OpenFor: time.Minute, Probes: 3}

// openBreaker opened 22 minutes ago and has probed each minute since.
func openBreaker(now time.Time) pipeline.BreakerDetail {
	opened := now.Add(-22 * time.Minute)
	d := pipeline.BreakerDetail{BreakerView: pipeline.BreakerView{BreakerConfig: searchRule, State: "open", Since: now.Add(-42 * time.Second),
		NextProbeAt: now.Add(18 * time.Second), Waiting: 4210, Reason: "a probe failed after 0 of 3 had succeeded; probes again in 1 min",
		Steps: []pipeline.StepKey{{Pipeline: "github", Step: "index"}}}}
	change := func(at time.Time, from, to, by, reason string) {
		d.History = append([]pipeline.BreakerChange{{At: at, From: from, To: to, By: by, Reason: reason}}, d.History...)
	}
	change(now.Add(-17*time.Hour), "closed", "open", "redrive", "11 of 21 calls failed in 30 s (52.4 %); opens at 50 %")
	change(now.Add(-17*time.Hour+time.Minute), "open", "half-open", "redrive", "was open for 1 min; 3 probes decide")
	change(now.Add(-17*time.Hour+70*time.Second), "half-open", "closed", "redrive", "3 of 3 probes succeeded")
	change(opened, "closed", "open", "redrive", "14 of 20 calls failed in 30 s (70 %); opens at 50 %")
	for at := opened.Add(time.Minute); at.Before(now.Add(-40 * time.Second)); at = at.Add(64 * time.Second) {
		if len(d.Probed) == 10 {
			change(at.Add(-3*time.Second), "open", "half-open", "m.okafor", "search team says it is back")
		} else {
			change(at.Add(-3*time.Second), "open", "half-open", "redrive", "was open for 1 min; 3 probes decide")
		}
		change(at, "half-open", "open", "redrive", "a probe failed after 0 of 3 had succeeded; probes again in 1 min")
		d.Probed = append([]pipeline.Probe{{At: at, Row: "01krj4tvm2e8q0aw8qzm7t", Pipeline: "github", Step: "index", Error: "no answer in 5.0 s"}}, d.Probed...)
	}
	for i := range 38 {
		share := 0.02 + 0.012*float64(i)
		d.Rates = append(d.Rates, pipeline.Datapoint{At: now.Add(time.Duration(i-60) * time.Minute).Truncate(time.Minute), Count: float64(38 + i%7), Sum: share * float64(38+i%7)})
	}
	d.Rates[37].Sum = 0.7 * d.Rates[37].Count
	return d
}

func closedBreaker(now time.Time) pipeline.BreakerDetail {
	rule := searchRule
	rule.Name = "mail"
	return pipeline.BreakerDetail{BreakerView: pipeline.BreakerView{BreakerConfig: rule, State: "closed", Since: now.Add(-33 * time.Hour),
		Calls: 47, Failed: 1, FailureNow: 1.0 / 47, Waiting: 6, Steps: []pipeline.StepKey{{Pipeline: "github", Step: "notify"}}},
		History: []pipeline.BreakerChange{{At: now.Add(-33 * time.Hour), From: "half-open", To: "closed", By: "redrive", Reason: "3 of 3 probes succeeded"}}}
}

func heldBreaker(now time.Time, state string) pipeline.BreakerDetail {
	d := closedBreaker(now)
	d.State, d.Held, d.HeldBy, d.HeldUntil, d.Reason, d.Since = state, true, "a.reyes", now.Add(47*time.Minute), "mail provider migrates", now.Add(-13*time.Minute)
	d.History = append([]pipeline.BreakerChange{{At: d.Since, From: "closed", To: state, By: "a.reyes", Reason: d.Reason}}, d.History...)
	return d
}

func sampleSchedule(now time.Time) pipeline.SweepSchedule {
	set := pipeline.SweepSettings{Cron: "0 */3 * * *", StuckAfter: 15 * time.Minute, Enabled: true}
	s := pipeline.SweepSchedule{SweepSettings: set, Configured: set}
	for i := range 5 {
		s.NextRuns = append(s.NextRuns, now.Truncate(3*time.Hour).Add(time.Duration(i+1)*3*time.Hour))
	}
	return s
}

func sampleSweeps(now time.Time) []pipeline.Sweep {
	run := func(id string, ago time.Duration, scanned, stuck int64) pipeline.Sweep {
		at := now.Add(-ago)
		return pipeline.Sweep{ID: id, State: pipeline.SweepDone, Scanned: scanned, Stuck: stuck, Requeued: stuck, StartedAt: at, FinishedAt: at.Add(4100 * time.Millisecond), By: "redrive"}
	}
	first := run("01krj0sweep3", 24*time.Minute, 12480, 3)
	for _, r := range []string{"01krj0a4h7y3me2x7wd00", "01krj0a7h7y3mr88kvc00", "01krhz8qh7y3m5mt3py00"} {
		first.Rows = append(first.Rows, pipeline.Stuck{Row: r, Step: "archive", Why: "index and notify processed by 2026-05-14T01:52:07Z, and this step was never queued"})
	}
	dry := run("01krj0dry", 5*time.Hour, 11987, 2)
	dry.DryRun, dry.Requeued, dry.By, dry.Pipeline, dry.Rows = true, 0, "j.lindqvist", "github", first.Rows[:2]
	broken := run("01krj0broken", 8*time.Hour, 812, 0)
	broken.State, broken.Error = pipeline.SweepFailed, "its process ended before it did"
	return []pipeline.Sweep{first, run("01krj0quiet", 3*time.Hour, 12102, 0), dry, run("01krj0e", 6*time.Hour, 11940, 0), broken, run("01krj0f", 9*time.Hour, 12311, 1)}
}

func sampleAlarms(now time.Time) alarmStub {
	value := func(v float64) *float64 { return &v }
	letters := pipeline.AlarmDetail{AlarmView: pipeline.AlarmView{AlarmConfig: pipeline.AlarmConfig{Name: "dead-letters", Metric: "dead_letters",
		Dimensions: pipeline.Dimensions{Pipeline: "github"}, Statistic: "max", Comparison: ">=", Threshold: 5, Period: time.Minute, Periods: 1, Datapoints: 1,
		Missing: "not_breaching", Severity: "notice"}, State: pipeline.AlarmOn, Value: value(118), Since: now.Add(-39 * time.Minute),
		Reason: "max of dead_letters is 118; 1 of the last 1 periods of 1m0s were >= 5"}}
	for i := range 60 {
		letters.Points = append(letters.Points, pipeline.Datapoint{At: now.Add(time.Duration(i-60) * time.Minute).Truncate(time.Minute), Max: float64(max(0, min(118, (i-20)*6))), Count: 1})
	}
	letters.History = []pipeline.AlarmChange{
		{At: now.Add(-39 * time.Minute), From: "ok", To: "alarm", Reason: "max of dead_letters is 6; 1 of the last 1 periods of 1m0s were >= 5", Notified: []pipeline.Notified{
			{Route: "slack", OK: true, At: now.Add(-39 * time.Minute).Add(time.Second)}, {Route: "webhook", Error: "no answer in 10 s", At: now.Add(-38 * time.Minute)}}},
		{At: now.Add(-30 * time.Hour), From: "alarm", To: "ok", Reason: "max of dead_letters is 0; 0 of the last 1 periods of 1m0s were >= 5", Notified: []pipeline.Notified{{Route: "slack", OK: true, At: now.Add(-30 * time.Hour)}}},
		{At: now.Add(-31 * time.Hour), From: "ok", To: "alarm", Reason: "max of dead_letters is 9; 1 of the last 1 periods of 1m0s were >= 5"},
		{At: now.Add(-50 * time.Hour), From: "insufficient-data", To: "ok", Reason: "max of dead_letters is 0; 0 of the last 1 periods of 1m0s were >= 5"}}
	rate := pipeline.AlarmConfig{Name: "high-error-rate", Metric: "error_rate", Statistic: "average", Comparison: ">=", Threshold: 0.03, Period: time.Minute, Periods: 3, Datapoints: 3, Missing: "breaching", Severity: "page"}
	slow := pipeline.AlarmConfig{Name: "archive-waits", Metric: "oldest_waiting_seconds", Dimensions: pipeline.Dimensions{Pipeline: "github", Step: "archive"}, Statistic: "max", Comparison: ">", Threshold: 120, Period: 5 * time.Minute, Periods: 1, Datapoints: 1, Missing: "missing", Severity: "notice"}
	return alarmStub{{AlarmView: pipeline.AlarmView{AlarmConfig: rate, State: pipeline.AlarmOK, Value: value(0.009), Since: now.Add(-17 * time.Minute), Reason: "average of error_rate is 0.009; 0 of the last 3 periods of 1m0s were >= 0.03"}},
		letters, {AlarmView: pipeline.AlarmView{AlarmConfig: slow, State: pipeline.AlarmInsufficient, Since: now.Add(-17 * time.Minute), Reason: "no data in 5m0s"}}}
}
