package aws

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	sendLinger   = 10 * time.Millisecond      // a message may wait that long for others
	deleteLinger = 100 * time.Millisecond     // it is hidden meanwhile
	longestHide  = 12*time.Hour - time.Minute // SQS counts 12 h from the receive
	longestPoll  = 20 * time.Second
	batchTries   = 5 // of the entries of a batch that failed
)

// queues are the SQS queues this process knows, by name.
type queues struct {
	client  *sqs.Client
	life    context.Context
	all     *underWay // requests nobody waits for
	polling *underWay // long polls

	mu      sync.Mutex
	byName  map[string]*queue
	lookups map[string]*lookup // under way
	sources map[string]bool    // those that others put messages on, for rows
}

// queue is one SQS queue.
type queue struct {
	name, url string
	client    *sqs.Client
	life      context.Context // of requests nobody waits for, with what they are spent on
	sends     *batcher[string]
	deletes   *batcher[string]
	hides     *batcher[hide]
	polls     polls
}

// hide changes how long a message stays out of sight.
type hide struct {
	handle string
	until  time.Duration // from now
}

func newQueues(life context.Context, client *sqs.Client) *queues {
	return &queues{client: client, life: life, all: newUnderWay(), polling: newUnderWay(), byName: map[string]*queue{}, lookups: map[string]*lookup{}, sources: map[string]bool{}}
}

func (qs *queues) open(name, url string) *queue {
	cause := purposeSteps
	if qs.sources[name] {
		cause = purposeIntake
	}
	q := &queue{name: name, url: url, client: qs.client, life: onBehalf(qs.life, cause)}
	q.sends = newBatcher(q.life, qs.all, sendLinger, q.sendBatch)
	q.deletes = newBatcher(q.life, qs.all, deleteLinger, q.deleteBatch)
	q.hides = newBatcher(q.life, qs.all, sendLinger, q.hideBatch)
	return q
}

// isSource says that a queue's messages become rows: what it takes is intake.
func (qs *queues) isSource(name string) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	qs.sources[name] = true
}

func (q *queue) fail(err error, action string) error {
	return failure(err, "sqs:"+action, "queue "+q.name)
}

// receive makes one poll for up to n messages, ten at most.
func (q *queue) receive(ctx context.Context, n int, hide, wait time.Duration) ([]types.Message, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &q.url, MaxNumberOfMessages: int32(min(n, batchMost)),
		VisibilityTimeout: wholeSeconds(max(hide, time.Second), longestHide), WaitTimeSeconds: wholeSeconds(wait, longestPoll),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount,
			types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp},
		MessageAttributeNames: []string{"All"}}, patience(wholeSeconds(wait, longestPoll))...)
	if err != nil {
		return nil, q.fail(err, "ReceiveMessage")
	}
	return out.Messages, nil
}

// wholeSeconds are whole ones, rounded up, as SQS takes them.
func wholeSeconds(d, most time.Duration) int32 {
	d = min(max(d, 0), most)
	return int32((d + time.Second - 1) / time.Second)
}

// failedEntry is one that a batch answered for with a failure: the request as a
// whole has succeeded, and the SDK tries nothing again.
type failedEntry struct {
	id, code, text string
	final          bool
}

// inBatches makes requests until every entry is answered for. try answers the
// entries that failed; those that may succeed later are tried again.
func inBatches(ctx context.Context, n int, fail func(error) error, try func(left []int) ([]failedEntry, error)) []error {
	errs := make([]error, n)
	left := make([]int, n)
	for i := range left {
		left[i] = i
	}
	wait := batchPause
	for round := 1; len(left) > 0; round++ {
		failed, err := try(left)
		if err != nil {
			for _, i := range left {
				errs[i] = fail(err)
			}
			return errs
		}
		left = left[:0:0]
		for _, f := range failed {
			i, convErr := strconv.Atoi(f.id)
			if convErr != nil || i >= n {
				continue
			}
			if f.final || round == batchTries || ctx.Err() != nil {
				errs[i] = &entryError{code: f.code, text: f.text, final: f.final}
				continue
			}
			left = append(left, i)
		}
		if len(left) > 0 {
			pauseFor(ctx, wait)
			wait *= 2
		}
	}
	return errs
}

