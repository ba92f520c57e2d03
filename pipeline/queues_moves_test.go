package pipeline_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
)

var away = &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "SQS does not answer"}

func (w *world) move(queue string, req pipeline.QueueMoveRequest) pipeline.QueueMove {
	w.t.Helper()
	req.Reason = "they work again"
	return must(w.engine.Queues.Move(w.t.Context(), queue, req))(w.t)
}

func (w *world) moved(m pipeline.QueueMove) pipeline.QueueMove {
	w.t.Helper()
	return must(w.engine.Queues.GetMove(w.t.Context(), m.Queue, m.ID))(w.t)
}

func TestMoveSelected(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		ids := s.put("orders-dlq", numbered("a", 35)...)
		must(w.engine.Queues.Browse(t.Context(), "orders-dlq", 0))(t)
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{IDs: []string{ids[3], ids[30], "nobody", ids[3]}})
		if m.State != pipeline.MoveRunning || m.Matched != 3 || m.To != "orders" || m.By == "" {
			t.Errorf("started as %+v", m)
		}
		w.pass(5 * time.Second)
		m = w.moved(m)
		if m.State != pipeline.MoveDone || m.Moved != 2 || m.Missing != 1 || !slices.Equal(m.Open, []string{"nobody"}) || m.Twice != 0 {
			t.Errorf("ended as %+v", m)
		}
		if got := s.bodies("orders"); !slices.Equal(got, []string{"a003", "a030"}) {
			t.Errorf("orders has %v", got)
		}
		if n := len(s.bodies("orders-dlq")); n != 33 || s.hidden("orders-dlq") != 0 {
			t.Errorf("%d left, %d of them hidden", n, s.hidden("orders-dlq"))
		}
		seen := must(w.engine.Queues.Copy(t.Context(), "orders-dlq", ids[3]))(t)
		if seen.MovedTo != "orders" || seen.MovedAs == "" || seen.Move != m.ID {
			t.Errorf("the copy says %+v", seen)
		}
		entries := must(w.engine.Audit.List(t.Context(), pipeline.AuditFilter{Action: "queue.redrive"}))(t).Items
		if len(entries) != 1 || entries[0].Reason != "they work again" || !strings.Contains(string(entries[0].Detail), m.ID) {
			t.Errorf("audit = %+v", entries)
		}
	})
}

func TestMoveAllIsFrozen(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		s.put("orders-dlq", numbered("a", 25)...)
		w.pass(time.Second)
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{All: true, Rate: 5})
		if m.Matched != 25 {
			t.Errorf("matched %d", m.Matched)
		}
		w.pass(2 * time.Second)
		s.put("orders-dlq", "late1", "late2")
		w.pass(30 * time.Second)
		m = w.moved(m)
		if m.State != pipeline.MoveDone || m.Moved != 25 || len(m.Skipped) != 1 || m.Skipped[0].Count != 2 {
			t.Errorf("ended as %+v", m)
		}
		if got := s.bodies("orders-dlq"); !slices.Equal(got, []string{"late1", "late2"}) || s.hidden("orders-dlq") != 0 {
			t.Errorf("left %v, hidden %d", got, s.hidden("orders-dlq"))
		}
	})
}

func TestMoveKeepsItsRate(t *testing.T) {
	for _, rate := range []float64{0.5, 3, 40} {
		s := newWaters("orders", "orders-dlq")
		withWaters(t, s, func(t *testing.T, w *world) {
			s.put("orders-dlq", numbered("a", 120)...)
			w.pass(time.Second)
			w.move("orders-dlq", pipeline.QueueMoveRequest{All: true, Rate: rate})
			before := 0
			for range 20 {
				w.pass(2 * time.Second)
				n := len(s.bodies("orders"))
				if got := float64(n - before); got > 2*rate+max(1, rate/5) {
					t.Errorf("rate %v: %v in two seconds", rate, got)
				}
				before = n
			}
			if want := min(120, 40*rate*0.8); float64(before) < want {
				t.Errorf("rate %v: only %d in forty seconds", rate, before)
			}
			if n := s.hidden("orders-dlq"); n > 10 {
				t.Errorf("rate %v: %d in hand", rate, n)
			}
		})
	}
}

