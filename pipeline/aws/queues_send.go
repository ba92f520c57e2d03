package aws

import (
	"context"
	"errors"
	"slices"
	"strconv"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"redrive/pipeline"
)

// Send sends messages again as they were, in batches of up to ten and 1 MiB.
func (f *foreignQueues) Send(ctx context.Context, to string, messages ...pipeline.QueueMessage) []pipeline.QueueSent {
	answers := make([]pipeline.QueueSent, len(messages))
	url, err := f.url(ctx, to)
	if err != nil {
		for i := range answers {
			answers[i] = pipeline.QueueSent{State: pipeline.SendFailed, Err: err}
		}
		return answers
	}
	for from := 0; from < len(messages); {
		until, size := from, 0
		for until < len(messages) && until-from < batchMost && (until == from || size+messageSize(&messages[until]) <= messageMost) {
			size += messageSize(&messages[until])
			until++
		}
		f.sendBatch(ctx, to, url, messages[from:until], answers[from:until])
		from = until
	}
	return answers
}

// sendBatch sends at most ten and fills in their answers.
func (f *foreignQueues) sendBatch(ctx context.Context, to string, url *string, messages []pipeline.QueueMessage, answers []pipeline.QueueSent) {
	errs := inBatches(ctx, len(messages), func(err error) error { return f.fail(err, "SendMessage", to) }, func(left []int) ([]failedEntry, error) {
		in := &sqs.SendMessageBatchInput{QueueUrl: url}
		for _, i := range left {
			in.Entries = append(in.Entries, sendEntry(i, &messages[i]))
		}
		out, err := f.client.SendMessageBatch(ctx, in, withoutRetries)
		if err != nil {
			return nil, err
		}
		for _, ok := range out.Successful {
			if i, err := strconv.Atoi(sdkaws.ToString(ok.Id)); err == nil && i < len(answers) {
				answers[i].ID = sdkaws.ToString(ok.MessageId)
			}
		}
		return failedEntries(out.Failed), nil
	})
	for i, err := range errs {
		if err != nil {
			answers[i] = f.notSent(err, to)
		}
	}
}

// withoutRetries lets the SDK try nothing again: after a lost answer that would send
// messages twice without a word.
func withoutRetries(o *sqs.Options) { o.RetryMaxAttempts = 1 }

// notSent tells what is known of a message that has no id in the other queue.
func (f *foreignQueues) notSent(err error, to string) pipeline.QueueSent {
	if e, ok := errors.AsType[*entryError](err); ok {
		if e.final && !isThrottled(&smithy.GenericAPIError{Code: e.code}) {
			return pipeline.QueueSent{State: pipeline.SendRefused, Err: &pipeline.Error{Code: pipeline.CodeInvalid, Text: e.Error()}}
		}
		return pipeline.QueueSent{State: pipeline.SendFailed, Err: f.entry(err, "SendMessage", to)}
	}
	// A refusal comes before anything is sent; the service's own fault need not.
	answered, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if ok && answered.HTTPStatusCode() >= 400 && answered.HTTPStatusCode() < 500 {
		return pipeline.QueueSent{State: pipeline.SendFailed, Err: err}
	}
	return pipeline.QueueSent{State: pipeline.SendUnsure, Err: err}
}

func sendEntry(i int, m *pipeline.QueueMessage) types.SendMessageBatchRequestEntry {
	e := types.SendMessageBatchRequestEntry{Id: sdkaws.String(strconv.Itoa(i)), MessageBody: &m.Body}
	for _, a := range m.Attributes {
		if e.MessageAttributes == nil {
			e.MessageAttributes = map[string]types.MessageAttributeValue{}
		}
		v := types.MessageAttributeValue{DataType: &a.Type}
		if isBinary(a.Type) {
			v.BinaryValue = a.Value
		} else {
			v.StringValue = sdkaws.String(string(a.Value))
		}
		e.MessageAttributes[a.Name] = v
	}
	if m.Trace != "" {
		e.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			string(types.MessageSystemAttributeNameForSendsAWSTraceHeader): {DataType: sdkaws.String("String"), StringValue: &m.Trace}}
	}
	return e
}

func isBinary(kind string) bool { return kind == "Binary" || len(kind) > 7 && kind[:7] == "Binary." }

// messageSize is what SQS counts of a message.
func messageSize(m *pipeline.QueueMessage) int {
	n := len(m.Body)
	for _, a := range m.Attributes {
		n += len(a.Name) + len(a.Type) + len(a.Value)
	}
	return n
}

// Delete deletes messages in hand, in full batches.
func (f *foreignQueues) Delete(ctx context.Context, name string, messages ...pipeline.QueueMessage) []error {
	errs := make([]error, 0, len(messages))
	url, err := f.url(ctx, name)
	if err != nil {
		for range messages {
			errs = append(errs, err)
		}
		return errs
	}
	for batch := range slices.Chunk(messages, batchMost) {
		errs = append(errs, inBatches(ctx, len(batch), func(err error) error { return f.fail(err, "DeleteMessage", name) }, func(left []int) ([]failedEntry, error) {
			in := &sqs.DeleteMessageBatchInput{QueueUrl: url}
			for _, i := range left {
				in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: sdkaws.String(strconv.Itoa(i)), ReceiptHandle: &batch[i].Receipt})
			}
			out, err := f.client.DeleteMessageBatch(ctx, in)
			if err != nil {
				return nil, err
			}
			return failedEntries(out.Failed), nil
		})...)
	}
	return errs
}
