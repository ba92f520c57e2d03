package aws

import (
	"cmp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"redrive/pipeline"
)

// costs is what this process has taken so far.
func (s *Store) costs() pipeline.Costs {
	c := s.cfg.Account.cost.report(time.Now())
	w := alarmInputs(s.names, s.cfg.Alarms, func(string) []string { return nil }, []types.Tag(nil))
	c.Monthly = []pipeline.CostMonthly{
		{Name: "CloudWatch metrics", Count: s.exporter.Series(), Each: priceMetric},
		{Name: "CloudWatch alarms", Count: len(w.metric), Each: priceAlarm},
		{Name: "CloudWatch alarms that combine others", Count: len(w.composite), Each: priceComposite},
	}
	return c
}

// report puts together what was counted.
func (m *Meter) report(now time.Time) pipeline.Costs {
	c := pipeline.Costs{Prices: priceList, Since: m.since.UTC(), Rows: m.rows.Load(), Steps: m.steps.Load(), Batch: batchMost, Claim: 1e6 * priceWrite}
	by := map[purpose]spent{}
	m.tallies.Range(func(key, value any) bool {
		u, t := key.(use), value.(*tally) //nolint:forcetypeassert // nothing else is stored
		b := bill{requests: t.requests.Load(), reads: t.reads.Load(), writes: t.writes.Load()}
		by[u.purpose] = by[u.purpose].plus(spentOn(u.service, b))
		c.Use = append(c.Use, pipeline.CostUse{Service: u.service, Action: u.action, Purpose: string(u.purpose),
			Requests: b.requests, Reads: float64(b.reads) / whole, Writes: float64(b.writes) / whole})
		return true
	})
	slices.SortFunc(c.Use, func(a, b pipeline.CostUse) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Purpose, b.Purpose))
	})
	c.Intake = by[purposeIntake].times(1e6 * oneOf(c.Rows)).dollars()
	c.Work = by[purposeSteps].times(1e6 * oneOf(m.worked.Load()) * rowParts).dollars()
	day, measured := m.idle.day(now)
	c.Idle, c.IdleOver = day.dollars(), measured
	c.Units = unitsOfCost(by[purposeIntake].times(oneOf(c.Rows)), by[purposeSteps].times(oneOf(c.Steps)), day)
	return c
}

// oneOf is the share of one among n, and nothing over nothing.
func oneOf(n int64) float64 {
	if n == 0 {
		return 0
	}
	return 1 / float64(n)
}

func unitsOfCost(row, step, day spent) []pipeline.CostUnit {
	return []pipeline.CostUnit{
		{Name: "SQS requests", One: "SQS request", Million: 1e6 * priceQueueRequest, Row: row.queueRequests, Step: step.queueRequests, Day: day.queueRequests},
		{Name: "DynamoDB reads", One: "read", Million: 1e6 * priceRead, Row: row.reads, Step: step.reads, Day: day.reads},
		{Name: "DynamoDB writes", One: "write", Million: 1e6 * priceWrite, Row: row.writes, Step: step.writes, Day: day.writes},
		{Name: "CloudWatch requests", One: "CloudWatch request", Million: 1e6 * priceMonitorRequest, Day: day.monitorRequests},
	}
}