func TestMoveIsPausedChangedAndCancelled(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		s.put("orders-dlq", numbered("a", 50)...)
		w.pass(time.Second)
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{All: true, Rate: 1})
		w.pass(5 * time.Second)
		must(w.engine.Queues.PauseMove(t.Context(), "orders-dlq", m.ID, "x"))(t)
		w.pass(3 * time.Second)
		n := len(s.bodies("orders"))
		w.pass(time.Minute)
		m = w.moved(m)
		if m.State != pipeline.MovePaused || m.Moved != int64(n) || len(s.bodies("orders")) != n || s.hidden("orders-dlq") != 0 {
			t.Errorf("paused: %+v with %d moved and %d hidden", m, len(s.bodies("orders")), s.hidden("orders-dlq"))
		}
		if _, err := w.engine.Queues.Move(t.Context(), "orders-dlq", pipeline.QueueMoveRequest{All: true, Reason: "x"}); !errors.Is(err, pipeline.ErrConflict) {
			t.Errorf("a second beside a paused one: %v", err)
		}
		if _, err := w.engine.Queues.Purge(t.Context(), "orders-dlq", "x"); !errors.Is(err, pipeline.ErrConflict) {
			t.Errorf("a purge beside a paused one: %v", err)
		}
		fast := 10.0
		must(w.engine.Queues.ResumeMove(t.Context(), "orders-dlq", m.ID, &fast, "x"))(t)
		w.pass(2 * time.Second)
		must(w.engine.Queues.CancelMove(t.Context(), "orders-dlq", m.ID, "enough"))(t)
		w.pass(2 * time.Second)
		m = w.moved(m)
		if got := len(s.bodies("orders")); m.State != pipeline.MoveCancelled || m.Moved != int64(got) || got <= n+10 || got == 50 || m.FinishedAt.IsZero() {
			t.Errorf("cancelled: %+v with %d moved", m, got)
		}
		if s.hidden("orders-dlq") != 0 {
			t.Errorf("%d hidden", s.hidden("orders-dlq"))
		}
		if _, err := w.engine.Queues.CancelMove(t.Context(), "orders-dlq", m.ID, "x"); !errors.Is(err, pipeline.ErrConflict) {
			t.Errorf("cancelled twice: %v", err)
		}
		m = w.move("orders-dlq", pipeline.QueueMoveRequest{All: true})
		w.pass(5 * time.Second)
		if m = w.moved(m); m.State != pipeline.MoveDone || len(s.bodies("orders")) != 50 {
			t.Errorf("the rest: %+v", m)
		}
	})
}

// A process can end between any two calls. Whatever it was, nothing is lost,
// and what may be there twice is said.
func TestMoveSurvivesItsProcess(t *testing.T) {
	for _, tt := range []struct {
		name   string
		broken func(s *waters, crash func() error)
		twice  int
	}{
		{"before it sends", func(s *waters, crash func() error) { s.when("Send", crash) }, 0},
		{"sent, its answer lost", func(s *waters, crash func() error) { s.lose("Send", crash) }, 10},
		{"sent, not deleted", func(s *waters, crash func() error) { s.when("Delete", crash) }, 0},
		{"deleted, its answer lost", func(s *waters, crash func() error) { s.lose("Delete", crash) }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newWaters("orders", "orders-dlq")
			withWaters(t, s, func(t *testing.T, w *world) {
				s.put("orders-dlq", numbered("a", 30)...)
				w.pass(time.Second)
				dead := false
				crash := func() error {
					dead = true
					return away
				}
				tt.broken(s, crash)
				stuck := func() error {
					if dead {
						return away
					}
					return nil
				}
				s.when("Take", stuck)
				s.when("Hide", stuck) // nobody gives back what a dead process had in hand
				m := w.move("orders-dlq", pipeline.QueueMoveRequest{All: true})
				w.pass(time.Second)
				if !dead {
					t.Fatal("nothing broke")
				}
				w.close()
				for _, name := range []string{"Send", "Delete", "Take", "Hide"} {
					s.when(name, nil)
					s.lose(name, nil)
				}
				w.open()
				w.pass(100 * time.Second)
				m = w.moved(m)
				got := s.bodies("orders")
				if m.State != pipeline.MoveDone || len(s.bodies("orders-dlq")) != 0 || len(slices.Compact(slices.Clone(got))) != 30 {
					t.Errorf("ended as %+v with %d moved, %d left", m, len(got), len(s.bodies("orders-dlq")))
				}
				if len(got)-30 != tt.twice || m.Twice < int64(tt.twice) || m.Moved != 30 {
					t.Errorf("%d twice, said %d; said moved %d", len(got)-30, m.Twice, m.Moved)
				}
			})
		})
	}
}

