package pipeline

import "context"

// Actor is who does something. Empty names never reach the audit log.
type Actor struct {
	Name string // a user, "local" without access control, "redrive" for the program itself
	Role string
	From string // address, empty for the program itself
}

// Program is the actor of everything nobody asked for.
const Program = "redrive"

type actorKey struct{}

// WithActor returns a context in which actor does what is done.
func WithActor(ctx context.Context, actor Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// ActorFrom returns who acts in this context; the program itself by default.
func ActorFrom(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok && a.Name != "" {
		return a
	}
	return Actor{Name: Program}
}
