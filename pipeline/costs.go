package pipeline

import (
	"context"
	"time"
)

// Costs is what a backend that is paid for by use takes, in US dollars at list
// price. All of it is of this process alone, since it started, unless it says
// otherwise: what other processes take is on their pages.
type Costs struct {
	Prices string    // whose list prices: a region
	Since  time.Time // counting began
	Rows   int64     // stored here
	Steps  int64     // processed here

	Intake float64 // dollars to store a million rows; 0: none was stored here
	Work   float64 // dollars to take a million rows through all their steps, failed attempts included; 0: no step was processed here
	Units  []CostUnit
	Use    []CostUse

	Idle     float64       // dollars a day for looking whether there is work, and for telling the others
	IdleOver time.Duration // the last so long, from which a day is worked out; 0: it is too early to tell
	Monthly  []CostMonthly // what is paid by the month, once for all processes

	Batch     int           // messages that share a request, at most
	Claim     float64       // dollars a million calls of an exclusive step cost more, and each sign of life of a call
	Beat      time.Duration // how often a call under way gives a sign of life
	Processes int           // on this store now, each with an idle price of its own
}

// PerMillion is dollars for a million rows, stored and taken through their
// steps; false while one of them has not been seen here.
func (c *Costs) PerMillion() (dollars float64, known bool) {
	return c.Intake + c.Work, c.Intake > 0 && c.Work > 0
}

// Month is dollars a month for what is paid by the month.
func (c *Costs) Month() float64 {
	var sum float64
	for _, m := range c.Monthly {
		sum += float64(m.Count) * m.Each
	}
	return sum
}

// CostUnit is something that has a price, and how much of it is used.
type CostUnit struct {
	Name    string // "queue requests"
	One     string // "queue request"
	Million float64
	Row     float64 // to store a row
	Step    float64 // a processed step, failed attempts included
	Day     float64 // a day, for nothing
}

// CostUse is how often something was asked of a service.
type CostUse struct {
	Service, Action string // as the service calls them
	Purpose         string // intake, steps, console, idle, sweep, other
	Requests        int64  // as they are billed: one with a large payload counts as several
	Reads, Writes   float64
}

// CostMonthly is something that is paid by the month.
type CostMonthly struct {
	Name  string
	Count int
	Each  float64 // dollars
}

// Costs returns what the backend takes, nil for one that is not paid for by use.
func (e *Engine) Costs(ctx context.Context) (*Costs, error) {
	if e.backend.Costs == nil {
		return nil, nil
	}
	c := e.backend.Costs()
	c.Processes, c.Beat = 1, e.cfg.Lease/3
	instances, err := e.Instances(ctx)
	if err != nil {
		return nil, err
	}
	for _, in := range instances {
		if !in.Self && in.State != InstanceGone {
			c.Processes++
		}
	}
	return &c, nil
}
