package aws

import (
	"encoding/json"
	"testing"
	"time"

	"redrive/pipeline/aws/awstest"
)

// TestBatchesThatFailInPart has some entries of batches fail while the others
// succeed. No SDK looks at those.
func TestBatchesThatFailInPart(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		at     func(*works) *awstest.Proxy
		faults []awstest.Fault
	}{
		{"entries of SendMessageBatch", sqsOf, []awstest.Fault{{Action: "SendMessageBatch", Do: awstest.FailEntries(2)}}},
		{"entries of DeleteMessageBatch", sqsOf, []awstest.Fault{{Action: "DeleteMessageBatch", Do: awstest.FailEntries(2)}}},
		{"entries of ChangeMessageVisibilityBatch", sqsOf, []awstest.Fault{{Action: "ChangeMessageVisibilityBatch", Do: awstest.FailEntries(2)}}},
		{"entries of SendMessageBatch that are not to be tried again", sqsOf, []awstest.Fault{{Action: "SendMessageBatch", Times: 6, Do: refuseEntries("InvalidMessageContents")}}},
		{"entries of DeleteMessageBatch that are not to be tried again", sqsOf, []awstest.Fault{{Action: "DeleteMessageBatch", Times: 6, Do: refuseEntries("ReceiptHandleIsInvalid")}}},
		{"entries of ChangeMessageVisibilityBatch that are not to be tried again", sqsOf, []awstest.Fault{{Action: "ChangeMessageVisibilityBatch", Times: 3, Do: refuseEntries("InvalidParameterValue")}}},
		{"items that DynamoDB leaves over", dynamoOf, []awstest.Fault{{Action: "BatchWriteItem", Do: awstest.LeaveUnprocessed(2)}, {Action: "BatchGetItem", Do: awstest.LeaveUnprocessed(2)}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorks(t)
			w.strict = tc.faults[0].Times == 0
			var injected []*awstest.Injected
			for _, f := range tc.faults {
				injected = append(injected, tc.at(w).Inject(f))
			}
			m := w.start().ready()
			m.submit(15)
			w.within(time.Minute, "three rows are dead", func() bool { return m.letters() > 2 })
			w.down.change(func(l *ledger) { l.mended = true })
			m.redriveAll()
			w.reconcile(leeway{})
			for i, f := range injected {
				if f.Harmed() == 0 {
					t.Errorf("no %s was struck", tc.faults[i].Action)
				}
			}
		})
	}
}

// refuseEntries answers for all entries of a batch that they are wrong, and that
// another try is of no use.
func refuseEntries(code string) awstest.Harm {
	return func(awstest.Handle) awstest.Handle {
		return func(c *awstest.Call) *awstest.Answer {
			var request struct{ Entries []struct{ Id string } }
			_ = json.Unmarshal(c.Body, &request)
			var failed []map[string]any
			for _, e := range request.Entries {
				failed = append(failed, map[string]any{"Id": e.Id, "Code": code, "Message": "No.", "SenderFault": true})
			}
			return awstest.Replied(map[string]any{"Successful": []any{}, "Failed": failed})(nil)(c)
		}
	}
}
