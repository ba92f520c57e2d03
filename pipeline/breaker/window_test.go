package breaker_test

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"redrive/pipeline/breaker"
)

func TestWindow(t *testing.T) {
	t.Parallel()
	type call struct {
		at time.Duration
		ok bool
	}
	tests := []struct {
		name          string
		calls         []call
		at            time.Duration
		count, failed int
	}{
		{"empty", nil, 0, 0, 0},
		{"counts both", []call{{0, true}, {0, false}, {time.Second, false}}, time.Second, 3, 2},
		{"forgets what is older than the window", []call{{0, false}, {20 * time.Second, true}}, 31 * time.Second, 1, 0},
		{"keeps what is younger", []call{{0, false}}, 29 * time.Second, 1, 1},
		{"forgets everything after a long silence", []call{{0, false}, {time.Second, false}}, 24 * time.Hour, 0, 0},
		{"reuses a cell", []call{{0, false}, {30 * time.Second, true}}, 30 * time.Second, 1, 0},
		{"a step back does not count the future", []call{{10 * time.Second, true}, {-time.Hour, false}}, -time.Hour, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := breaker.NewWindow(30 * time.Second)
			for _, c := range tt.calls {
				w.Add(after(c.at), c.ok)
			}
			if count, failed := w.Counts(after(tt.at)); count != tt.count || failed != tt.failed {
				t.Errorf("%d calls, %d failed, want %d and %d", count, failed, tt.count, tt.failed)
			}
		})
	}
}

func TestWindowReset(t *testing.T) {
	t.Parallel()
	w := breaker.NewWindow(30 * time.Second)
	w.Add(start, false)
	w.Reset()
	if calls, failed := w.Counts(start); calls != 0 || failed != 0 {
		t.Errorf("%d calls, %d failed after a reset", calls, failed)
	}
}

func TestWindowIsSharedByWorkers(t *testing.T) {
	t.Parallel()
	w := breaker.NewWindow(30 * time.Second)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 500 {
				w.Add(start, false)
				w.Counts(start)
			}
		})
	}
	workers.Wait()
	if calls, failed := w.Counts(start); calls != 4000 || failed != 4000 {
		t.Errorf("%d calls, %d failed, want 4000 of each", calls, failed)
	}
}

// A window never counts a call that is older than its length, and never misses one that
// is younger than its length less one cell.
func TestWindowAgainstAList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		length := time.Duration(rapid.IntRange(30, 600_000).Draw(t, "length")) * time.Millisecond
		w := breaker.NewWindow(length)
		now := start
		var ended []time.Time
		for _, ms := range rapid.SliceOf(rapid.IntRange(0, 60_000)).Draw(t, "pauses") {
			now = now.Add(time.Duration(ms) * time.Millisecond)
			w.Add(now, true)
			ended = append(ended, now)
		}
		least, most := 0, 0
		for _, at := range ended {
			if age := now.Sub(at); age <= length-length/30-1 {
				least++
			}
			if now.Sub(at) < length {
				most++
			}
		}
		if calls, _ := w.Counts(now); calls < least || calls > most {
			t.Fatalf("%d calls, want %d to %d", calls, least, most)
		}
	})
}
