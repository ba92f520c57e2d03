package breaker

import (
	"fmt"
	"time"
)

// Trip opens a closed breaker whose recent calls failed too often. It changes nothing
// below MinimumCalls, in any other state, and while held.
func (s Settings) Trip(b Snapshot, calls, failed int, now time.Time) (Snapshot, *Transition) {
	if b.Held || b.normal().State != Closed || calls < max(s.MinimumCalls, 1) || failed < 1 {
		return b, nil
	}
	rate := float64(failed) / float64(calls)
	if rate < s.FailureRate {
		return b, nil
	}
	reason := fmt.Sprintf("%d of %d calls failed in %s (%s); opens at %s",
		failed, calls, spell(s.Window), percent(rate), percent(s.FailureRate))
	return s.opened(b, Program, reason, now)
}

// Tick does what time alone does: it ends a hold that ran out and lets an open breaker
// probe. A hold that kept it open ends half-open, a hold that kept it closed ends closed
// with a fresh window. It also closes a round whose probes were lowered below what
// already succeeded.
func (s Settings) Tick(b Snapshot, now time.Time) (Snapshot, *Transition) {
	switch {
	case b.holds(now):
		return b, nil
	case b.Held:
		return s.release(b, now)
	case b.State == Open && !now.Before(s.probeTime(b)):
		reason := fmt.Sprintf("was open for %s; %s", spell(now.Sub(b.Since)), s.decide())
		return b.move(HalfOpen, Program, reason, now)
	case b.State == HalfOpen && b.Succeeded >= s.probes():
		return s.succeeded(b, now)
	default:
		return b, nil
	}
}

func (s Settings) release(b Snapshot, now time.Time) (Snapshot, *Transition) {
	reason := "the hold by " + b.HeldBy + " ran out; "
	if b.State == Open {
		return b.move(HalfOpen, Program, reason+s.decide(), now)
	}
	return b.move(b.normal().State, Program, reason+"calls are counted afresh", now)
}

// probeTime falls back on Since: an open breaker without a time would stay open for ever.
func (s Settings) probeTime(b Snapshot) time.Time {
	if b.NextProbeAt.IsZero() {
		return b.Since.Add(s.OpenFor)
	}
	return b.NextProbeAt
}

func (s Settings) decide() string {
	if s.probes() == 1 {
		return "1 probe decides"
	}
	return fmt.Sprintf("%d probes decide", s.probes())
}
