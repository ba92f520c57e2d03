package handlers

import (
	"log/slog"
	"testing"
	"time"

	"context"

	"redrive/pipeline"
)

func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

type noFaults struct{}

func (noFaults) List(context.Context) []pipeline.Fault { return nil }

// troubled is one pipeline in trouble: an open breaker, dead letters.
func troubled(now time.Time) pipeline.Overview {
	search := pipeline.BreakerView{BreakerConfig: pipeline.BreakerConfig{Name: "search-api"}, State: "open", Since: now.Add(-22 * time.Minute), NextProbeAt: now.Add(18 * time.Second)}
	mail := pipeline.BreakerView{BreakerConfig: pipeline.BreakerConfig{Name: "mail"}, State: "closed"}
	step := func(name string, breaker *pipeline.BreakerView, needs ...string) pipeline.StepView {
		s := pipeline.StepView{Pipeline: "github", Name: name, Needs: needs, Target: "http://127.0.0.1:9001/" + name, Attempts: 5, Base: time.Second, Cap: time.Minute, Jitter: "full"}
		if breaker != nil {
			s.Breaker, s.BreakerState, s.BreakerView = breaker.Name, breaker.State, breaker
		}
		return s
	}
	index, notify := step("index", &search, "validate"), step("notify", &mail, "validate")
	index.Counts.Dead, notify.Counts.Dead = 118, 14
	return pipeline.Overview{At: now, Breakers: []pipeline.BreakerView{search, mail}, Pipelines: []pipeline.PipelineView{{Name: "github",
		Rows:  map[pipeline.Status]int64{"done": 123890, "in_progress": 4210, "accepted": 151, "dead": 132, "rejected": 7, "discarded": 12},
		Steps: []pipeline.StepView{step("validate", nil), index, notify, step("archive", nil, "index", "notify")}}}}
}

// two is troubled with a second pipeline beside it.
func two(now time.Time) pipeline.Overview {
	o := troubled(now)
	o.Pipelines = append(o.Pipelines, pipeline.PipelineView{Name: "images", Rows: map[pipeline.Status]int64{"done": 20},
		Steps: []pipeline.StepView{{Pipeline: "images", Name: "resize"}}})
	return o
}

func processed(name string, at time.Time, attempts int) pipeline.Flag {
	return pipeline.Flag{Name: name, Needs: needsOf(name), State: pipeline.StateProcessed, ProcessedAt: at, Attempts: attempts, TouchedAt: at}
}

func waiting(name string) pipeline.Flag {
	return pipeline.Flag{Name: name, Needs: needsOf(name), State: pipeline.StateWaiting}
}

// needsOf is the graph of the sample rows.
func needsOf(name string) []string {
	switch name {
	case "index", "notify":
		return []string{"validate"}
	case "archive":
		return []string{"index", "notify"}
	default:
		return nil
	}
}

func deadFlag(name, err string) pipeline.Flag {
	return pipeline.Flag{Name: name, Needs: needsOf(name), State: pipeline.StateDead, Attempts: 5, LastError: err}
}

func retryingFlag(name string, next time.Time, attempts int) pipeline.Flag {
	return pipeline.Flag{Name: name, Needs: needsOf(name), State: pipeline.StateRetrying, Attempts: attempts, NextAttemptAt: next, LastError: "503 no shard available"}
}

// sampleRows has a row in every state a flag can be in.
func sampleRows(now time.Time) []pipeline.Row {
	at := func(ago time.Duration) time.Time { return now.Add(-ago) }
	row := func(id, label string, ago time.Duration, status pipeline.Status, steps ...pipeline.Flag) pipeline.Row {
		return pipeline.Row{ID: id, Pipeline: "github", Label: label, Status: status, CreatedAt: at(ago), UpdatedAt: at(ago / 2), Steps: steps, ContentType: "application/json", Size: 9850}
	}
	running := pipeline.Flag{State: pipeline.StateRunning, Attempts: 1, TouchedAt: at(time.Second)}
	named := func(f pipeline.Flag, name string) pipeline.Flag { f.Name = name; return f }
	queued := pipeline.Flag{Name: "index", State: pipeline.StateQueued, TouchedAt: at(2 * time.Second)}
	rows := []pipeline.Row{
		row("01krj4v2m7qd8n5t6w8x0fd3ab", "workflow_job.queued", time.Second, pipeline.StatusAccepted, named(running, "validate"), waiting("index"), waiting("notify"), waiting("archive")),
		row("01krj4v1m7qd8n5t6wc27k9mab", "push", 2*time.Second, pipeline.StatusInProgress, processed("validate", at(time.Second), 1), queued, named(running, "notify"), waiting("archive")),
		row("01krj4txm7qd8n5t6wm90rvbab", "issues.opened", 12*time.Second, pipeline.StatusInProgress, processed("validate", at(11*time.Second), 1), queued, retryingFlag("notify", now.Add(7*time.Second), 1), waiting("archive")),
		row("01krj4tvm7qd8n5t6w8qzm7tab", "check_run.rerequested", 23*time.Second, pipeline.StatusInProgress, processed("validate", at(22*time.Second), 1), retryingFlag("index", now.Add(18*time.Second), 3), processed("notify", at(20*time.Second), 1), waiting("archive")),
		row("01krj4r8m7qd8n5t6we1jd70ab", "merge_group.checks_requested", 5*time.Minute, pipeline.StatusDead, processed("validate", at(5*time.Minute), 1), queued, deadFlag("notify", "550 mailbox unavailable: octocat@example.com"), waiting("archive")),
		row("01krj3x5m7qd8n5t6wv6n2hgab", "issue_comment.created", 23*time.Minute, pipeline.StatusDead, processed("validate", at(23*time.Minute), 1), deadFlag("index", "timeout calling search-api after 5.000 s"), processed("notify", at(23*time.Minute), 3), waiting("archive")),
		row("01krj2m7m7qd8n5t6wd7c05yab", "marketplace_purchase.purchased", 53*time.Minute, pipeline.StatusRejected, waiting("validate"), waiting("index"), waiting("notify"), waiting("archive")),
		row("01krj2kxm7qd8n5t6whb93feab", "package.published", 30*time.Hour, pipeline.StatusDone, processed("validate", at(30*time.Hour), 1), processed("index", at(30*time.Hour), 1), processed("notify", at(30*time.Hour), 1), processed("archive", at(30*time.Hour), 1)),
		row("01krj2jxm7qd8n5t6whb93feab", "", 31*time.Hour, pipeline.StatusDiscarded, processed("validate", at(31*time.Hour), 1), deadFlag("index", "timeout"), waiting("notify"), waiting("archive")),
	}
	rows[6].Error = "/repository: missing property id"
	return rows
}

