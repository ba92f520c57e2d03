package aws

import (
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
// the second, and so on. Another one then finishes the rows.
func TestACrashAtEachRequest(t *testing.T) {
	t.Parallel()
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
				w.crashAll(tc.action, tc.most, after)
				w.start().ready().submit(1)
				w.reconcile(leeway{within: 2 * time.Minute})
			})
		}
	}
}

// crashAll starts n processes that work together and end at their first, second
// and so on to nth request of a kind.
func (w *works) crashAll(action string, n int, after bool) {
	var gone sync.WaitGroup
	for nth := 1; nth <= n; nth++ {
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
			case <-time.After(5 * time.Second):
				w.t.Logf("one process made no %d requests for %s", nth, action)
			}
			m.kill()
		})
	}
	gone.Wait()
}

var forQueues = []string{"SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"}

// sweepOften looks for what was lost each two seconds.
func sweepOften(c *pipeline.Config) {
	c.Sweep = pipeline.SweepSettings{Enabled: true, Cron: "often", StuckAfter: 5 * time.Second}
	c.Cron = func(string) (func(time.Time) time.Time, error) {
		return func(after time.Time) time.Time { return after.Truncate(2 * time.Second).Add(2 * time.Second) }, nil
	}
}
