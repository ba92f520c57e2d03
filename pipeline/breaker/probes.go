package breaker

import (
	"fmt"
	"time"
)

// GrantGrace is how long a granted probe may take to show up as a call in flight before
// Settle takes its slot back: longer than a long poll of a queue.
const GrantGrace = 30 * time.Second

// Grant answers how many of n calls may be made: all while closed, none while open, and
// what is left of Probes in this round while half-open. A caller makes no call before the
// returned Snapshot is stored.
func (s Settings) Grant(b Snapshot, n int, now time.Time) (Snapshot, int) {
	n = max(n, 0)
	switch b.normal().State {
	case Closed:
		return b, n
	case HalfOpen:
		n = min(n, max(s.probes()-b.Granted, 0))
		if n == 0 {
			return b, 0
		}
		b.Granted += n
		b.GrantedAt = now
		b.Version++
		return b, n
	default:
		return b, 0
	}
}

// ProbeResult takes the outcome of a probe of the given round. One failure opens the
// breaker again; the last success of Probes closes it. An outcome of another round, or a
// success whose slot was given back, changes nothing.
func (s Settings) ProbeResult(b Snapshot, round int64, ok bool, now time.Time) (Snapshot, *Transition) {
	if b.State != HalfOpen || b.Round != round {
		return b, nil
	}
	if !ok {
		reason := fmt.Sprintf("a probe failed after %d of %d had succeeded; probes again in %s",
			b.Succeeded, s.probes(), spell(s.OpenFor))
		return s.opened(b, Program, reason, now)
	}
	if b.Succeeded >= b.Granted {
		return b, nil
	}
	b.Succeeded++
	b.Version++
	if b.Succeeded >= s.probes() {
		return s.succeeded(b, now)
	}
	return b, nil
}

// GiveBack frees n slots of the given round: their workers died, were shut down or found
// no message. Slots that already succeeded stay taken.
func (s Settings) GiveBack(b Snapshot, round int64, n int) Snapshot {
	if b.State != HalfOpen || b.Round != round || n <= 0 {
		return b
	}
	return b.keep(b.Granted - n)
}

// Settle looks at a half-open breaker from outside: waiting is the number of rows a
// worker could receive now, inFlight the number of probes being called. With nothing
// waiting, nothing in flight and every granted slot accounted for, fewer probes than
// Probes decide: one success closes it, none leaves it half-open with every probe to
// give. A slot that was granted GrantGrace ago and is not in flight is given back here,
// so that a killed process cannot keep a breaker half-open for ever.
func (s Settings) Settle(b Snapshot, waiting, inFlight int, now time.Time) (Snapshot, *Transition) {
	if b.State != HalfOpen {
		return b, nil
	}
	if !b.GrantedAt.IsZero() && now.Sub(b.GrantedAt) >= GrantGrace {
		b = b.keep(b.Succeeded + max(inFlight, 0))
	}
	idle := waiting <= 0 && inFlight <= 0 && b.Granted <= b.Succeeded
	if b.Succeeded >= s.probes() || idle && b.Succeeded > 0 {
		return s.succeeded(b, now)
	}
	return b, nil
}

// keep lowers Granted to n, never below what succeeded.
func (b Snapshot) keep(n int) Snapshot {
	n = max(n, b.Succeeded)
	if n >= b.Granted {
		return b
	}
	b.Granted = n
	b.Version++
	return b
}

func (s Settings) succeeded(b Snapshot, now time.Time) (Snapshot, *Transition) {
	if b.Succeeded >= s.probes() {
		return b.move(Closed, Program, fmt.Sprintf("%d of %d probes succeeded", b.Succeeded, s.probes()), now)
	}
	return b.move(Closed, Program,
		fmt.Sprintf("%d of %d probes succeeded and nothing else waits", b.Succeeded, s.probes()), now)
}
