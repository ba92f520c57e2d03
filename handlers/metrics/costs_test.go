package metrics_test

import (
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
)

func TestScrapeOfAStoreThatIsPaidForByUse(t *testing.T) {
	t.Parallel()
	w := scrape(t, state{overview: pipeline.Overview{Costs: &pipeline.Costs{
		Rows: 200, Steps: 600, Intake: 1.25, Work: 2.5, Idle: 0.125, IdleOver: time.Minute, Claim: 0.625,
		Monthly: []pipeline.CostMonthly{{Name: "metrics", Count: 10, Each: 0.25}},
		Use: []pipeline.CostUse{
			{Service: "Queues", Action: "Receive", Purpose: "steps", Requests: 60},
			{Service: "Queues", Action: "Receive", Purpose: "idle", Requests: 3},
			{Service: "Table", Action: "Get", Purpose: "steps", Requests: 600, Reads: 599.5},
			{Service: "Table", Action: "Query", Purpose: "steps", Requests: 1, Reads: 0.5},
			{Service: "Table", Action: "Put", Purpose: "intake", Requests: 400, Writes: 400},
		}}}})
	for _, line := range []string{
		`redrive_billed_requests_total{action="Receive",purpose="steps",service="queues"} 60`,
		`redrive_billed_requests_total{action="Receive",purpose="idle",service="queues"} 3`,
		`redrive_billed_units_total{purpose="steps",service="table",unit="read"} 600`,
		`redrive_billed_units_total{purpose="intake",service="table",unit="write"} 400`,
		`redrive_cost_rows_total 200`,
		`redrive_cost_steps_total 600`,
		`redrive_cost_dollars_per_million_rows 3.75`,
		`redrive_idle_dollars_per_day 0.125`,
		`redrive_monthly_dollars 2.5`,
		`redrive_claim_dollars_per_million_calls 0.625`,
	} {
		if !strings.Contains(w.Body.String(), "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

func TestScrapeKnowsNoPriceBeforeItIsMeasured(t *testing.T) {
	t.Parallel()
	for _, overview := range []pipeline.Overview{{}, {Costs: &pipeline.Costs{Rows: 3, Intake: 1.25}}} {
		w := scrape(t, state{overview: overview})
		for _, name := range []string{"redrive_cost_dollars_per_million_rows", "redrive_idle_dollars_per_day"} {
			if strings.Contains(w.Body.String(), name) {
				t.Errorf("%s has a value", name)
			}
		}
	}
}