func pauseFor(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// entryError is what SQS said of one entry of a batch.
type entryError struct {
	code, text string
	final      bool // no use in trying again
}

func (e *entryError) Error() string { return e.code + ": " + e.text }

func failedEntries(list []types.BatchResultErrorEntry) []failedEntry {
	failed := make([]failedEntry, len(list))
	for i, f := range list {
		failed[i] = failedEntry{id: sdkaws.ToString(f.Id), code: sdkaws.ToString(f.Code), text: sdkaws.ToString(f.Message), final: f.SenderFault}
	}
	return failed
}

func (q *queue) sendBatch(ctx context.Context, bodies []string) []error {
	return inBatches(ctx, len(bodies), func(err error) error { return q.fail(err, "SendMessage") }, func(left []int) ([]failedEntry, error) {
		entries := make([]types.SendMessageBatchRequestEntry, len(left))
		for i, n := range left {
			entries[i] = types.SendMessageBatchRequestEntry{Id: sdkaws.String(strconv.Itoa(n)), MessageBody: &bodies[n]}
		}
		out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		if err != nil {
			return nil, err
		}
		return failedEntries(out.Failed), nil
	})
}

func (q *queue) deleteBatch(ctx context.Context, handles []string) []error {
	return inBatches(ctx, len(handles), func(err error) error { return q.fail(err, "DeleteMessage") }, func(left []int) ([]failedEntry, error) {
		entries := make([]types.DeleteMessageBatchRequestEntry, len(left))
		for i, n := range left {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: sdkaws.String(strconv.Itoa(n)), ReceiptHandle: &handles[n]}
		}
		out, err := q.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		if err != nil {
			return nil, err
		}
		return failedEntries(out.Failed), nil
	})
}

func (q *queue) hideBatch(ctx context.Context, hides []hide) []error {
	return inBatches(ctx, len(hides), func(err error) error { return q.fail(err, "ChangeMessageVisibility") }, func(left []int) ([]failedEntry, error) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(left))
		for i, n := range left {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: sdkaws.String(strconv.Itoa(n)), ReceiptHandle: &hides[n].handle,
				VisibilityTimeout: wholeSeconds(hides[n].until, longestHide)}
		}
		out, err := q.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url, Entries: entries})
		if err != nil {
			return nil, err
		}
		return failedEntries(out.Failed), nil
	})
}

// handleLost tells whether a message cannot be changed any more: it was deleted,
// or its time-out has run out.
func handleLost(err error) bool {
	e, ok := errors.AsType[*entryError](err)
	if !ok {
		return false
	}
	switch e.code {
	case "ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight":
		return true
	}
	return false
}

// depth is about how many messages a queue has: to be received, hidden, delayed.
func (q *queue) depth(ctx context.Context) (visible, hidden, delayed int64, err error) {
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed}})
	if err != nil {
		return 0, 0, 0, q.fail(err, "GetQueueAttributes")
	}
	n := func(name types.QueueAttributeName) int64 {
		v, _ := strconv.ParseInt(out.Attributes[string(name)], 10, 64)
		return v
	}
	return n(types.QueueAttributeNameApproximateNumberOfMessages), n(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
		n(types.QueueAttributeNameApproximateNumberOfMessagesDelayed), nil
}

// drain sends what batches still wait for, and waits for requests under way
// until ctx ends. It does not wait for long polls.
func (qs *queues) drain(ctx context.Context) {
	qs.mu.Lock()
	for _, q := range qs.byName {
		q.sends.expire()
		q.deletes.expire()
		q.hides.expire()
	}
	qs.mu.Unlock()
	qs.all.wait(ctx)
}
