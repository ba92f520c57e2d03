package breaker

import "time"

// Force is an operator's command. HalfOpen means probe now: nothing is held and the
// probes decide what follows. Open and Closed hold until the given time, which the
// caller has checked to lie ahead. Every command is a transition, also one to the state
// it is already in. A state that is none of the three changes nothing.
func (s Settings) Force(b Snapshot, to State, until time.Time, by, reason string, now time.Time) (Snapshot, *Transition) {
	switch to {
	case HalfOpen:
		return b.move(HalfOpen, by, reason, now)
	case Open, Closed:
		next, t := b.move(to, by, reason, now)
		next.Held, next.HeldUntil, next.HeldBy = true, until, by
		return next, t
	default:
		return b, nil
	}
}

// Automatic ends a hold: an open breaker stays open and probes after OpenFor, a closed
// one counts calls afresh. Without a hold it changes nothing.
func (s Settings) Automatic(b Snapshot, by, reason string, now time.Time) (Snapshot, *Transition) {
	switch {
	case !b.Held:
		return b, nil
	case b.State == Open:
		return s.opened(b, by, reason, now)
	default:
		return b.move(b.normal().State, by, reason, now)
	}
}
