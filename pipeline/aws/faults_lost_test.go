package aws

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// TestAnswersThatGetLost has the service do what it is asked and cuts the
// connection before the answer: nothing is counted twice, nothing is lost.
func TestAnswersThatGetLost(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		at        func(*works) *awstest.Proxy
		share     float64
		exclusive bool // the steps that die and that come first; else those that fail once and that come last
	}{
		{"UpdateItem", dynamoOf, 0.3, false}, {"UpdateItem", dynamoOf, 0.3, true}, {"PutItem", dynamoOf, 0.3, true}, {"BatchWriteItem", dynamoOf, 0.3, false},
		{"DeleteItem", dynamoOf, 0.5, true}, {"SendMessageBatch", sqsOf, 0.3, false}, {"SendMessageBatch", sqsOf, 0.3, true},
		{"DeleteMessageBatch", sqsOf, 0.3, true}, {"ChangeMessageVisibilityBatch", sqsOf, 0.5, false},
	} {
		t.Run(fmt.Sprintf("%s/%v", tc.name, tc.exclusive), func(t *testing.T) {
			w := newWorks(t)
			w.strict, w.exclusive, w.alternate, w.shape = true, tc.exclusive, true, sweepOften
			m := w.start().ready()
			fault := tc.at(w).Strike(tc.name, tc.share, awstest.LostAnswer())
			m.submit(10)
			w.within(time.Minute, "two rows are dead", func() bool { return m.letters() > 1 })
			w.down.change(func(l *ledger) { l.mended = true })
			m.redriveAll()
			w.reconcile(leeway{})
			if fault.Harmed() == 0 {
				t.Errorf("no answer to %s got lost", tc.name)
			}
		})
	}
}

// TestAReceiveWhoseAnswerGetsLost hides messages that nobody has seen. They come
// back, and whoever was hidden from them is not the row's fault.
func TestAReceiveWhoseAnswerGetsLost(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{false, true} {
		t.Run(map[bool]string{true: "with claims", false: "without"}[exclusive], func(t *testing.T) {
			w := newWorks(t)
			w.exclusive, w.lease = exclusive, 2*time.Second
			w.sqs.Inject(awstest.Fault{Action: "ReceiveMessage", Share: 0.3, Do: awstest.LostAnswer()})
			m := w.start().ready()
			m.submit(10)
			w.reconcile(leeway{})
		})
	}
}

// TestAMarkWhoseAnswerGetsLostIsOnesOwn loses the answer to the one write that
// sets a flag, also for so long that the SDK gives up and the outcome is settled
// anew.
func TestAMarkWhoseAnswerGetsLostIsOnesOwn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		times int
	}{{"once", 1}, {"until the SDK gives up", tries}, {"until the outcome is settled anew", tries + 2}} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorks(t)
			w.strict = true
			first := w.dynamo.Inject(awstest.Fault{Action: "UpdateItem", Times: tc.times, Do: awstest.LostAnswer(),
				Where: func(c *awstest.Call) bool {
					return strings.Contains(string(c.Body), `\"s\":\"p\"`) && strings.Contains(string(c.Body), ".check")
				}})
			m := w.start().ready()
			id := m.submit(1)[0]
			w.reconcile(leeway{})
			if first.Harmed() != tc.times {
				t.Errorf("%d answers were lost, want %d", first.Harmed(), tc.times)
			}
			row, err := w.aside(w.emulators, w.newWire()).Backend().Rows.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if f, _ := row.Flag("check"); f.State != pipeline.StateProcessed || f.Attempts != 1 || w.down.asked(id, "check") != 1 {
				t.Errorf("check = %+v after %d calls", f, w.down.asked(id, "check"))
			}
		})
	}
}
