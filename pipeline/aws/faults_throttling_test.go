package aws

import (
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// TestThrottlingSlowsAndFailsNothing throttles a part of the requests of one
// action, or of all.
func TestThrottlingSlowsAndFailsNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		at    func(*works) *awstest.Proxy
		share float64
	}{
		{"UpdateItem", dynamoOf, 0.3}, {"PutItem", dynamoOf, 0.3}, {"BatchWriteItem", dynamoOf, 0.3}, {"DeleteItem", dynamoOf, 0.5},
		{"Query", dynamoOf, 0.3}, {"GetItem", dynamoOf, 0.3}, {"BatchGetItem", dynamoOf, 0.5},
		{"SendMessageBatch", sqsOf, 0.3}, {"ReceiveMessage", sqsOf, 0.3}, {"DeleteMessageBatch", sqsOf, 0.5},
		{"ChangeMessageVisibilityBatch", sqsOf, 0.5}, {"GetQueueUrl", sqsOf, 0.5},
		{"", dynamoOf, 0.2}, {"", sqsOf, 0.2},
	} {
		t.Run(map[bool]string{true: "every action of " + serviceOf(tc.at), false: tc.name}[tc.name == ""], func(t *testing.T) {
			w := newWorks(t)
			w.strict, w.shape = true, sweepOften
			m := w.start().ready() // a process that cannot join the others at its start does not begin
			fault := tc.at(w).Strike(tc.name, tc.share, awstest.Throttled())
			m.submit(5)
			w.within(time.Minute, "a row is dead", func() bool { return m.letters() > 0 })
			w.down.change(func(l *ledger) { l.mended = true })
			m.redriveAll()
			w.reconcile(leeway{})
			if fault.Harmed() == 0 {
				t.Errorf("no %s was throttled", tc.name)
			}
		})
	}
}

func dynamoOf(w *works) *awstest.Proxy { return w.dynamo }
func sqsOf(w *works) *awstest.Proxy    { return w.sqs }

func serviceOf(at func(*works) *awstest.Proxy) string {
	w := &works{dynamo: &awstest.Proxy{}}
	if at(w) != nil {
		return "DynamoDB"
	}
	return "SQS"
}

// letters is how many dead letters there are.
func (m *machine) letters() int {
	page, err := m.store.Backend().Letters.List(m.w.t.Context(), pipeline.LetterFilter{Limit: 500})
	if err != nil {
		return -1
	}
	return len(page.Items)
}

// redriveAll puts all dead letters back into their queues, and waits until the
// operation is over.
func (m *machine) redriveAll() {
	w := m.w
	w.t.Helper()
	var op pipeline.Operation
	w.within(20*time.Second, "a redrive begins", func() (begun bool) {
		var err error
		op, err = m.engine.Operations.Start(w.t.Context(), pipeline.OperationRequest{Kind: pipeline.OpRedrive, Reason: "mended", Selector: pipeline.Selector{Pipeline: ordersPipeline, All: true}})
		return err == nil
	})
	w.within(2*time.Minute, "the redrive is over", func() bool {
		now, err := m.engine.Operations.Get(w.t.Context(), op.ID)
		return err == nil && now.State == pipeline.OpDone && now.Pending() == 0
	})
}
