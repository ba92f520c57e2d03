package pipeline

import (
	"context"
	"time"
)

const (
	gatherMost  = 10                     // deliveries that are worth waiting for: where a poll has a price, it is that of ten
	gatherLeast = 2 * time.Millisecond   // the wait
	gatherLong  = 250 * time.Millisecond // however long calls take
)

// gather waits a moment for more calls to end where polls have a price: one for
// each call that ends costs several times as much as one for many. A quarter of a
// usual call is little to wait, and many end meanwhile.
func (w *worker) gather(ctx context.Context) {
	if w.e.backend.Poll == 0 {
		return
	}
	more, changed := w.limits.filling(gatherMost)
	if !more {
		return
	}
	usual, _ := w.meter.percentiles()
	ctx, cancel := context.WithTimeout(ctx, min(max(usual/4, gatherLeast), gatherLong))
	defer cancel()
	for more && ctx.Err() == nil {
		pause(ctx, gatherLong, changed)
		more, changed = w.limits.filling(gatherMost)
	}
}

// filling tells whether some calls may be made at once, but fewer than so many,
// while others are under way; the channel closes when that changes.
func (l *limits) filling(most int) (bool, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	free := l.concurrency - l.busy
	if l.paused || l.busy == 0 || free <= 0 || free >= most {
		return false, l.changed
	}
	l.waiting = true
	return true, l.changed
}
