package aws

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"redrive/pipeline/aws/awstest"
)

// A receive that is not to wait does not, whatever the queue's own setting: the
// SDK says nothing of a zero.
func TestAReceiveWithoutWaitingSaysSo(t *testing.T) {
	t.Parallel()
	at := awstest.Emulators(t)
	proxy := awstest.NewProxy(t, at.SQS)
	proxy.KeepBodies()
	at.SQS = proxy.URL
	h := &home{prefix: "short-", at: at, line: &line{}}
	client := h.account(t).sqs()
	name := "short-" + strings.ToLower(t.Name())
	if _, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"ReceiveMessageWaitTimeSeconds": "20"}}); err != nil {
		t.Fatal(err)
	}
	q, err := newQueues(t.Context(), client).get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if ms, err := q.receive(t.Context(), 1, time.Second, 0); err != nil || len(ms) > 0 {
		t.Fatal(ms, err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	calls := proxy.Calls("ReceiveMessage")
	if len(calls) != 1 || !strings.Contains(string(calls[0].Body), `"WaitTimeSeconds":0`) {
		t.Errorf("the request was %+v", calls)
	}
}
