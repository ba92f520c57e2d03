package aws

import "context"

// turn is a lock that nobody waits for longer than his context allows: whoever
// holds it may be waiting for a service that does not answer.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) end() { <-t }
