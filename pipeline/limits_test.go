package pipeline

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestLimitsHoldTheRate(t *testing.T) {
	for _, rate := range []float64{1, 7, 50, 400} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimits(1000, rate)
			end := time.Now().Add(10 * time.Second)
			calls := 0
			for time.Now().Before(end) {
				n, wait, _ := l.take(1000)
				calls += n
				for range n {
					l.done()
				}
				if n == 0 {
					time.Sleep(wait)
				}
			}
			most := rate*10 + max(1, rate/50)
			if float64(calls) > most || float64(calls) < rate*9.5-1 {
				t.Errorf("rate %v: %d calls in 10 s, at most %v", rate, calls, most)
			}
		})
	}
}

func TestLimitsConcurrencyAndPause(t *testing.T) {
	l := newLimits(3, 0)
	if n, _, _ := l.take(10); n != 3 {
		t.Fatalf("took %d of 3", n)
	}
	n, _, changed := l.take(10)
	if n != 0 {
		t.Fatalf("took %d over the limit", n)
	}
	l.set(5, 0, false)
	select {
	case <-changed:
	default:
		t.Error("a change woke nobody")
	}
	if n, _, _ := l.take(10); n != 2 {
		t.Errorf("took %d of the 2 new slots", n)
	}
	l.set(5, 0, true)
	for range 5 {
		l.done()
	}
	if n, _, _ := l.take(1); n != 0 {
		t.Error("a paused step took work")
	}
	l.set(5, 0, false)
	if n, _, _ := l.take(10); n != 5 || l.running() != 5 {
		t.Errorf("after the pause: took %d, %d running", n, l.running())
	}
	l.giveBack(4)
	if l.running() != 1 {
		t.Errorf("%d running after giving back", l.running())
	}
}
