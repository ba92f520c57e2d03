package aws

import (
	"errors"
	"testing"
	"time"

	"redrive/pipeline"
)

// TestRowsPastTheirRetention: what is finished leaves lists and counts and has a
// time to live; what is not stays for as long as it takes, and goes when it is.
// The rows of these tests are kept for an hour and were accepted three hours ago.
func TestRowsPastTheirRetention(t *testing.T) {
	w := newWorks(t)
	s := w.aside(w.emulators, w.newWire())
	b := s.Backend()
	old := time.Now().Add(-3 * time.Hour).UTC().Truncate(time.Millisecond)
	done, dead, open, young := w.insertAt(s, old), w.insertAt(s, old), w.insertAt(s, old), w.insertAt(s, time.Now().UTC())
	for _, id := range []string{done, dead, open, young} {
		rid, _ := parseID(id)
		want := rid.created().Add(time.Hour+ttlSlack).Unix() + 1
		for _, sk := range []string{rid.text, rid.payload()} {
			if it := w.itemOf(s, rid.pk(), sk); it.num(attrTTL) != want {
				t.Errorf("the time to live of %s is %d, want %d", sk, it.num(attrTTL), want)
			}
		}
	}
	w.through(s, done, "check", "bill", "pack", "ship")
	w.through(s, dead, "check")
	w.kill(s, dead, "pack")
	w.wantListed(s, dead, open, young) // the finished one is shown no more
	if n, err := b.Rows.Expire(t.Context(), ordersPipeline, time.Now().Add(-time.Hour), 100); err != nil || n != 0 {
		t.Errorf("Expire = %d, %v", n, err)
	}
	for _, id := range []string{dead, open} {
		rid, _ := parseID(id)
		for _, sk := range []string{rid.text, rid.payload()} {
			if w.itemOf(s, rid.pk(), sk).has(attrTTL) {
				t.Errorf("%s would go by itself, and is not finished", sk)
			}
		}
	}
	w.wantListed(s, dead, open, young)
	w.wantCounted(s, map[pipeline.Status]int64{pipeline.StatusDead: 1, pipeline.StatusAccepted: 2})

	// What was not finished is now, and goes with all that belongs to it.
	w.through(s, open, "check", "bill", "pack", "ship")
	letters, err := b.Letters.List(t.Context(), pipeline.LetterFilter{})
	if err != nil || len(letters.Items) != 1 {
		t.Fatal(letters, err)
	}
	l := letters.Items[0]
	if errs, err := b.Moves.Requeue(t.Context(), nil, pipeline.Move{Row: l.Row, Step: l.Step, If: pipeline.StateDead, Letter: l.ID, At: time.Now().UTC()}); err != nil || errs[0] != nil {
		t.Fatal(errs, err)
	}
	w.through(s, dead, "pack", "bill", "ship")
	w.wantListed(s, dead, open, young)
	later := w.aside(w.emulators, w.newWire()) // the first looks at an hour again after an hour
	for _, want := range []int{1, 1, 0} {
		if n, err := later.Backend().Rows.Expire(t.Context(), ordersPipeline, time.Now().Add(-time.Hour), 1); err != nil || n != want {
			t.Errorf("Expire = %d, %v; want %d", n, err, want)
		}
	}
	w.wantListed(s, young)
	w.wantCounted(s, map[pipeline.Status]int64{pipeline.StatusAccepted: 1})
	for _, id := range []string{dead, open} {
		rid, _ := parseID(id)
		left, err := s.table.all(t.Context(), query{pk: rid.history(), strong: true})
		if err != nil || len(left) > 0 || w.itemOf(s, rid.pk(), rid.text) != nil || w.itemOf(s, rid.pk(), rid.payload()) != nil {
			t.Errorf("of row %s there is left %v, %v", id, left, err)
		}
	}
}

