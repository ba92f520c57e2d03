package pipeline_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
)

func TestQueuesWithoutABackendForThem(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		if w.engine.Queues.Available() {
			t.Error("the embedded backend has no queues of others")
		}
		_, err := w.engine.Queues.List(t.Context())
		if !errors.Is(err, pipeline.ErrNotFound) || !strings.Contains(err.Error(), "backend: aws") {
			t.Errorf("err = %v", err)
		}
		if _, err := w.engine.Queues.Browse(t.Context(), "orders-dlq", 0); !errors.Is(err, pipeline.ErrNotFound) {
			t.Errorf("browse: %v", err)
		}
		if _, err := w.engine.Queues.GetMove(t.Context(), "orders-dlq", "x"); !errors.Is(err, pipeline.ErrNotFound) {
			t.Errorf("move: %v", err)
		}
	})
}

func TestQueuesAreReadOnceInFiveSeconds(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		for range 5 {
			must(w.engine.Queues.List(t.Context()))(t)
			must(w.engine.Queues.Get(t.Context(), "orders"))(t)
		}
		if n := s.count("List"); n != 1 {
			t.Errorf("%d readings", n)
		}
		w.pass(6 * time.Second)
		must(w.engine.Queues.List(t.Context()))(t)
		if n := s.count("List"); n != 2 {
			t.Errorf("%d readings after six seconds", n)
		}
	})
}

func TestBrowseCopiesAndLetsGo(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		s.put("orders-dlq", numbered("a", 25)...)
		ctx := pipeline.WithActor(t.Context(), pipeline.Actor{Name: "ann"})
		sight := must(w.engine.Queues.Browse(ctx, "orders-dlq", 0))(t)
		if sight.Seen != 25 || sight.New != 25 || !sight.All || s.hidden("orders-dlq") != 0 {
			t.Errorf("first look: seen %d, new %d, all %v, %d still hidden", sight.Seen, sight.New, sight.All, s.hidden("orders-dlq"))
		}
		calls := len(s.calls)
		page := must(w.engine.Queues.Copies(t.Context(), "orders-dlq", pipeline.QueueCopyFilter{}))(t)
		if len(page.Items) != 25 || page.Items[0].Receives != 1 || page.Items[0].Receipt != "" {
			t.Errorf("%d copies, the first %+v", len(page.Items), page.Items[0])
		}
		if got := s.calls[calls:]; len(got) > 1 {
			t.Errorf("reading copies asked the service for %v", got)
		}
		s.put("orders-dlq", "new")
		w.pass(time.Second)
		sight = must(w.engine.Queues.Browse(ctx, "orders-dlq", 10))(t)
		if sight.Seen != 10 || sight.All {
			t.Errorf("look of ten: %+v", sight)
		}
		look := must(w.engine.Queues.LastLook(t.Context(), "orders-dlq"))(t)
		if look.By != "ann" || look.Seen != 10 || look.New != sight.New || look.At.IsZero() {
			t.Errorf("look = %+v", look)
		}
		entries := must(w.engine.Audit.List(t.Context(), pipeline.AuditFilter{Action: "queue.browse"}))(t)
		if len(entries.Items) != 2 || entries.Items[0].Actor != "ann" || entries.Items[0].Object != "queues/orders-dlq" {
			t.Errorf("audit = %+v", entries.Items)
		}
	})
}

func TestBrowseLetsGoWhenItFails(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		s.put("orders-dlq", numbered("a", 25)...)
		n := 0
		s.when("Take", func() error {
			if n++; n == 3 {
				return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "sqs:ReceiveMessage was not answered"}
			}
			return nil
		})
		sight, err := w.engine.Queues.Browse(t.Context(), "orders-dlq", 0)
		if !errors.Is(err, pipeline.ErrUnavailable) || sight.Seen != 20 || s.hidden("orders-dlq") != 0 {
			t.Errorf("err %v, seen %d, hidden %d", err, sight.Seen, s.hidden("orders-dlq"))
		}
		entries := must(w.engine.Audit.List(t.Context(), pipeline.AuditFilter{Action: "queue.browse"}))(t)
		if entries.Items[0].Result != "sqs:ReceiveMessage was not answered" {
			t.Errorf("audit = %+v", entries.Items[0])
		}
	})
}

func TestBrowseRefusals(t *testing.T) {
	s := newWaters("orders", "orders-dlq", "gone")
	s.queues["gone"].facts.Error = "queue gone does not exist"
	withWaters(t, s, func(t *testing.T, w *world) {
		for _, most := range []int{-1, 1001} {
			var e *pipeline.Error
			if _, err := w.engine.Queues.Browse(t.Context(), "orders", most); !errors.As(err, &e) || e.Field != "max" {
				t.Errorf("max %d: %v", most, err)
			}
		}
		if _, err := w.engine.Queues.Browse(t.Context(), "theirs", 1); !errors.Is(err, pipeline.ErrNotFound) {
			t.Errorf("a queue nobody named: %v", err)
		}
		if _, err := w.engine.Queues.Browse(t.Context(), "gone", 1); !errors.Is(err, pipeline.ErrConflict) {
			t.Errorf("a queue that does not exist: %v", err)
		}
	})
}

func TestPurgeIsWrittenDownFirst(t *testing.T) {
	s := newWaters("orders", "orders-dlq")
	withWaters(t, s, func(t *testing.T, w *world) {
		s.put("orders-dlq", numbered("a", 7)...)
		var e *pipeline.Error
		if _, err := w.engine.Queues.Purge(t.Context(), "orders-dlq", " "); !errors.As(err, &e) || e.Field != "reason" {
			t.Errorf("without a reason: %v", err)
		}
		must(w.engine.Queues.Purge(t.Context(), "orders-dlq", "old test data"))(t)
		if left := s.bodies("orders-dlq"); len(left) != 0 {
			t.Errorf("left %v", left)
		}
		s.when("Purge", once(&pipeline.Error{Code: pipeline.CodeConflict, Text: "it was purged less than 60 s ago"}))
		if _, err := w.engine.Queues.Purge(t.Context(), "orders-dlq", "again"); !errors.Is(err, pipeline.ErrConflict) {
			t.Errorf("the second: %v", err)
		}
		list := must(w.engine.Audit.List(t.Context(), pipeline.AuditFilter{Action: "queue.purge"}))(t).Items
		if len(list) != 3 || string(list[2].Detail) != `{"delayed":0,"in_flight":0,"visible":7}` || list[0].Result != "it was purged less than 60 s ago" {
			t.Errorf("audit = %+v", list)
		}
		if look := must(w.engine.Queues.LastLook(t.Context(), "orders-dlq"))(t); look.PurgedAt.IsZero() {
			t.Error("nobody knows of the purge")
		}
	})
}
