package aws

import (
	"testing"
	"time"

	"redrive/pipeline/aws/awstest"
)

// TestANetworkThatIsBad answers with 500s, cuts connections, and lets answers
// wait for longer than this process does.
func TestANetworkThatIsBad(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		each float64
		do   awstest.Harm
	}{
		{"every fourth answer is a 500", 4, awstest.Broken()},
		{"every fourth connection is cut before the request", 4, awstest.Cut()},
		{"every fourth connection is cut before the answer", 4, awstest.LostAnswer()},
		{"every fourth answer takes longer than a sign of life may", 4, awstest.Latency(2500 * time.Millisecond)},
		{"every eighth answer never comes", 8, awstest.Gate(nil)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorks(t)
			w.shape = sweepOften             // a row whose sender got no answer may be stored all the same
			w.http.Timeout = 4 * time.Second // as much as an answer may take, see clients.go
			m := w.start().ready()
			for _, p := range []*awstest.Proxy{w.dynamo, w.sqs} {
				p.Inject(awstest.Fault{Share: 1 / tc.each, Do: tc.do})
			}
			m.submit(5)
			w.within(90*time.Second, "a row is dead", func() bool { return m.letters() == 1 })
			w.down.change(func(l *ledger) { l.mended = true })
			m.redriveAll()
			w.reconcile(leeway{within: 2 * time.Minute})
		})
	}
}
