package breaker

import (
	"fmt"
	"time"
)

// State is what a breaker does with calls.
type State string

const (
	Closed   State = "closed"    // every call goes through
	Open     State = "open"      // no call goes through
	HalfOpen State = "half-open" // a few probes go through and decide
)

// ParseState reads a state as people write it.
func ParseState(s string) (State, error) {
	switch st := State(s); st {
	case Closed, Open, HalfOpen:
		return st, nil
	default:
		return "", fmt.Errorf("breaker state %q is not known; use closed, open or half-open", s)
	}
}

// Program is the By of a transition that no operator asked for.
const Program = "redrive"

// Snapshot is the stored, shared part of a breaker. The zero Snapshot is a closed breaker.
type Snapshot struct {
	State       State
	Held        bool      // an operator holds it open or closed
	HeldUntil   time.Time // when the hold ends by itself
	HeldBy      string    // who holds it, empty when nobody does
	Reason      string    // why it is in this state; of an operator word for word
	Since       time.Time // when it came into this state
	NextProbeAt time.Time // open and not held: when it probes; else zero
	Granted     int       // probes let through in this round, less those given back
	Succeeded   int       // probes that succeeded in this round
	Out         []Out     // who has the probes of this round that have no outcome yet
	Round       int64     // raised by every transition
	Version     int64     // raised by every change
}

// Out is how many probes a caller has out. A Snapshot's list is never changed in place.
type Out struct {
	By string // names the caller, alone among all processes
	N  int
	At time.Time // when it was last given one
}

// Transition is one entry of a breaker's history. From and To are equal when a hold
// began or ended without a change of state.
type Transition struct {
	At         time.Time
	From, To   State
	By, Reason string
}

// New is a breaker that has seen no call.
func New(now time.Time) Snapshot { return Snapshot{State: Closed, Since: now} }

// Blocked reports whether calls stop altogether.
func (s Snapshot) Blocked() bool { return s.State == Open }

func (s Snapshot) normal() Snapshot {
	if s.State == "" {
		s.State = Closed
	}
	return s
}

// holds reports whether an operator's hold is in force. A hold without an end is over.
func (s Snapshot) holds(now time.Time) bool { return s.Held && now.Before(s.HeldUntil) }

// move is the only way into a state: it starts a new round and forgets the hold and the
// probes of the old one.
func (s Snapshot) move(to State, by, reason string, now time.Time) (Snapshot, *Transition) {
	s = s.normal()
	next := Snapshot{
		State: to, Reason: reason, Since: s.Since,
		Round: s.Round + 1, Version: s.Version + 1,
	}
	if to != s.State {
		next.Since = now
	}
	return next, &Transition{At: now, From: s.State, To: to, By: by, Reason: reason}
}

// opened is move to Open with a time for the probes.
func (s Settings) opened(b Snapshot, by, reason string, now time.Time) (Snapshot, *Transition) {
	next, t := b.move(Open, by, reason, now)
	next.NextProbeAt = now.Add(s.OpenFor)
	return next, t
}