func TestMoveWaitsOutTrouble(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		ids := s.put("orders-dlq", numbered("a", 30)...)
		w.pass(time.Second)
		s.when("Send", func() error { return away })
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{IDs: ids[:5]})
		w.pass(10 * time.Second)
		if m = w.moved(m); m.State != pipeline.MoveRunning || m.Trouble != "SQS does not answer" {
			t.Errorf("meanwhile %+v", m)
		}
		s.when("Send", nil)
		w.pass(10 * time.Second)
		if m = w.moved(m); m.State != pipeline.MoveDone || m.Moved != 5 || m.Trouble != "" || len(s.bodies("orders")) != 5 {
			t.Errorf("ended as %+v", m)
		}
	})
}

func TestMoveStopsWhenItCannotGoOn(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		s.put("orders-dlq", numbered("a", 3)...)
		w.pass(time.Second)
		s.when("Send", func() error {
			return &pipeline.Error{Code: pipeline.CodeConflict, Text: "this identity may not do sqs:SendMessage on queue orders"}
		})
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{All: true})
		w.pass(time.Second)
		if m = w.moved(m); m.State != pipeline.MoveFailed || !strings.Contains(m.StopReason, "sqs:SendMessage") || s.hidden("orders-dlq") != 0 {
			t.Errorf("ended as %+v, hidden %d", m, s.hidden("orders-dlq"))
		}
	})
}

func TestMovePassesOverWhatIsRefused(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		ids := s.put("orders-dlq", "a", "refused", "c")
		w.pass(time.Second)
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{IDs: ids})
		w.pass(10 * time.Second)
		m = w.moved(m)
		if m.State != pipeline.MoveDone || m.Moved != 2 || m.Missing != 0 || len(m.Skipped) != 1 || m.Skipped[0].Why != "not taken by orders: it is too long" {
			t.Errorf("ended as %+v", m)
		}
		if got := s.bodies("orders-dlq"); !slices.Equal(got, []string{"refused"}) || s.hidden("orders-dlq") != 0 {
			t.Errorf("left %v", got)
		}
	})
}

func TestMoveSendsAGhostOnlyOnce(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		s.put("orders-dlq", numbered("a", 10)...)
		w.pass(time.Second)
		s.mu.Lock()
		ghost := *s.queues["orders-dlq"].messages[0] // what SQS gives out again although it was deleted
		ghost.hidden = time.Now().Add(2 * time.Second)
		s.queues["orders-dlq"].messages = append(s.queues["orders-dlq"].messages, &ghost)
		s.mu.Unlock()
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{All: true, Rate: 3})
		w.pass(10 * time.Second)
		if m = w.moved(m); m.State != pipeline.MoveDone || m.Moved != 10 || len(s.bodies("orders")) != 10 || len(s.bodies("orders-dlq")) != 0 {
			t.Errorf("ended as %+v, orders has %d, left %d", m, len(s.bodies("orders")), len(s.bodies("orders-dlq")))
		}
	})
}

func TestMoveSaysWhatItCouldNotDelete(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		ids := s.put("orders-dlq", "a", "b")
		w.pass(time.Second)
		s.when("Delete", func() error { return away })
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{IDs: ids})
		w.pass(10 * time.Second)
		m = w.moved(m)
		if m.State != pipeline.MoveDone || m.Moved != 2 || m.Twice != 2 || m.Missing != 0 || !strings.Contains(m.Skipped[0].Why, "in both queues") {
			t.Errorf("ended as %+v", m)
		}
		if len(s.bodies("orders")) != 2 || len(s.bodies("orders-dlq")) != 2 || s.hidden("orders-dlq") != 0 {
			t.Errorf("orders has %v, the dead-letter queue %v", s.bodies("orders"), s.bodies("orders-dlq"))
		}
	})
}

func TestMoveKeepsHiddenWhatItHolds(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		ids := s.put("orders-dlq", numbered("a", 20)...)
		w.pass(time.Second)
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{IDs: ids[:2], Rate: 0.01})
		w.pass(3 * time.Minute)
		most := 0
		s.mu.Lock()
		for _, d := range s.queues["orders-dlq"].messages {
			most = max(most, d.Receives)
		}
		s.mu.Unlock()
		if m = w.moved(m); m.Moved != 2 || m.State != pipeline.MoveDone || most > 1 {
			t.Errorf("moved %+v, received %d times", m, most)
		}
	})
}

