package aws

import (
	"context"
	"sync"
)

// underWay are requests that nobody waits for until the end. Unlike a
// sync.WaitGroup it may be waited for, and given up on, while more begin.
type underWay struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when none is left
}

func newUnderWay() *underWay {
	u := &underWay{idle: make(chan struct{})}
	close(u.idle)
	return u
}

// Go begins one.
func (u *underWay) Go(do func()) {
	u.mu.Lock()
	if u.n++; u.n == 1 {
		u.idle = make(chan struct{})
	}
	u.mu.Unlock()
	go func() {
		defer u.end()
		do()
	}()
}

func (u *underWay) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.n--; u.n == 0 {
		close(u.idle)
	}
}

// Wait waits until none is left.
func (u *underWay) Wait() { u.wait(context.Background()) }

func (u *underWay) wait(ctx context.Context) {
	u.mu.Lock()
	idle := u.idle
	u.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}
