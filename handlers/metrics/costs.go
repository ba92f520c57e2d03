package metrics

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"redrive/pipeline"
)

// collectCosts sends what a store that is paid for by use takes. Label values are
// the store's own words for what it asks of its services, some dozens at most.
func collectCosts(to chan<- prometheus.Metric, c *pipeline.Costs) {
	if c == nil {
		return
	}
	units := map[[3]string]float64{}
	for _, u := range c.Use {
		service := strings.ToLower(u.Service)
		counter(to, "redrive_billed_requests_total", "Requests of this process as they are billed: one with a large payload is several.",
			u.Requests, "service", service, "action", u.Action, "purpose", u.Purpose)
		units[[3]string{service, "read", u.Purpose}] += u.Reads
		units[[3]string{service, "write", u.Purpose}] += u.Writes
	}
	for _, at := range slices.SortedFunc(maps.Keys(units), func(a, b [3]string) int { return slices.Compare(a[:], b[:]) }) {
		if units[at] > 0 {
			send(to, prometheus.CounterValue, "redrive_billed_units_total", "Read and write units of this process as they are billed.",
				units[at], []string{"service", at[0], "unit", at[1], "purpose", at[2]})
		}
	}
	counter(to, "redrive_cost_rows_total", "Rows stored by this process, for which its intake was billed.", c.Rows)
	counter(to, "redrive_cost_steps_total", "Steps processed by this process, for which its steps were billed.", c.Steps)
	if dollars, known := c.PerMillion(); known {
		gauge(to, "redrive_cost_dollars_per_million_rows", "List price of a million rows, stored and taken through all steps, as this process measures it.", dollars)
	}
	if c.IdleOver > 0 {
		gauge(to, "redrive_idle_dollars_per_day", "List price of a day of this process's waiting for work.", c.Idle)
	}
	gauge(to, "redrive_monthly_dollars", "List price of what is paid by the month, once for all processes.", c.Month())
	gauge(to, "redrive_claim_dollars_per_million_calls", "List price of the claims of an exclusive step.", c.Claim)
}
