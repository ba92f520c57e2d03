package aws

import (
	"context"

	"github.com/aws/smithy-go/middleware"
)

type triesKey struct{}

// countTries has the requests made with a context counted, those that the SDK
// makes again by itself too: after the second nobody knows what the first did.
func countTries(ctx context.Context, n *int) context.Context {
	return context.WithValue(ctx, triesKey{}, n)
}

// attachTries counts each try of a request, behind the SDK's own retrying.
func attachTries(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("RedriveTries",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if n, ok := ctx.Value(triesKey{}).(*int); ok {
				*n++
			}
			return next.HandleFinalize(ctx, in)
		}), "Retry", middleware.After)
}