// sampleRow is a row between two tries with a history of every outcome.
func sampleRow(now time.Time) pipeline.RowDetail {
	at := func(ago time.Duration) time.Time { return now.Add(-ago) }
	d := pipeline.RowDetail{Row: sampleRows(now)[3], Key: "c52650f0-682f-471c-846b-9810f5b6c236"}
	d.Payload = []byte(`{"action":"rerequested","check_run":{"name":"Octocoders-linter","head_sha":"ec26c3e57ca3a959ca5aad62de7213c562f8c821","id":118578147,"ok":true},"repository":{"full_name":"github/hello-world","private":false},"sender":{"login":"octocat"}}`)
	d.Results = map[string][]byte{"validate": []byte(`{"ok":true}`), "notify": []byte("202 accepted")}
	a := func(step string, n int, ago, took time.Duration, out pipeline.AttemptOutcome, code int, err string) pipeline.Attempt {
		return pipeline.Attempt{Step: step, Number: n, StartedAt: at(ago), Duration: took, Outcome: out, StatusCode: code, Error: err, Worker: "worker-2"}
	}
	d.Attempts = []pipeline.Attempt{
		a("index", 3, 18*time.Second, 5*time.Second, pipeline.AttemptFailed, 0, "timeout calling search-api: no answer in 5.0 s"),
		a("index", 2, 20*time.Second, 210*time.Millisecond, pipeline.AttemptFailed, 503, `search-api: {"error":"no shard available"}`),
		a("index", 1, 21*time.Second, 190*time.Millisecond, pipeline.AttemptFailed, 503, `search-api: {"error":"no shard available"}`),
		a("notify", 1, 21*time.Second, 380*time.Millisecond, pipeline.AttemptProcessed, 202, ""),
		a("validate", 1, 23*time.Second, 40*time.Millisecond, pipeline.AttemptProcessed, 200, ""),
	}
	return d
}

func sampleGroups(now time.Time) []pipeline.Group {
	return []pipeline.Group{
		{Group: "g1", Error: "timeout calling search-api", Pipeline: "github", Step: "index", Kind: "handler", Count: 118, FirstAt: now.Add(-40 * time.Minute), LastAt: now.Add(-22 * time.Minute), Recent: [4]int64{0, 118, 118, 118}},
		{Group: "g2", Error: "550 mailbox unavailable: ‹address›", Pipeline: "github", Step: "notify", Kind: "handler", Count: 9, FirstAt: now.Add(-20 * time.Hour), LastAt: now.Add(-5 * time.Minute), Recent: [4]int64{1, 2, 5, 9}},
		{Group: "g4", Error: "connection refused by ‹host›", Pipeline: "github", Step: "notify", Kind: "undeliverable", Count: 5, FirstAt: now.Add(-3 * time.Hour), LastAt: now.Add(-50 * time.Minute), Recent: [4]int64{0, 1, 1, 1}},
	}
}

func sampleLetters(now time.Time) []pipeline.DeadLetter {
	var out []pipeline.DeadLetter
	for i, label := range []string{"issue_comment.created", "code_scanning_alert.created", "push", "pull_request.opened", "workflow_run.completed", "release.prereleased"} {
		n := string(rune('a' + i))
		out = append(out, pipeline.DeadLetter{ID: "l" + n, Row: "01krj3x5m7qd8n5t6wv6n2hg" + n, Pipeline: "github", Step: "index", Error: "timeout calling search-api after 5.00" + n + " s", Group: "g1", Attempts: 5, Kind: "handler", FirstFailedAt: now.Add(-time.Hour), DeadAt: now.Add(-time.Duration(i+22) * time.Minute), Label: label})
	}
	return out
}

// sampleRedrive runs, with outcomes of every kind.
func sampleRedrive(now time.Time) pipeline.Operation {
	return pipeline.Operation{ID: "01op", Kind: pipeline.OpRedrive, State: pipeline.OpRunning, Selector: pipeline.Selector{Pipeline: "github", Step: "index", Group: "g1"},
		Matched: 118, Eligible: 112, Skipped: []pipeline.Skip{{Why: "already processed", Count: 4}, {Why: "discarded", Count: 2}},
		Moved: 84, Succeeded: 79, FailedAgain: 2, Rate: 1, By: "m.okafor", Reason: "search team rolled back", StartedAt: now.Add(-90 * time.Second)}
}
