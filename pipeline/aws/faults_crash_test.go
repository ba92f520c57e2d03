package aws

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
)

// rowRequest matches what is asked of the table for rows, their letters and
// their history, as against signs of life, counters and measurements.
var rowRequest = regexp.MustCompile(`"(R|H|L|E|D|M|I|P)#|"LP"|"G"`)

// TestACrashAtEachRequest ends processes at their nth request of a kind, before
// AWS does it or after: of several that work together one at the first, one at
// the third, and so on, or at the even ones. Another one then finishes the rows.
// Which they are the run decides: of before and after one has the odd ones.
func TestACrashAtEachRequest(t *testing.T) {
	t.Parallel()
	first := 1 + rand.IntN(2)
	for _, tc := range []struct {
		action    string
		most      int
		exclusive bool
	}{
		{"BatchWriteItem", 6, false}, {"UpdateItem", 8, false}, {"UpdateItem", 8, true}, {"PutItem", 3, false}, {"Query", 4, false},
		{"SendMessageBatch", 6, false}, {"ReceiveMessage", 5, false}, {"DeleteMessageBatch", 3, false}, {"ChangeMessageVisibilityBatch", 1, false},
	} {
		for _, after := range []bool{false, true} {
			name := map[bool]string{true: "after ", false: "before "}[after] + tc.action
			if tc.exclusive {
				name += " with claims"
			}
			t.Run(name, func(t *testing.T) {
				w := newWorks(t)
				w.lease, w.exclusive, w.shape = 4*time.Second, tc.exclusive, sweepOften
				from := first
				if after {
					from = 3 - first
				}
				from = min(from, tc.most)
				t.Logf("processes end at every second request from the %d.", from)
				w.crashAll(tc.action, from, tc.most, after)
				w.start().ready().submit(1)
				w.reconcile(leeway{within: 2 * time.Minute})
			})
		}
	}
}

// crashAll starts processes that work together and end at every second request of
// a kind, from the nth to the last.
func (w *works) crashAll(action string, from, last int, after bool) {
	var gone sync.WaitGroup
	for nth := from; nth <= last; nth += 2 {
		way := w.newWire()
		hit := make(chan struct{})
		way.point = &crashPoint{nth: int64(nth), after: after, hit: func() { close(hit) }, counts: func(a, body string) bool {
			return a == action && (slices.Contains(forQueues, a) || rowRequest.MatchString(body))
		}}
		m := w.startWith(way)
		gone.Go(func() {
			for range 4 {
				_, _ = m.send() // may meet the crash
			}
			select {
			case <-hit:
			case <-time.After(15 * time.Second):
				w.t.Logf("one process made no %d requests for %s", nth, action)
			}
			m.kill()
		})
	}
	gone.Wait()
}

var forQueues = []string{"SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"}

const sweepEach = 2 * time.Second

// sweepOften looks for what was lost each two seconds.
func sweepOften(c *pipeline.Config) {
	c.Sweep = pipeline.SweepSettings{Enabled: true, Cron: "often", StuckAfter: 5 * time.Second}
	c.Cron = func(string) (func(time.Time) time.Time, error) {
		return func(after time.Time) time.Time { return after.Truncate(sweepEach).Add(sweepEach) }, nil
	}
}
