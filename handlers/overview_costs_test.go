package handlers

import (
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/views"
)

// sampleCosts is a store that is paid for by use, in the middle of its work.
func sampleCosts(now time.Time) *pipeline.Costs {
	return &pipeline.Costs{Prices: "us-east-1", Since: now.Add(-3 * time.Hour), Rows: 48_210, Steps: 144_120, Intake: 1.291, Work: 2.571,
		Units: []pipeline.CostUnit{
			{Name: "queue requests", One: "queue request", Million: 0.4, Row: 0.1, Step: 0.2667, Day: 25_940},
			{Name: "reads", One: "read", Million: 0.125, Row: 0, Step: 1, Day: 129_600},
			{Name: "writes", One: "write", Million: 0.625, Row: 2.0004, Step: 1.0031, Day: 86_400},
		},
		Monthly: []pipeline.CostMonthly{{Name: "metrics", Count: 14, Each: 0.3}, {Name: "alarms", Count: 3, Each: 0.1}, {Name: "none of these", Each: 1}},
		Idle:    0.0812, IdleOver: 9*time.Minute + 20*time.Second, Batch: 10, Claim: 0.625, Beat: 10 * time.Second, Processes: 2}
}

func TestOverviewShowsWhatAStoreThatIsPaidForTakes(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	state := troubled(now)
	state.Costs = sampleCosts(now)
	doc, _ := overviewSite(t, views.Page{}, state).get(t, "/", 200)
	shows(t, doc.Find("#costs .head"), "What it costs", "list prices of us-east-1", "as this process counts; the others' pages have theirs")
	shows(t, doc.Find("#costs .facts"), "$3.86", "$1.29", "48,210 rows", "$2.57", "0.27 queue requests, 1 read, 1 write a step", "$0.16 a day", "2 processes at $0.08", "$4.50 a month")
	shows(t, doc.Find("#costs-parts"), "queue requests", "25,940", "14 metrics at $0.30, 3 alarms at $0.10.", "of the last 9 minutes.", "$0.625 more a million calls, and as much again for every 10 s that a call takes", "Up to 10 messages")
	if strings.Contains(doc.Find("#costs").Text(), "none of these") {
		t.Error("what there is none of has a price")
	}
}

func TestOverviewSaysWhatIsNotMeasuredYet(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	state := troubled(now)
	state.Costs = &pipeline.Costs{Prices: "us-east-1", Since: now, Processes: 1, Batch: 10, Rows: 1, Intake: 1.25}
	doc, _ := overviewSite(t, views.Page{}, state).get(t, "/", 200)
	shows(t, doc.Find("#costs"), "measured on 1 row", "no step was processed here yet", "too early to tell", "Nothing is paid by the month yet.")
	if text := doc.Find("#costs .facts").Text(); strings.Contains(text, "NaN") || strings.Count(text, "–") != 3 {
		t.Errorf("figures that are not known: %s", text)
	}
}

func TestOverviewOfAStoreWithoutPricesHasNone(t *testing.T) {
	t.Parallel()
	doc, _ := overviewSite(t, views.Page{}, troubled(time.Now().UTC())).get(t, "/", 200)
	if doc.Find("#costs").Length() != 0 {
		t.Error("costs are shown where nothing is paid")
	}
}

func TestStepSaysWhatItsClaimsCost(t *testing.T) {
	t.Parallel()
	stub := sampleStep()
	stub.detail.Exclusive = true
	doc, _ := stepSite(t, stub).get(t, "/steps/github/index", 200)
	shows(t, doc.Find(".lede"), "Claimed before each call, so that no two are made at once.")
	stub.detail.Costs = sampleCosts(time.Now().UTC())
	doc, _ = stepSite(t, stub).get(t, "/steps/github/index", 200)
	shows(t, doc.Find(".lede"), "no two are made at once: $0.625 more a million calls, and as much again for every 10 s that a call takes.")
}
