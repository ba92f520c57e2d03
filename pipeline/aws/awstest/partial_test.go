package awstest_test

import (
	"fmt"
	"slices"
	"testing"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline/aws/awstest"
)

func failedIDs(failed []sqstypes.BatchResultErrorEntry) []string {
	var ids []string
	for _, f := range failed {
		ids = append(ids, *f.Id)
	}
	return ids
}

func TestEntriesFailInABatchThatSucceeds(t *testing.T) {
	t.Parallel()
	proxy, _, q, _ := behind(t)
	send := func(ids ...string) *sqs.SendMessageBatchOutput {
		t.Helper()
		got, err := q.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: q.url, Entries: sendBatch(ids...)})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	fault := proxy.Inject(awstest.Fault{Action: "SendMessageBatch", Do: awstest.FailEntries(2)})
	first := send("a", "b", "c", "d", "e")
	if got := failedIDs(first.Failed); !slices.Equal(got, []string{"b", "d"}) || len(first.Successful) != 3 {
		t.Errorf("failed %q, did %d", got, len(first.Successful))
	}
	if f := first.Failed[0]; f.SenderFault || *f.Code != "InternalError" {
		t.Errorf("failed with %s, the sender's fault: %v", *f.Code, f.SenderFault)
	}
	if second := send("f"); !slices.Equal(failedIDs(second.Failed), []string{"f"}) || len(second.Successful) != 0 {
		t.Errorf("the sixth entry: %+v", second)
	}
	fault.Remove()
	if got := q.bodies(t, 0); !slices.Equal(got, []string{"body a", "body c", "body e"}) {
		t.Errorf("received %q", got)
	}
}

func TestDeletesAndVisibilityFailByEntry(t *testing.T) {
	t.Parallel()
	proxy, _, q, _ := behind(t)
	if _, err := q.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: q.url, Entries: sendBatch("a", "b")}); err != nil {
		t.Fatal(err)
	}
	got, err := q.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: q.url, MaxNumberOfMessages: 10})
	if err != nil || len(got.Messages) != 2 {
		t.Fatalf("received %+v, %v", got, err)
	}
	var hide []sqstypes.ChangeMessageVisibilityBatchRequestEntry
	var remove []sqstypes.DeleteMessageBatchRequestEntry
	for i, m := range got.Messages {
		id := sdkaws.String(fmt.Sprint(i))
		hide = append(hide, sqstypes.ChangeMessageVisibilityBatchRequestEntry{Id: id, ReceiptHandle: m.ReceiptHandle})
		remove = append(remove, sqstypes.DeleteMessageBatchRequestEntry{Id: id, ReceiptHandle: m.ReceiptHandle})
	}
	proxy.Inject(awstest.Fault{Action: "DeleteMessageBatch", Do: awstest.FailEntries(2)})
	proxy.Inject(awstest.Fault{Action: "ChangeMessageVisibilityBatch", Do: awstest.FailEntries(1)})
	hidden, err := q.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: q.url, Entries: hide})
	if err != nil || !slices.Equal(failedIDs(hidden.Failed), []string{"0", "1"}) {
		t.Errorf("hiding: %+v, %v", hidden, err)
	}
	removed, err := q.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: q.url, Entries: remove})
	if err != nil || !slices.Equal(failedIDs(removed.Failed), []string{"1"}) {
		t.Errorf("deleting: %+v, %v", removed, err)
	}
	proxy.Heal()
	if _, err := q.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: q.url, Entries: hide[1:]}); err != nil {
		t.Error(err)
	}
	if got := q.bodies(t, 0); !slices.Equal(got, []string{"body b"}) {
		t.Errorf("left in the queue: %q", got)
	}
}

func TestDynamoLeavesPartsOfBatchesUnprocessed(t *testing.T) {
	t.Parallel()
	_, proxy, _, b := behind(t)
	var puts []dynamotypes.WriteRequest
	var keys []map[string]dynamotypes.AttributeValue
	for _, pk := range []string{"a", "b", "c"} {
		puts = append(puts, dynamotypes.WriteRequest{PutRequest: &dynamotypes.PutRequest{Item: item(pk, "0")}})
		keys = append(keys, item(pk, "0"))
	}
	proxy.Inject(awstest.Fault{Action: "BatchWriteItem", Do: awstest.LeaveUnprocessed(2)})
	proxy.Inject(awstest.Fault{Action: "BatchGetItem", Do: awstest.LeaveUnprocessed(2)})
	written, err := b.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]dynamotypes.WriteRequest{*b.name: puts}})
	if err != nil || len(written.UnprocessedItems[*b.name]) != 1 {
		t.Fatalf("writing: %+v, %v", written, err)
	}
	if !b.has(t, "a") || b.has(t, "b") || !b.has(t, "c") {
		t.Error("wrote others than the first and the third")
	}
	read, err := b.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]dynamotypes.KeysAndAttributes{
		*b.name: {Keys: keys, ConsistentRead: sdkaws.Bool(true)},
	}})
	if err != nil || len(read.Responses[*b.name]) != 2 {
		t.Fatalf("reading: %+v, %v", read, err)
	}
	left := read.UnprocessedKeys[*b.name]
	if len(left.Keys) != 1 || left.ConsistentRead == nil {
		t.Errorf("left unread: %+v", left)
	}
	proxy.Heal()
	again, err := b.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: written.UnprocessedItems})
	if err != nil || len(again.UnprocessedItems) != 0 || !b.has(t, "b") {
		t.Errorf("writing what was left: %+v, %v", again, err)
	}
	proxy.Inject(awstest.Fault{Do: awstest.LeaveUnprocessed(1)})
	none, err := b.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]dynamotypes.KeysAndAttributes{*b.name: {Keys: keys}}})
	if err != nil || len(none.Responses[*b.name]) != 0 || len(none.UnprocessedKeys[*b.name].Keys) != 3 {
		t.Errorf("reading nothing: %+v, %v", none, err)
	}
}
