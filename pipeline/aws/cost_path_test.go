package aws

import (
	"testing"
)

func TestProbeCosts(t *testing.T) {
	for _, keys := range []bool{false, true} {
		c := newTill(t)
		c.patient()
		c.put(200, 1024, keys)
		c.work(200, 100, false)
		c.settled()
		for _, u := range c.costs().Use {
			t.Logf("%+v", u)
		}
		costs := c.costs()
		costs.Use = nil
		t.Logf("%+v", costs)
		t.Log(costs.PerMillion())
		t.Log(c.items())
	}
}
