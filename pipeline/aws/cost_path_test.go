package aws

import (
	"testing"
	"time"

	"redrive/pipeline"
)

// The marks of a row that goes well. What is written once a process or once an
// hour, and not for each row, is allowed for: the pipeline, its graph, and the
// partitions of an hour, of which there may be two.
const (
	oncePerProcess = 2
	perHour        = 2 * mostShards
)

func TestSuccessPathCostsNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	const rows, steps = 60, 3
	for _, tt := range []struct {
		name            string
		keys, exclusive bool
		size            int
		writes          float64 // to store a row
		marks           float64 // to settle a step
		dollars         float64 // a million rows
	}{
		{"a payload of a kilobyte", false, false, 1024, 2, 1, 4},
		{"with an idempotency key", true, false, 1024, 3, 1, 5},
		{"of exclusive steps", false, true, 1024, 2, 2, 4 + steps*0.625},
		{"a short payload", false, false, 40, 2, 1, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newTill(t, time.Second)
			c.patient()
			c.put(rows, tt.size, tt.keys)
			intake := c.total(purposeIntake)
			c.work(rows, 10, tt.exclusive)
			c.settled()
			work, costs := c.total(purposeSteps), c.costs()
			if costs.Rows != rows || costs.Steps != rows*steps {
				t.Fatalf("%d rows and %d steps are counted", costs.Rows, costs.Steps)
			}
			if over := intake.writes - tt.writes*rows; over < 0 || over > oncePerProcess+perHour {
				t.Errorf("storing takes %v write units, want %v a row", intake.writes, tt.writes)
			}
			if work.writes != tt.marks*rows*steps {
				t.Errorf("settling takes %v write units, want %v a step", work.writes, tt.marks)
			}
			if work.reads != rows*steps {
				t.Errorf("receiving takes %v read units, want one a step", work.reads)
			}
			if n := intake.queueRequests + work.queueRequests; n > 0.3*rows*steps {
				t.Errorf("%v requests of SQS, want at most 0.3 for each of %d steps", n, rows*steps)
			}
			extras := (intake.writes - tt.writes*rows) * priceWrite / rows * 1e6
			if dollars, known := costs.PerMillion(); !known || dollars-extras >= tt.dollars {
				t.Errorf("a million rows cost $%.2f, and $%.2f more for what is written once an hour, want less than $%.2f", dollars-extras, extras, tt.dollars)
			}
			c.leavesNothingElse(rows, tt.keys)
			c.agreesWithTheServices()
		})
	}
}

// leavesNothingElse looks whether a row that went well is two items, three with
// a key, and its flags are small.
func (c *till) leavesNothingElse(rows int, keys bool) {
	c.Helper()
	n, flags := c.items()
	want := map[string]int{"R": 2 * rows, "I": 0, "H": 0, "L": 0, "E": 0, "J": 0, "D": 0, "M": 0}
	if keys {
		want["I"] = rows
	}
	for pk, items := range want {
		if n[pk] != items {
			c.Errorf("%d items of %s# for %d rows, want %d", n[pk], pk, rows, items)
		}
	}
	if flags > flagsBudget {
		c.Errorf("the flags have %d bytes", flags)
	}
}

// agreesWithTheServices compares what was counted with what arrived.
func (c *till) agreesWithTheServices() {
	c.Helper()
	requests := map[string]int64{}
	for _, u := range c.costs().Use {
		requests[u.Service] += u.Requests
	}
	for service, proxy := range map[string]int{serviceQueues: c.queues.Count(""), serviceTable: c.rows.Count("")} {
		if over := int64(proxy) - requests[service]; over < 0 || over > 2 { // the counters are being written meanwhile
			c.Errorf("%d requests of %s are counted, %d arrived", requests[service], service, proxy)
		}
	}
}

// A downstream may answer with as much as is kept: the first answers fit, and no
// flags grow over a kilobyte for the others.
func TestAnswersDoNotMakeEveryMarkDearer(t *testing.T) {
	t.Parallel()
	const rows = 20
	for _, tt := range []struct {
		answer int
		writes float64 // a row through three steps
	}{{100, 3}, {150, 4}, {256, 5}} {
		c := newTill(t, time.Second)
		c.result = tt.answer
		c.put(rows, 100, false)
		c.work(rows, 10, false)
		if got := c.total(purposeSteps).writes; got != tt.writes*rows {
			t.Errorf("answers of %d bytes: %v write units a row, want %v", tt.answer, got/rows, tt.writes)
		}
		if _, flags := c.items(); flags > flagsBudget {
			t.Errorf("answers of %d bytes make flags of %d", tt.answer, flags)
		}
		page, err := c.backend.Rows.List(t.Context(), pipeline.RowFilter{Limit: rows})
		if err != nil || len(page.Items) != rows {
			t.Fatalf("%d rows: %v", len(page.Items), err)
		}
		d, err := c.backend.Rows.Get(t.Context(), page.Items[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		for step, result := range d.Results {
			if len(result) != tt.answer || step == "" {
				t.Errorf("%d of %d bytes of the answer of %s are kept", len(result), tt.answer, step)
			}
		}
		if len(d.Results) != 3 {
			t.Errorf("%d answers are kept", len(d.Results))
		}
	}
}

// The price of waiting is that of polls and of what is done every second.
func TestIdleProcessIsMeasured(t *testing.T) {
	t.Parallel()
	c := newTill(t, time.Second)
	c.engine(t, 10, 0)
	for c.total(purposeIdle).queueRequests < 3 || c.total(purposeIdle).reads < 5 {
		pauseFor(t.Context(), 10*time.Millisecond)
	}
	if rest := c.total(purposeSteps, purposeIntake, purposeConsole); rest.reads+rest.writes > 0 {
		t.Errorf("nothing happens, and %+v is spent on it", rest)
	}
}
