package aws

import (
	"context"
	"errors"
	"slices"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"redrive/pipeline"
)

// StartNative starts SQS's own move of everything in a dead-letter queue.
func (f *foreignQueues) StartNative(ctx context.Context, name, to string, rate int) (string, error) {
	source, err := f.arn(ctx, name)
	if err != nil {
		return "", err
	}
	list, err := f.Native(ctx, name)
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(list, func(m pipeline.NativeMove) bool { return m.State == pipeline.MoveRunning }); i >= 0 {
		return "", &pipeline.Error{Code: pipeline.CodeConflict, Text: "SQS moves messages out of queue " + name + " already, since " +
			list[i].StartedAt.Format(time.RFC3339) + "; it makes one move a queue at a time"}
	}
	in := &sqs.StartMessageMoveTaskInput{SourceArn: source}
	if to != "" {
		if in.DestinationArn, err = f.arn(ctx, to); err != nil {
			return "", err
		}
	}
	if rate > 0 {
		in.MaxNumberOfMessagesPerSecond = sdkaws.Int32(int32(rate))
	}
	out, err := f.client.StartMessageMoveTask(ctx, in)
	if err != nil {
		return "", f.noNative(err, "StartMessageMoveTask", name)
	}
	return sdkaws.ToString(out.TaskHandle), nil
}

// noNative says what to do instead where SQS does not make the move.
func (f *foreignQueues) noNative(err error, action, name string) error {
	switch code := codeOf(err); code {
	case "InvalidAction", "UnknownOperation", "UnknownOperationException", "NotImplemented":
		return &pipeline.Error{Code: pipeline.CodeConflict, Err: err,
			Text: "SQS's own move is not to be had here (sqs:" + action + " answers " + code + "); redrive without native, that works everywhere"}
	case "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", "ResourceNotFoundException", "InvalidParameterValue", "InvalidAddress":
		told := ""
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			told = api.ErrorMessage()
		}
		return &pipeline.Error{Code: pipeline.CodeConflict, Err: err, Text: "SQS refuses its own move of queue " + name + ": " + told}
	}
	return f.fail(err, action, name)
}

// Native lists SQS's moves of a queue: the one that runs, and the last ten.
func (f *foreignQueues) Native(ctx context.Context, name string) ([]pipeline.NativeMove, error) {
	source, err := f.arn(ctx, name)
	if err != nil {
		return nil, err
	}
	out, err := f.client.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: source, MaxResults: sdkaws.Int32(10)})
	if err != nil {
		return nil, f.noNative(err, "ListMessageMoveTasks", name)
	}
	list := make([]pipeline.NativeMove, len(out.Results))
	for i, r := range out.Results {
		list[i] = pipeline.NativeMove{Handle: sdkaws.ToString(r.TaskHandle), State: nativeState(sdkaws.ToString(r.Status)), To: nameIn(sdkaws.ToString(r.DestinationArn), ":"),
			Moved: r.ApproximateNumberOfMessagesMoved, ToMove: sdkaws.ToInt64(r.ApproximateNumberOfMessagesToMove),
			Rate: int(sdkaws.ToInt32(r.MaxNumberOfMessagesPerSecond)), Failure: sdkaws.ToString(r.FailureReason), StartedAt: fromMillis(r.StartedTimestamp)}
	}
	return list, nil
}

func nativeState(status string) pipeline.MoveState {
	switch status {
	case "COMPLETED":
		return pipeline.MoveDone
	case "CANCELLED":
		return pipeline.MoveCancelled
	case "FAILED":
		return pipeline.MoveFailed
	default:
		return pipeline.MoveRunning
	}
}

// CancelNative ends SQS's own move.
func (f *foreignQueues) CancelNative(ctx context.Context, name, handle string) (int64, error) {
	out, err := f.client.CancelMessageMoveTask(ctx, &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
	if err != nil {
		return 0, f.noNative(err, "CancelMessageMoveTask", name)
	}
	return out.ApproximateNumberOfMessagesMoved, nil
}
