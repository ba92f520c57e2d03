package main

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// What rows cost is on the overview and in the metrics, as dollars a million of
// them.
func TestAWSCost(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("first"), step("second", "needs: [first]"), step("third", "needs: [second]")}))
	p.allBecome(p.accept(200), "done")
	dollars := eventually(t, "a price", func() float64 { return p.sample("redrive_cost_dollars_per_million_rows") }, func(d float64) bool { return d > 0 })
	if dollars < 2.5 || dollars > 12 { // under 4 without keys and with full batches; here steps make few calls at once
		t.Errorf("a million rows through three steps cost $%.2f", dollars)
	}
	for _, name := range []string{`redrive_billed_requests_total{action="SendMessageBatch",purpose="steps",service="sqs"}`, `redrive_billed_requests_total{action="UpdateItem",purpose="steps",service="dynamodb"}`,
		"redrive_idle_dollars_per_day", "redrive_claim_dollars_per_million_calls"} {
		if p.sample(name) <= 0 {
			t.Errorf("the metrics do not tell of %s", name)
		}
	}
	page := string(p.get("/").want(http.StatusOK).body)
	for _, text := range []string{"What it costs", "exclusive: true", "million rows"} {
		if !strings.Contains(page, text) {
			t.Errorf("the overview does not say %q", text)
		}
	}
}

// sample is one value of the metrics, 0 if it is not there.
func (p *testProgram) sample(name string) float64 {
	p.t.Helper()
	for line := range strings.Lines(string(p.get("/metrics").want(http.StatusOK).body)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return n
		}
	}
	return 0
}
