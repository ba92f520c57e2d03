package aws

import (
	"sync"
	"time"
)

const (
	idleSlot  = time.Minute
	idleSlots = 10              // what is idle is measured over the last ten minutes
	idleLeast = 5 * time.Second // before that it says nothing
)

// idleWindow is what was spent on nothing lately.
type idleWindow struct {
	mu    sync.Mutex
	began time.Time
	slots [idleSlots]struct {
		start time.Time
		spent spent
	}
}

func (w *idleWindow) add(now time.Time, s spent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	start := now.Truncate(idleSlot)
	slot := &w.slots[now.Unix()/int64(idleSlot/time.Second)%idleSlots]
	if !slot.start.Equal(start) {
		slot.start, slot.spent = start, spent{}
	}
	slot.spent = slot.spent.plus(s)
}

// day extrapolates to a day, and tells over how long it was measured: zero as
// long as that says nothing.
func (w *idleWindow) day(now time.Time) (spent, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := now.Truncate(idleSlot).Add(-(idleSlots - 1) * idleSlot)
	var sum spent
	for _, slot := range w.slots {
		if !slot.start.Before(from) {
			sum = sum.plus(slot.spent)
		}
	}
	if from.Before(w.began) {
		from = w.began
	}
	over := now.Sub(from)
	if over < idleLeast {
		return spent{}, 0
	}
	return sum.times(float64(24*time.Hour) / float64(over)), over
}
