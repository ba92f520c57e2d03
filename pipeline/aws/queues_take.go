package aws

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline"
)

// Take receives messages.
func (f *foreignQueues) Take(ctx context.Context, name string, n int, hide, wait time.Duration) ([]pipeline.QueueMessage, error) {
	url, err := f.url(ctx, name)
	if err != nil {
		return nil, err
	}
	out, err := f.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: int32(min(n, batchMost)),
		VisibilityTimeout: wholeSeconds(max(hide, time.Second), longestHide), WaitTimeSeconds: wholeSeconds(wait, longestPoll),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}, MessageAttributeNames: []string{"All"}}, patience(wholeSeconds(wait, longestPoll))...)
	if err != nil {
		return nil, f.fail(err, "ReceiveMessage", name)
	}
	list := make([]pipeline.QueueMessage, len(out.Messages))
	for i := range out.Messages {
		list[i] = foreignMessage(&out.Messages[i])
	}
	return list, nil
}

func foreignMessage(m *types.Message) pipeline.QueueMessage {
	told := func(name types.MessageSystemAttributeName) string { return m.Attributes[string(name)] }
	count, _ := strconv.Atoi(told(types.MessageSystemAttributeNameApproximateReceiveCount))
	msg := pipeline.QueueMessage{ID: sdkaws.ToString(m.MessageId), Body: sdkaws.ToString(m.Body), Receipt: sdkaws.ToString(m.ReceiptHandle),
		Trace: told(types.MessageSystemAttributeNameAWSTraceHeader), Receives: count, Attributes: []pipeline.QueueAttribute{},
		SentAt:          stampOf(told(types.MessageSystemAttributeNameSentTimestamp)),
		FirstReceivedAt: stampOf(told(types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp)),
		Source:          nameIn(told(types.MessageSystemAttributeNameDeadLetterQueueSourceArn), ":")}
	for name, v := range m.MessageAttributes {
		a := pipeline.QueueAttribute{Name: name, Type: sdkaws.ToString(v.DataType), Value: v.BinaryValue}
		if v.StringValue != nil {
			a.Value = []byte(*v.StringValue)
		}
		msg.Attributes = append(msg.Attributes, a)
	}
	slices.SortFunc(msg.Attributes, func(a, b pipeline.QueueAttribute) int { return strings.Compare(a.Name, b.Name) })
	return msg
}

// stampOf reads milliseconds since 1970, as SQS writes times.
func stampOf(text string) time.Time {
	ms, _ := strconv.ParseInt(text, 10, 64)
	return fromMillis(ms)
}

// Hide changes how long messages stay hidden, in full batches.
func (f *foreignQueues) Hide(ctx context.Context, name string, hide time.Duration, messages ...pipeline.QueueMessage) error {
	url, err := f.url(ctx, name)
	if err != nil || len(messages) == 0 {
		return err
	}
	var first error
	for batch := range slices.Chunk(messages, batchMost) {
		errs := inBatches(ctx, len(batch), func(err error) error { return f.fail(err, "ChangeMessageVisibility", name) }, func(left []int) ([]failedEntry, error) {
			in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: url}
			for _, i := range left {
				in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: sdkaws.String(strconv.Itoa(i)),
					ReceiptHandle: &batch[i].Receipt, VisibilityTimeout: wholeSeconds(hide, longestHide)})
			}
			out, err := f.client.ChangeMessageVisibilityBatch(ctx, in)
			if err != nil {
				return nil, err
			}
			return failedEntries(out.Failed), nil
		})
		for _, err := range errs {
			if err != nil && !handleLost(err) && first == nil {
				first = f.entry(err, "ChangeMessageVisibility", name)
			}
		}
	}
	return first
}

// Purge deletes everything in a queue.
func (f *foreignQueues) Purge(ctx context.Context, name string) error {
	url, err := f.url(ctx, name)
	if err != nil {
		return err
	}
	_, err = f.client.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: url})
	if code := codeOf(err); code == "AWS.SimpleQueueService.PurgeQueueInProgress" || code == "PurgeQueueInProgress" {
		return &pipeline.Error{Code: pipeline.CodeConflict, Text: "queue " + name + " was purged less than 60 s ago, and SQS purges a queue once a minute; wait, then look whether anything is left", Err: err}
	}
	return f.fail(err, "PurgeQueue", name)
}
