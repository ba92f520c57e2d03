package aws

import (
	"bytes"
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// shortly makes a receive answer at once. The SDK leaves a waiting time of zero
// out of the request, and then the queue's own setting counts, which is often
// the longest there is.
func shortly(o *sqs.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Serialize.Insert(middleware.SerializeMiddlewareFunc("RedriveShortPoll", shortPoll), "OperationSerializer", middleware.After)
	})
}

func shortPoll(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error) {
	req, ok := in.Request.(*smithyhttp.Request)
	if !ok || req.GetStream() == nil {
		return next.HandleSerialize(ctx, in)
	}
	body, err := io.ReadAll(req.GetStream())
	if err != nil {
		return middleware.SerializeOutput{}, middleware.Metadata{}, err
	}
	if i := bytes.LastIndexByte(body, '}'); i > 0 && !bytes.Contains(body, []byte(`"WaitTimeSeconds"`)) {
		body = append(body[:i:i], []byte(`,"WaitTimeSeconds":0}`)...)
	}
	if in.Request, err = req.SetStream(bytes.NewReader(body)); err != nil {
		return middleware.SerializeOutput{}, middleware.Metadata{}, err
	}
	return next.HandleSerialize(ctx, in)
}

// patience are the options of a receive that waits so many seconds.
func patience(seconds int32) []func(*sqs.Options) {
	if seconds == 0 {
		return []func(*sqs.Options){shortly}
	}
	return nil
}
