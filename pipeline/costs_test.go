package pipeline

import (
	"testing"
	"time"
)

func TestCostsAreThoseOfAStoreThatHasPrices(t *testing.T) {
	t.Parallel()
	e := &Engine{cfg: Config{Lease: 30 * time.Second}}
	e.fleet = newFleet(e)
	if c, err := e.Costs(t.Context()); c != nil || err != nil {
		t.Errorf("a store without prices costs %+v, %v", c, err)
	}
	e.backend.Costs = func() Costs {
		return Costs{Intake: 1.25, Monthly: []CostMonthly{{Count: 4, Each: 0.25}, {Count: 1, Each: 0.5}}}
	}
	c, err := e.Costs(t.Context())
	if err != nil || c.Processes != 1 || c.Beat != 10*time.Second || c.Month() != 1.5 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, known := c.PerMillion(); known {
		t.Error("a million rows have a price although no step was processed")
	}
	c.Work = 2.5
	if dollars, known := c.PerMillion(); !known || dollars != 3.75 {
		t.Errorf("a million rows cost $%v", dollars)
	}
}
