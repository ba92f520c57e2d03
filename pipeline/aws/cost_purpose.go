package aws

import (
	"context"

	"github.com/aws/smithy-go/middleware"

	"redrive/pipeline"
)

// purpose is what a request is made for. Whoever begins something says so in
// the context; requests that several callers share are for the first of them.
type purpose string

const (
	purposeIntake  purpose = "intake"  // storing rows
	purposeSteps   purpose = "steps"   // receiving, extending and settling them
	purposeConsole purpose = "console" // what a person or a program asks for: pages, the API, metrics
	purposeIdle    purpose = "idle"    // polls that bring nothing, and what each process does every few seconds
	purposeSweep   purpose = "sweep"   // looking for what is stuck, and for what is too old
	purposeOther   purpose = "other"   // redrives under way, provisioning, notices, what the steps themselves call
)

type purposeKey struct{}

// spend says what requests made with a context are for. Who said so first is
// right: within an intake everything is intake. What is done every few seconds
// is the console's where somebody has asked for it.
func spend(ctx context.Context, p purpose) context.Context {
	if _, said := ctx.Value(purposeKey{}).(purpose); said || p == purposeIdle && asked(ctx) {
		return ctx
	}
	return onBehalf(ctx, p)
}

// onBehalf is a context with the purpose of another one, whatever its own.
func onBehalf(ctx context.Context, p purpose) context.Context {
	return context.WithValue(ctx, purposeKey{}, p)
}

// purposeOf is what was said, else the console's if somebody has asked for it.
func purposeOf(ctx context.Context) purpose {
	p, said := ctx.Value(purposeKey{}).(purpose)
	switch {
	case said:
		return p
	case asked(ctx):
		return purposeConsole
	}
	return purposeOther
}

// attachPurpose has all requests of a client spent on a purpose, unless their
// contexts say something else.
func attachPurpose(p purpose) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("RedrivePurpose",
			func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				return next.HandleInitialize(spend(ctx, p), in)
			}), middleware.Before)
	}
}

// asked tells whether somebody else than the program itself wants it done.
func asked(ctx context.Context) bool { return pipeline.ActorFrom(ctx).Name != pipeline.Program }
