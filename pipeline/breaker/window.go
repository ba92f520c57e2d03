package breaker

import (
	"sync"
	"time"
)

// buckets is how finely a window is cut: what it forgets at once is a thirtieth.
const buckets = 30

// Window counts the calls of the last seconds in one process. It is safe for concurrent
// use, never grows, and uses the monotonic clock of the times it is given, so that a
// jump of the wall clock does not empty it.
type Window struct {
	mu     sync.Mutex
	width  time.Duration
	origin time.Time
	cells  [buckets]cell
}

type cell struct {
	slot          int64 // which stretch of time since origin this cell counts
	calls, failed int
}

// NewWindow counts calls over the given length.
func NewWindow(length time.Duration) *Window {
	return &Window{width: max(length/buckets, 1)}
}

// Add counts one call that ended now.
func (w *Window) Add(now time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slot := w.slot(now)
	c := &w.cells[((slot%buckets)+buckets)%buckets]
	if c.slot != slot {
		*c = cell{slot: slot}
	}
	c.calls++
	if !ok {
		c.failed++
	}
}

// Counts answers how many calls ended in the window before now, and how many failed.
func (w *Window) Counts(now time.Time) (calls, failed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slot := w.slot(now)
	for i := range w.cells {
		c := &w.cells[i]
		if c.slot > slot-buckets && c.slot <= slot {
			calls += c.calls
			failed += c.failed
		}
	}
	return calls, failed
}

// Reset forgets every call.
func (w *Window) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cells = [buckets]cell{}
}

// slot assumes the lock. The first time it sees is the origin.
func (w *Window) slot(now time.Time) int64 {
	if w.origin.IsZero() {
		w.origin = now
	}
	since := now.Sub(w.origin)
	slot := int64(since / w.width)
	if since < 0 && since%w.width != 0 {
		slot--
	}
	return slot
}