// TestTwoProcessesExpireTheSameRows: they leave the counters once.
func TestTwoProcessesExpireTheSameRows(t *testing.T) {
	w := newWorks(t)
	first, second := w.aside(w.emulators, w.newWire()), w.aside(w.emulators, w.newWire())
	for range 6 {
		w.through(first, w.insertAt(first, time.Now().Add(-3*time.Hour).UTC()), "check", "bill", "pack", "ship")
	}
	young := w.insertAt(first, time.Now().UTC())
	errs := make(chan error, 2)
	for _, s := range []*Store{first, second} {
		go func() {
			_, err := s.Backend().Rows.Expire(t.Context(), ordersPipeline, time.Now().Add(-time.Hour), 100)
			errs <- err
		}()
	}
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Error(err)
	}
	w.wantListed(first, young)
	w.wantCounted(first, map[pipeline.Status]int64{pipeline.StatusAccepted: 1})
}

func (w *works) insertAt(s *Store, at time.Time) string {
	w.t.Helper()
	in, err := s.Backend().Rows.Insert(w.t.Context(), pipeline.NewRow{Pipeline: ordersPipeline, Graph: w.graph(), Status: pipeline.StatusAccepted, Payload: []byte(`{"n":0}`), At: at})
	if err != nil {
		w.t.Fatal(err)
	}
	return in[0].ID
}

func (w *works) graph() *pipeline.Graph {
	w.t.Helper()
	g, err := pipeline.NewGraph(ordersPipeline, orders)
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

func (w *works) itemOf(s *Store, pk, sk string) item {
	w.t.Helper()
	it, err := s.table.get(w.t.Context(), pk, sk, true)
	if err != nil {
		w.t.Fatal(err)
	}
	return it
}

// through processes steps of one row; others that come are put back.
func (w *works) through(s *Store, id string, steps ...string) {
	w.t.Helper()
	for _, step := range steps {
		d := w.deliveryOf(s, id, step)
		w.settle(s, pipeline.Outcome{Delivery: d, Verdict: pipeline.Processed, Unlocks: w.graph().Unlocks(step), Sinks: w.graph().Sinks(),
			Attempt: pipeline.Attempt{Step: step, Number: d.Attempt, StartedAt: time.Now().UTC(), Outcome: pipeline.AttemptProcessed}})
	}
}

func (w *works) kill(s *Store, id, step string) {
	w.t.Helper()
	d := w.deliveryOf(s, id, step)
	w.settle(s, pipeline.Outcome{Delivery: d, Verdict: pipeline.Dead, Letter: pipeline.NewLetter{Kind: pipeline.LetterHandler, Group: "g", Cause: "c", Error: "422"},
		Attempt: pipeline.Attempt{Step: step, Number: d.Attempt, StartedAt: time.Now().UTC(), Outcome: pipeline.AttemptDead, Error: "422"}})
}

func (w *works) deliveryOf(s *Store, id, step string) (found pipeline.Delivery) {
	w.t.Helper()
	w.within(20*time.Second, step+" of the row is delivered", func() bool {
		ds, err := s.Backend().Work.Receive(w.t.Context(), pipeline.ReceiveRequest{Pipeline: ordersPipeline, Step: step, N: 10, Hide: w.lease, Wait: time.Second, Worker: "a worker"})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, d := range ds {
			if d.Row == id {
				found = d
				continue
			}
			w.settle(s, pipeline.Outcome{Delivery: d, Verdict: pipeline.Release})
		}
		return found.Row != ""
	})
	return found
}

func (w *works) wantListed(s *Store, ids ...string) {
	w.t.Helper()
	listed := map[string]bool{}
	for _, r := range w.rows(s) {
		listed[r.ID] = true
	}
	for _, id := range ids {
		if _, err := s.Backend().Rows.Get(w.t.Context(), id); err != nil || !listed[id] {
			w.t.Errorf("row %s: listed %v, %v", id, listed[id], err)
		}
	}
	if len(listed) != len(ids) {
		w.t.Errorf("%d rows are listed, want %d", len(listed), len(ids))
	}
}

func (w *works) wantCounted(s *Store, want map[pipeline.Status]int64) {
	w.t.Helper()
	if err := s.counts.flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	var c pipeline.Counts
	w.within(10*time.Second, "the counters are right", func() bool {
		var err error
		if c, err = s.Backend().Metrics.Counts(w.t.Context()); err != nil {
			return false
		}
		for _, status := range pipeline.Statuses() {
			if c.Rows[ordersPipeline][status] != want[status] {
				return false
			}
		}
		return true
	})
}
