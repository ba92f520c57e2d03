package pipeline

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// gathering is a worker with eight slots, so many of them taken, whose calls
// take so long.
func gathering(poll time.Duration, taken int, call time.Duration) *worker {
	w := &worker{e: &Engine{backend: Backend{Poll: poll}}, limits: newLimits(8, 0), meter: newMeter()}
	w.limits.take(taken)
	for range 9 {
		w.meter.ended(&ended{outcome: Outcome{Attempt: Attempt{Number: 1, Duration: call}}}, true)
	}
	return w
}

func TestWorkerWaitsForMoreSlotsWhereAPollHasAPrice(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		w     *worker
		waits time.Duration
	}{
		{"a poll is free", gathering(0, 7, time.Second), 0},
		{"nothing is under way", gathering(20*time.Second, 0, time.Second), 0},
		{"no slot is free", gathering(20*time.Second, 8, time.Second), 0},
		{"one slot is free", gathering(20*time.Second, 7, 400*time.Millisecond), 100 * time.Millisecond},
		{"calls take no time", gathering(20*time.Second, 7, 0), gatherLeast},
		{"calls take for ever", gathering(20*time.Second, 7, time.Hour), gatherLong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				tt.w.limits.changed = make(chan struct{}) // of this bubble
				tt.w.gather(t.Context())
				if waited := time.Since(began); waited != tt.waits {
					t.Errorf("waits for %v, want %v", waited, tt.waits)
				}
			})
		})
	}
}

func TestWorkerWaitsNoLongerThanUntilAllSlotsAreFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, began := gathering(20*time.Second, 7, time.Second), time.Now()
		go func() {
			for range 7 {
				time.Sleep(10 * time.Millisecond)
				w.limits.done()
			}
		}()
		w.gather(t.Context())
		if waited := time.Since(began); waited != 70*time.Millisecond {
			t.Errorf("waits for %v", waited)
		}
	})
}

func TestWorkerWaitsForNothingAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		gathering(20*time.Second, 7, time.Second).gather(ctx)
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waits for %v", waited)
		}
	})
}
