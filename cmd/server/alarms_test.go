package main

import (
	"net/http"
	"strings"
	"testing"
)

// A storm of dead letters sets off two alarms, of which the route that takes
// their severity is told once.
func TestAlarmGoesOff(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("call")}, `alarms:
  - {name: many-dead, metric: dead_letters, pipeline: github, statistic: max, threshold: 4, period: 10s, severity: page}
  - {name: some-dead, metric: dead_letters, threshold: 2, period: 10s, severity: page}
  - {name: only-a-notice, metric: dead_letters, threshold: 1, period: 10s, severity: notice}
  - {name: too-many-dead, metric: dead_letters, threshold: 1000, period: 10s, severity: page}
notify:
  - {kind: webhook, url: "${DOWNSTREAM}/pager", severities: [page]}
  - {kind: webhook, url: "${DOWNSTREAM}/broken", severities: [notice]}`))
	p.down.on("broken", always(http.StatusInternalServerError))
	equal(t, "state at first", p.alarm("too-many-dead").State == "alarm", false)
	p.down.on("call", always(422))
	p.change("call", body{"paused": true, "reason": "so that all die at once"})
	p.accept(20)
	eventually(t, "rows to wait", func() int { return p.step("call").Queued }, is(20))
	p.change("call", body{"paused": false, "reason": "now"})
	a := eventually(t, "the alarm", func() alarmDoc { return p.alarm("many-dead") }, func(a alarmDoc) bool {
		return a.State == "alarm" && a.Value != nil && *a.Value == 20 && len(a.History) > 0 && len(a.History[0].Notified) > 0
	})
	if a.Threshold != 4 || a.Metric != "dead_letters" || a.Severity != "page" || a.Reason == nil || a.Since.IsZero() {
		t.Errorf("alarm %+v", a)
	}
	change := a.History[0]
	if change.To != "alarm" || len(change.Notified) != 1 || !change.Notified[0].OK || change.Notified[0].Error != nil || change.Notified[0].Route == "" || change.Notified[0].At == nil {
		t.Errorf("history %+v", a.History)
	}
	eventually(t, "the notice of the other", func() alarmDoc { return p.alarm("some-dead") }, func(a alarmDoc) bool {
		return len(a.History) > 0 && len(a.History[0].Notified) > 0
	})
	calls, messages := p.down.seen("pager", ""), ""
	if len(calls) > 2 { // as a rule one; on a busy machine the counters come to 20 in more than one step
		t.Errorf("%d messages about the storm", len(calls))
	}
	for _, c := range calls {
		messages += string(c.body)
	}
	for text, want := range map[string]int{"many-dead": 1, "some-dead": 1, "only-a-notice": 0, "too-many-dead": 0} {
		equal(t, "messages that name "+text, strings.Count(messages, `"`+text+`"`), want)
	}
	notice := eventually(t, "the failed notice", func() alarmDoc { return p.alarm("only-a-notice") }, func(a alarmDoc) bool {
		return len(a.History) > 0 && len(a.History[0].Notified) > 0
	})
	if n := notice.History[0].Notified; len(n) != 1 || n[0].OK || n[0].Error == nil || strings.Contains(*n[0].Error, p.down.URL) {
		t.Errorf("notified %+v", n)
	}
	list := read[struct{ Alarms []alarmDoc }](p, "/api/v1/alarms").Alarms
	equal(t, "alarms", len(list), 4)
	p.get("/api/v1/alarms/nowhere").refused(http.StatusNotFound, "nowhere")
}

func (p *testProgram) alarm(name string) alarmDoc {
	p.t.Helper()
	return read[alarmDoc](p, "/api/v1/alarms/"+name)
}

// Left out, the five usual alarms watch.
func TestUsualAlarms(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	var metrics []string
	for _, a := range read[struct{ Alarms []alarmDoc }](p, "/api/v1/alarms").Alarms {
		metrics = append(metrics, a.Metric)
	}
	equal(t, "metrics", strings.Join(metrics, " "), "dead_letters error_rate oldest_waiting_seconds stuck_rows breaker_open")
}