func TestMoveToWhereItCameFrom(t *testing.T) {
	s := newWaters("orders", "bills", "orders-dlq")
	s.queues["orders-dlq"].facts.Sources = []string{"bills", "orders"}
	withWaters(t, s, func(t *testing.T, w *world) {
		s.put("orders-dlq", numbered("a", 12)...)
		w.pass(time.Second)
		var e *pipeline.Error
		if _, err := w.engine.Queues.Move(t.Context(), "orders-dlq", pipeline.QueueMoveRequest{All: true, Reason: "x"}); !errors.As(err, &e) || e.Field != "to" {
			t.Errorf("two sources, nothing seen: %v", err)
		}
		s.mu.Lock()
		for i, d := range s.queues["orders-dlq"].messages {
			d.Source = []string{"orders", "bills"}[i%2]
		}
		s.mu.Unlock()
		must(w.engine.Queues.Browse(t.Context(), "orders-dlq", 0))(t)
		s.mu.Lock()
		s.queues["orders-dlq"].messages[0].Source = ""
		s.mu.Unlock()
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{All: true})
		w.pass(5 * time.Second)
		m = w.moved(m)
		if m.To != "" || m.Moved != 11 || len(s.bodies("orders")) != 5 || len(s.bodies("bills")) != 6 || m.Skipped[0].Why != "does not say which queue it came from" {
			t.Errorf("ended as %+v, orders %d, bills %d", m, len(s.bodies("orders")), len(s.bodies("bills")))
		}
	})
}

func TestMoveRefusals(t *testing.T) {
	s := newWaters("orders", "orders-dlq", "plain", "o.fifo", "o-dlq.fifo", "gone")
	s.queues["o-dlq.fifo"].facts.Sources = []string{"o.fifo"}
	s.queues["gone"].facts.Error = "queue gone does not exist"
	withWaters(t, s, func(t *testing.T, w *world) {
		s.put("orders-dlq", "a")
		ids := []string{"m0001"}
		for _, tt := range []struct {
			name, queue, field string
			req                pipeline.QueueMoveRequest
		}{
			{"nothing selected", "orders-dlq", "ids", pipeline.QueueMoveRequest{Reason: "x"}},
			{"no ids", "orders-dlq", "ids", pipeline.QueueMoveRequest{IDs: []string{}, Reason: "x"}},
			{"an empty id", "orders-dlq", "ids", pipeline.QueueMoveRequest{IDs: []string{""}, Reason: "x"}},
			{"too many ids", "orders-dlq", "ids", pipeline.QueueMoveRequest{IDs: numbered("x", 1001), Reason: "x"}},
			{"both", "orders-dlq", "all", pipeline.QueueMoveRequest{IDs: ids, All: true, Reason: "x"}},
			{"no reason", "orders-dlq", "reason", pipeline.QueueMoveRequest{All: true}},
			{"a negative rate", "orders-dlq", "rate_per_second", pipeline.QueueMoveRequest{All: true, Rate: -1, Reason: "x"}},
			{"native, selected", "orders-dlq", "native", pipeline.QueueMoveRequest{IDs: ids, Native: true, Reason: "x"}},
			{"native, too fast", "orders-dlq", "rate_per_second", pipeline.QueueMoveRequest{All: true, Native: true, Rate: 501, Reason: "x"}},
			{"native, half a message", "orders-dlq", "rate_per_second", pipeline.QueueMoveRequest{All: true, Native: true, Rate: 0.5, Reason: "x"}},
			{"to itself", "orders-dlq", "to", pipeline.QueueMoveRequest{All: true, To: "orders-dlq", Reason: "x"}},
			{"to a queue nobody named", "orders-dlq", "to", pipeline.QueueMoveRequest{All: true, To: "theirs", Reason: "x"}},
			{"to a queue that is gone", "orders-dlq", "to", pipeline.QueueMoveRequest{All: true, To: "gone", Reason: "x"}},
			{"to a FIFO queue", "orders-dlq", "to", pipeline.QueueMoveRequest{All: true, To: "o.fifo", Reason: "x"}},
			{"out of a FIFO queue", "o-dlq.fifo", "native", pipeline.QueueMoveRequest{All: true, Reason: "x"}},
			{"from no dead-letter queue", "plain", "to", pipeline.QueueMoveRequest{All: true, Reason: "x"}},
		} {
			_, err := w.engine.Queues.Move(t.Context(), tt.queue, tt.req)
			var e *pipeline.Error
			if !errors.As(err, &e) || e.Field != tt.field || e.Code != pipeline.CodeInvalid {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
		if n := s.count("Take"); n != 0 {
			t.Errorf("a refused redrive took %d times", n)
		}
	})
}

func TestNativeMoveIsFollowed(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		s.put("orders-dlq", numbered("a", 40)...)
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{All: true, Native: true, Rate: 100})
		say := func(change func(*pipeline.NativeMove)) {
			s.mu.Lock()
			change(&s.native[0])
			s.mu.Unlock()
			w.pass(3 * time.Second)
		}
		say(func(n *pipeline.NativeMove) { n.Moved = 17 })
		if m = w.moved(m); m.State != pipeline.MoveRunning || m.Moved != 17 || m.Matched != 40 {
			t.Errorf("under way: %+v", m)
		}
		if _, err := w.engine.Queues.PauseMove(t.Context(), "orders-dlq", m.ID, "x"); !errors.Is(err, pipeline.ErrConflict) {
			t.Errorf("paused: %v", err)
		}
		say(func(n *pipeline.NativeMove) { n.Moved, n.State, n.Handle = 40, pipeline.MoveDone, "" })
		if m = w.moved(m); m.State != pipeline.MoveDone || m.Moved != 40 || m.FinishedAt.IsZero() {
			t.Errorf("done: %+v", m)
		}
		m = w.move("orders-dlq", pipeline.QueueMoveRequest{All: true, Native: true})
		say(func(n *pipeline.NativeMove) { n.Moved = 4 })
		m = must(w.engine.Queues.CancelMove(t.Context(), "orders-dlq", m.ID, "x"))(t)
		if m.State != pipeline.MoveCancelled || m.Moved != 4 {
			t.Errorf("cancelled: %+v", m)
		}
	})
}

