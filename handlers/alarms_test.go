package handlers

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"redrive/pipeline"
)

func TestAlarmsList(t *testing.T) {
	now := time.Now().UTC()
	all := sampleAlarms(now)
	for want, list := range map[string]alarmStub{
		"No alarm is configured":                  nil,
		"No alarm is raised":                      all[:1],
		"The alarm is raised":                     all[1:2],
		"1 of 3 alarms is raised":                 all,
		"All 2 alarms are raised":                 {all[1], all[1]},
		"2 of 3 alarms are raised":                {all[1], all[1], all[0]},
		"No alarm is raised, 1 of 2 without data": {all[0], all[2]},
	} {
		doc, _ := guardPages{alarms: list}.open(t).get(t, "/alarms", http.StatusOK)
		if got := text(doc.Find("h1").Text()); got != want {
			t.Errorf("heading %q, want %q", got, want)
		}
	}
	doc, _ := guardPages{alarms: all}.open(t).get(t, "/alarms", http.StatusOK)
	rows := doc.Find("tbody tr")
	for i, want := range []string{"dead-letters", "archive-waits", "high-error-rate"} {
		if got := text(rows.Eq(i).Find("a.cell").Text()); got != want {
			t.Errorf("line %d is %q, want %q: what is raised comes first", i, got, want)
		}
	}
	wantText(t, rows.Eq(0), "alarm", "max of dead_letters of github >= 5, in 1 of 1 period of 1 m", "notice", "118")
	wantText(t, rows.Eq(1), "no data", "max of oldest_waiting_seconds of archive in github > 2 m, in 1 of 1 period of 5 m", "none")
	wantText(t, rows.Eq(2), "ok", "average of error_rate >= 3 %, in 3 of 3 periods of 1 m", "page", "0.90 %")
	wantText(t, doc.Find("main"), "Each route under “notify”")
}

func TestAlarmPage(t *testing.T) {
	now := time.Now().UTC()
	c := guardPages{alarms: sampleAlarms(now)}.open(t)
	doc, _ := c.get(t, "/alarms/dead-letters", http.StatusOK)
	wantText(t, doc.Find("main"), "dead-letters is raised", "Value 118", "Threshold >= 5", "Raised for 39 m",
		"Raised when the max of dead_letters of github >= 5, in 1 of 1 period of 1 m. A period without data counts as fine.",
		"slack", "webhook: no answer in 10 s", "nobody")
	if doc.Find(`a.btn[href="/dead-letters?pipeline=github"]`).Length() != 1 {
		t.Error("no link to the dead letters")
	}
	if doc.Find("figure.chart .ch-thr").Length() != 1 || doc.Find("figure.chart rect.ch-open").Length() != 1 {
		t.Error("the chart lacks its threshold or the stretch it was raised")
	}
	if doc.Find("tbody .badge-fault").Length() != 1 {
		t.Error("a failed delivery does not stand out")
	}
	quiet, _ := c.get(t, "/alarms/archive-waits", http.StatusOK)
	wantText(t, quiet.Find("main"), "archive-waits has no data", "Value none", "No data in this time", "It has never changed", "Step archive")
	calm, _ := c.get(t, "/alarms/high-error-rate", http.StatusOK)
	wantText(t, calm.Find("main"), "high-error-rate is ok", "Value 0.90 %", "A period without data counts as past the threshold.", "Overview")
	c.get(t, "/alarms/nobody", http.StatusNotFound)
}

func TestAlarmsHostile(t *testing.T) {
	now := time.Now().UTC()
	a := sampleAlarms(now)[1]
	a.Name, a.Reason, a.Metric, a.Statistic, a.Severity = hostile, hostile, hostile, hostile, hostile
	a.Dimensions = pipeline.Dimensions{Pipeline: hostile, Step: hostile, Breaker: hostile}
	a.History = []pipeline.AlarmChange{{At: now, From: hostile, To: hostile, Reason: hostile, Notified: []pipeline.Notified{{Route: hostile, Error: hostile, At: now}}}}
	c := guardPages{alarms: alarmStub{a}}.open(t)
	for _, path := range []string{"/alarms", "/alarms/" + url.PathEscape(hostile)} {
		doc, _ := c.get(t, path, http.StatusOK)
		wantText(t, doc.Find("main"), hostile)
		if doc.Find("main img").Length() > 0 {
			t.Error("markup came through")
		}
	}
}
