package breaker

import (
	"fmt"
	"slices"
	"time"
)

// GrantGrace is how long a granted probe may take to show up as a call in flight before
// Settle takes its slot back: longer than a poll of a queue.
const GrantGrace = 30 * time.Second

// Grant answers how many of n calls the caller by may make: all while closed, none while
// open, and what is left of Probes in this round while half-open. A caller makes no call
// before the returned Snapshot is stored.
func (s Settings) Grant(b Snapshot, by string, n int, now time.Time) (Snapshot, int) {
	n = max(n, 0)
	switch b.normal().State {
	case Closed:
		return b, n
	case HalfOpen:
		n = min(n, max(s.probes()-b.Granted, 0))
		if n == 0 {
			return b, 0
		}
		b.Out = b.with(Out{By: by, N: b.out(by).N + n, At: now})
		b.Granted += n
		b.Version++
		return b, n
	default:
		return b, 0
	}
}

// ProbeResult takes the outcome of a probe of the given round. One failure opens the
// breaker again; the last success of Probes closes it. An outcome of another round, or a
// success whose slot was given back, changes nothing.
func (s Settings) ProbeResult(b Snapshot, by string, round int64, ok bool, now time.Time) (Snapshot, *Transition) {
	if b.State != HalfOpen || b.Round != round {
		return b, nil
	}
	if !ok {
		reason := fmt.Sprintf("a probe failed after %d of %d had succeeded; probes again in %s",
			b.Succeeded, s.probes(), spell(s.OpenFor))
		return s.opened(b, Program, reason, now)
	}
	out := b.out(by)
	if out.N <= 0 {
		return b, nil
	}
	out.N--
	b.Out = b.with(out)
	b.Succeeded++
	b.Version++
	if b.Succeeded >= s.probes() {
		return s.succeeded(b, now)
	}
	return b, nil
}

// GiveBack frees n slots of a caller in the given round: its workers died, were shut down
// or found no message. Slots that already succeeded stay taken.
func (s Settings) GiveBack(b Snapshot, by string, round int64, n int) Snapshot {
	if b.State != HalfOpen || b.Round != round || n <= 0 {
		return b
	}
	return b.keep(by, b.out(by).N-n)
}

// Crew is what a caller knows when it settles a round: its own calls and who else is there.
type Crew struct {
	Waiting  int    // rows that a worker, of any caller, could receive now
	By       string // the caller
	InFlight int    // probes it is calling
	Gone     func(by string) bool
}

// Settle looks at a half-open breaker from outside. With nothing waiting and every granted
// slot accounted for, fewer probes than Probes decide: one success closes it, none leaves
// it half-open with every probe to give. Slots of a caller that is gone are given back
// here, and those granted to this one GrantGrace ago that are not in flight, so that
// nobody keeps a breaker half-open for ever. Another caller's probe stays out for as long
// as that caller is there.
func (s Settings) Settle(b Snapshot, c Crew, now time.Time) (Snapshot, *Transition) {
	if b.State != HalfOpen {
		return b, nil
	}
	b = b.accounted()
	for _, out := range b.Out {
		switch {
		case out.By == c.By && now.Sub(out.At) >= GrantGrace:
			b = b.keep(out.By, min(out.N, max(c.InFlight, 0)))
		case out.By != c.By && c.Gone(out.By):
			b = b.keep(out.By, 0)
		}
	}
	idle := c.Waiting <= 0 && c.InFlight <= 0 && b.Granted <= b.Succeeded
	if b.Succeeded >= s.probes() || idle && b.Succeeded > 0 {
		return s.succeeded(b, now)
	}
	return b, nil
}

func (b Snapshot) out(by string) Out {
	if i := slices.IndexFunc(b.Out, func(o Out) bool { return o.By == by }); i >= 0 {
		return b.Out[i]
	}
	return Out{By: by}
}

// with is the list of what is out with one caller's part changed.
func (b Snapshot) with(out Out) []Out {
	list := slices.DeleteFunc(slices.Clone(b.Out), func(o Out) bool { return o.By == out.By })
	if out.N > 0 {
		list = append(list, out)
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

// accounted takes back slots that nobody has.
func (b Snapshot) accounted() Snapshot {
	known := b.Succeeded
	for _, out := range b.Out {
		known += out.N
	}
	if b.Granted > known {
		b.Granted = known
		b.Version++
	}
	return b
}

// keep lowers what a caller has out to n.
func (b Snapshot) keep(by string, n int) Snapshot {
	out, n := b.out(by), max(n, 0)
	if n >= out.N {
		return b
	}
	b.Granted -= out.N - n
	out.N = n
	b.Out = b.with(out)
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
