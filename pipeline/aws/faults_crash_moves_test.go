package aws

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
)

// TestMovesThatAreCutOff ends a process at each request of a move in turn, before
// AWS does it and after. The operation goes on elsewhere by doing it again. Each
// of many dead rows meets one crash.
func TestMovesThatAreCutOff(t *testing.T) {
	w := newWorks(t)
	w.lease, w.shape = 4*time.Second, sweepOften
	w.down.script = w.packFails
	m := w.start().ready()
	const rows = 90
	m.submit(rows)
	w.within(time.Minute, "all rows are dead", func() bool { return m.letters() == rows })
	letters, err := m.store.Backend().Letters.List(t.Context(), pipeline.LetterFilter{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	left := letters.Items
	next := func() pipeline.DeadLetter {
		l := left[0]
		left = left[1:]
		return l
	}

	discarded := map[string]string{} // row by operation
	w.cutOff("discard", func(s *Store, op string, l pipeline.DeadLetter) []error {
		errs, err := s.Backend().Moves.Discard(t.Context(), nil, op, "of no use", l.Row)
		return append(errs, err)
	}, next, func(op string, l pipeline.DeadLetter) { discarded[op] = l.Row })
	restored := map[string]bool{}
	again := func() (l pipeline.DeadLetter) {
		for op, row := range discarded {
			if !restored[row] {
				restored[row] = true
				return pipeline.DeadLetter{Row: row, ID: op}
			}
		}
		l = next() // a restore makes more requests than a discard: it has more points to end at
		op := "more-" + l.ID
		if errs, err := m.store.Backend().Moves.Discard(t.Context(), nil, op, "of no use", l.Row); err != nil || errs[0] != nil {
			t.Fatal(errs, err)
		}
		return pipeline.DeadLetter{Row: l.Row, ID: op}
	}
	w.wantDiscarded(m, discarded)
	w.cutOff("restore", func(s *Store, op string, l pipeline.DeadLetter) []error {
		errs, err := s.Backend().Moves.Restore(t.Context(), nil, op, l.Row)
		return append(errs, err)
	}, again, func(op string, l pipeline.DeadLetter) { delete(discarded, l.ID) })
	w.wantDiscarded(m, discarded)
	redriven := map[string]string{}
	w.down.change(func(l *ledger) { l.mended = true })
	w.cutOff("redrive", func(s *Store, op string, l pipeline.DeadLetter) []error {
		errs, err := s.Backend().Moves.Requeue(t.Context(), nil, pipeline.Move{Row: l.Row, Step: l.Step, If: pipeline.StateDead, Letter: l.ID, Operation: op, At: time.Now().UTC()})
		return append(errs, err)
	}, next, func(op string, l pipeline.DeadLetter) { redriven[op] = l.Row })
	m.redriveAll()
	var aside []string
	for _, row := range discarded {
		aside = append(aside, row)
	}
	for op := range redriven {
		if p, err := m.store.Backend().Moves.Progress(t.Context(), op); err != nil || p.Moved != 1 || p.Succeeded != 1 {
			t.Errorf("operation %s = %+v, %v", op, p, err)
		}
	}
	w.reconcile(leeway{discarded: aside})
}

// cutOff does something for the first time in a process that ends at the nth
// request of it, and again in one that lives.
func (w *works) cutOff(what string, do func(s *Store, op string, l pipeline.DeadLetter) []error, next func() pipeline.DeadLetter, done func(op string, l pipeline.DeadLetter)) {
	w.t.Helper()
	alive := w.aside(w.emulators, w.newWire())
	for n, reached := 1, true; reached; n++ {
		for _, after := range []bool{false, true} {
			op := fmt.Sprintf("%s-%d-%v", what, n, after)
			l := next()
			way := w.newWire()
			dying := w.open(w.emulators, way)
			way.point = &crashPoint{nth: int64(n), after: after, counts: func(action, body string) bool {
				return strings.Contains(body, l.Row) || action == "SendMessageBatch"
			}}
			_ = do(dying, op, l)
			reached = way.cut.Swap(true)
			_ = dying.Close()
			for _, err := range do(alive, op, l) {
				if err != nil && !errors.Is(err, pipeline.ErrChanged) {
					w.t.Errorf("%s: %v", op, err)
				}
			}
			done(op, l)
		}
	}
}

// wantDiscarded compares what operations have set aside with the rows and lists.
func (w *works) wantDiscarded(m *machine, of map[string]string) {
	w.t.Helper()
	b := m.store.Backend()
	for op, row := range of {
		page, err := b.Moves.Discarded(w.t.Context(), op, "", 10)
		if err != nil || len(page.Items) != 1 || page.Items[0] != row {
			w.t.Errorf("%s has set aside %v, %v; want %s", op, page.Items, err, row)
		}
		if p, err := b.Moves.Progress(w.t.Context(), op); err != nil || p.Moved != 1 {
			w.t.Errorf("%s = %+v, %v", op, p, err)
		}
	}
	list, err := b.Rows.List(w.t.Context(), pipeline.RowFilter{Status: pipeline.StatusDiscarded, Limit: 500})
	if err != nil || len(list.Items) != len(of) {
		w.t.Errorf("%d rows are listed as discarded, %v; want %d", len(list.Items), err, len(of))
	}
	letters, err := b.Letters.List(w.t.Context(), pipeline.LetterFilter{Limit: 500})
	if err != nil {
		w.t.Error(err)
	}
	for _, l := range letters.Items {
		for op, row := range of {
			if row == l.Row {
				w.t.Errorf("row %s was set aside by %s and its letter is still listed", row, op)
			}
		}
	}
}
