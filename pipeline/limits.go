package pipeline

import (
	"sync"
	"time"
)

// limits are what a step may do at this moment: how many calls at once, how
// many a second, whether at all. Operators change them while it runs.
type limits struct {
	mu          sync.Mutex
	concurrency int
	rate        float64 // a second; 0: no limit
	paused      bool
	tokens      float64
	filled      time.Time
	busy        int
	waiting     bool          // somebody waits on changed
	changed     chan struct{} // closed and replaced when a waiter should look again
}

func newLimits(concurrency int, rate float64) *limits {
	return &limits{concurrency: max(concurrency, 1), rate: rate, tokens: 1, filled: time.Now(), changed: make(chan struct{})}
}

// set applies what an operator or the configuration says, and tells whether it
// is a change.
func (l *limits) set(concurrency int, rate float64, paused bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	concurrency = max(concurrency, 1)
	if l.concurrency == concurrency && l.rate == rate && l.paused == paused {
		return false
	}
	l.refill(time.Now())
	l.concurrency, l.rate, l.paused = concurrency, rate, paused
	l.tokens = min(l.tokens, l.depth())
	l.wake()
	return true
}

// take reserves up to want calls. With none to give it returns how long to wait
// at most and a channel that closes when something changed.
func (l *limits) take(want int) (n int, wait time.Duration, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = min(want, l.concurrency-l.busy)
	if l.paused || n <= 0 {
		l.waiting = true
		return 0, time.Hour, l.changed
	}
	if l.rate > 0 {
		l.refill(time.Now())
		if l.tokens < 1 {
			l.waiting = true
			return 0, max(time.Millisecond, time.Duration((1-l.tokens)/l.rate*float64(time.Second))), l.changed
		}
		n = min(n, int(l.tokens))
		l.tokens -= float64(n)
	}
	l.busy += n
	return n, 0, nil
}

// giveBack returns calls that were not made.
func (l *limits) giveBack(n int) {
	if n == 0 {
		return
	}
	l.mu.Lock()
	if l.rate > 0 {
		l.tokens = min(l.tokens+float64(n), l.depth())
	}
	l.busy -= n
	l.wake()
	l.mu.Unlock()
}

// done frees a slot after its call.
func (l *limits) done() {
	l.mu.Lock()
	l.busy--
	l.wake()
	l.mu.Unlock()
}

func (l *limits) isPaused() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.paused
}

// most is how many calls may be made at once.
func (l *limits) most() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.concurrency
}

func (l *limits) running() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy
}

// depth of the bucket: a fiftieth of a second's calls, so that no second sees
// more than 2 % over the rate.
func (l *limits) depth() float64 { return max(1, l.rate/50) }

func (l *limits) refill(now time.Time) {
	l.tokens = min(l.depth(), l.tokens+now.Sub(l.filled).Seconds()*l.rate)
	l.filled = now
}

func (l *limits) wake() {
	if !l.waiting {
		return
	}
	l.waiting = false
	close(l.changed)
	l.changed = make(chan struct{})
}