func TestNativeMoveThatIsRefusedIsNoMove(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		s.put("orders-dlq", "a")
		s.when("StartNative", once(&pipeline.Error{Code: pipeline.CodeConflict, Text: "it is not to be had here"}))
		req := pipeline.QueueMoveRequest{All: true, Native: true, Reason: "x"}
		if _, err := w.engine.Queues.Move(t.Context(), "orders-dlq", req); !errors.Is(err, pipeline.ErrConflict) {
			t.Errorf("err = %v", err)
		}
		if list := must(w.engine.Queues.Moves(t.Context(), "orders-dlq", 0))(t); len(list) != 0 {
			t.Errorf("moves %+v", list)
		}
		entries := must(w.engine.Audit.List(t.Context(), pipeline.AuditFilter{Action: "queue.redrive"}))(t).Items
		if len(entries) != 2 || entries[0].Result != "it is not to be had here" {
			t.Errorf("audit = %+v", entries)
		}
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{All: true})
		w.pass(5 * time.Second)
		if m = w.moved(m); m.State != pipeline.MoveDone {
			t.Errorf("our own after it: %+v", m)
		}
	})
}

func TestMoveOfAnotherProcessIsLeftAlone(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		s.put("orders-dlq", numbered("a", 60)...)
		w.pass(time.Second)
		m := w.move("orders-dlq", pipeline.QueueMoveRequest{All: true, Rate: 1})
		w.pass(3 * time.Second)
		cfg := w.config
		cfg.Worker = "another"
		other := must(pipeline.New(cfg, s.in(w.db.Backend())))(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- other.Run(ctx) }()
		w.pass(10 * time.Second)
		if m = w.moved(m); m.Worker != "worker" || m.Moved < 10 {
			t.Errorf("meanwhile %+v", m)
		}
		fast := 20.0 // said to the other process, done by this one
		must(other.Queues.ResumeMove(t.Context(), "orders-dlq", m.ID, &fast, "x"))(t)
		w.pass(10 * time.Second)
		if m = w.moved(m); m.State != pipeline.MoveDone || m.Moved != 60 || m.Worker != "worker" || len(s.bodies("orders")) != 60 {
			t.Errorf("ended as %+v", m)
		}
		stop()
		<-ended
	})
}
