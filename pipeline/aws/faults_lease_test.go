package aws

import (
	"testing"
	"time"
)

// TestACallLongerThanItsLeaseIsMadeOnce: its message is hidden on and on.
func TestACallLongerThanItsLeaseIsMadeOnce(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{false, true} {
		t.Run(map[bool]string{true: "with claims", false: "without"}[exclusive], func(t *testing.T) {
			w := newWorks(t)
			w.strict, w.exclusive, w.lease = true, exclusive, 3*time.Second
			w.down.takes = 7 * time.Second
			first := w.start().ready()
			w.start().ready()
			first.submit(3)
			w.within(10*time.Second, "all are being checked", func() bool { return w.down.all() == 3 })
			time.Sleep(w.down.takes + time.Second)
			w.down.change(func(l *ledger) { l.takes = 0 })
			w.reconcile(leeway{})
		})
	}
}

// TestAWorkerThatWakesTooLateChangesNothing: a process is held up for longer than
// its leases, and another one does its work meanwhile.
func TestAWorkerThatWakesTooLateChangesNothing(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{false, true} {
		t.Run(map[bool]string{true: "with claims", false: "without"}[exclusive], func(t *testing.T) {
			w := newWorks(t)
			w.exclusive, w.lease = exclusive, 3*time.Second
			w.down.takes = 4 * time.Second // longer than it takes to see that all have begun
			first := w.start().ready()
			first.submit(5)
			w.within(10*time.Second, "all are being checked", func() bool { return w.down.all() == 5 })
			wake := first.wire.hold()
			w.down.change(func(l *ledger) { l.takes = 0 })
			w.start().ready()
			w.finished(leeway{})
			wake()
			w.reconcile(leeway{overlaps: true})
			for key, e := range w.down.of {
				if key.step == "check" && e.calls != 2 {
					t.Errorf("row %s was checked %d times, want 2", key.row, e.calls)
				}
			}
		})
	}
}
