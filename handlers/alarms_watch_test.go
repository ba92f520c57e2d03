package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
)

// watchedAlarms are the sample's, as somebody outside sees them too.
func watchedAlarms(now time.Time) alarmStub {
	list := sampleAlarms(now)
	seen := now.Add(-20 * time.Second)
	list[0].Watched = &pipeline.WatchedAlarm{Source: "CloudWatch", State: pipeline.AlarmOK, Since: now.Add(-5 * time.Hour), SeenAt: seen}
	list[1].Watched = &pipeline.WatchedAlarm{Source: "CloudWatch", State: pipeline.AlarmOn, Since: now.Add(-40 * time.Minute), Reason: "Threshold Crossed", SeenAt: seen}
	list[2].Watched = &pipeline.WatchedAlarm{Source: "CloudWatch", SeenAt: seen}
	return list
}

func TestAlarmsShowHowTheyStandOutside(t *testing.T) {
	now := time.Now().UTC()
	doc, _ := guardPages{alarms: watchedAlarms(now)}.open(t).get(t, "/alarms", http.StatusOK)
	if got := text(doc.Find("thead th").Eq(1).Text()); got != "CloudWatch" {
		t.Errorf("second column is %q", got)
	}
	for i, want := range []string{"alarm", "not there", "ok"} {
		if got := text(doc.Find("tbody tr").Eq(i).Find("td").Eq(1).Text()); got != want {
			t.Errorf("line %d says %q, want %q", i, got, want)
		}
	}
	if strings.Contains(doc.Find("main").Text(), "has not answered") {
		t.Error("it answers, and the page says it does not")
	}
}

func TestAlarmsWithoutAWatchmanSayNothingOfOne(t *testing.T) {
	c := guardPages{alarms: sampleAlarms(time.Now().UTC())}.open(t)
	for _, path := range []string{"/alarms", "/alarms/dead-letters"} {
		doc, _ := c.get(t, path, http.StatusOK)
		if page := doc.Find("main").Text(); strings.Contains(page, "CloudWatch") || strings.Contains(page, "has not answered") {
			t.Errorf("%s speaks of a watchman", path)
		}
	}
}

func TestAlarmsSaySinceWhenTheWatchmanIsSilent(t *testing.T) {
	now := time.Now().UTC()
	list := watchedAlarms(now)
	for i := range list {
		list[i].Watched.FailingSince, list[i].Watched.Error = now.Add(-2*time.Hour), "no answer to cloudwatch:DescribeAlarms <b>"
	}
	c := guardPages{alarms: list}.open(t)
	for _, path := range []string{"/alarms", "/alarms/dead-letters"} {
		doc, _ := c.get(t, path, http.StatusOK)
		note := doc.Find("main .note-warn")
		wantText(t, note, "CloudWatch has not answered since", "No answer to cloudwatch:DescribeAlarms <b>. Alarms are judged here as before.")
		if at, _ := note.Find("time").Attr("datetime"); !strings.HasPrefix(at, now.Add(-2*time.Hour).Format("2006-01-02T15:04:05")) {
			t.Errorf("%s says since %q", path, at)
		}
	}
}

func TestAlarmPageShowsWhatIsSeenOutside(t *testing.T) {
	now := time.Now().UTC()
	list := watchedAlarms(now)
	list[1].History = append([]pipeline.AlarmChange{{At: now.Add(-40 * time.Minute), From: "ok", To: "alarm", Reason: "CloudWatch: Threshold Crossed", Source: "CloudWatch"}}, list[1].History...)
	c := guardPages{alarms: list}.open(t)
	doc, _ := c.get(t, "/alarms/dead-letters", http.StatusOK)
	wantText(t, doc.Find(".facts"), "CloudWatch alarm for 40 m")
	wantText(t, doc.Find("table.hist tbody tr").First(), "CloudWatch: Threshold Crossed", "–")
	if n := doc.Find("figure.chart rect.ch-open").Length(); n != 1 {
		t.Errorf("%d stretches on the chart: what was seen elsewhere is none", n)
	}
	doc, _ = c.get(t, "/alarms/archive-waits", http.StatusOK)
	wantText(t, doc.Find(".facts"), "CloudWatch not there server provision creates it")
}
