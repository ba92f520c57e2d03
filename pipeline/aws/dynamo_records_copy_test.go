package aws

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

func (s *stand) reads(r *records, kind, id, want string) {
	s.Helper()
	rec, err := r.Get(s.Context(), kind, id)
	if err != nil && !errors.Is(err, pipeline.ErrNotFound) {
		s.Fatal(err)
	}
	if string(rec.Data) != want {
		s.Errorf("%s %s is read as %q, want %q", kind, id, rec.Data, want)
	}
}

func TestWatchedRecordsAreReadTogetherAndKept(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.ok(s.other.Put(t.Context(), nil, doc("breaker", "search", 0, "open"), doc("setting", "github/index", 0, "paused"), doc("setting", "a", 0, "a")))
	r := s.records(time.Minute)
	s.reads(r, "breaker", "search", "open")
	s.reads(r, "breaker", "mail", "")
	s.reads(r, "setting", "github/index", "paused")
	s.reads(r, "alarm", "search", "")
	page, err := r.List(t.Context(), "setting", "", 1)
	s.ok(err)
	if len(page.Items) != 1 || page.Items[0].ID != "github/index" || page.Next == "" {
		t.Errorf("the first page is %v", page)
	}
	page, err = r.List(t.Context(), "setting", page.Next, 1)
	s.ok(err)
	if len(page.Items) != 1 || page.Items[0].ID != "a" || page.Next != "" {
		t.Errorf("the last page is %v", page)
	}
	s.requests(1, "looking at everything watched")
}

func TestOwnWritesAreInTheCopyAtOnce(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	r := s.records(time.Minute)
	s.reads(r, "breaker", "search", "")
	s.ok(r.Put(t.Context(), nil, doc("breaker", "search", 0, "closed")))
	s.reads(r, "breaker", "search", "closed")
	s.ok(r.Put(t.Context(), nil, doc("breaker", "search", 1, "open"), doc("breaker-history/search", "1", 0, "{}")))
	s.reads(r, "breaker", "search", "open")
	s.ok(r.Put(t.Context(), nil, doc("breaker", "search", pipeline.AnyVersion, "half-open")))
	rec, err := r.Get(t.Context(), "breaker", "search")
	s.ok(err)
	s.ok(r.Put(t.Context(), nil, doc("breaker", "search", rec.Version, "closed")))
	s.reads(r, "breaker", "search", "closed")
	s.ok(r.Put(t.Context(), nil, gone("breaker", "search", pipeline.AnyVersion)))
	s.reads(r, "breaker", "search", "")
	if n := s.proxy.Count("Query"); n != 1 {
		t.Errorf("the copy was read %d times", n)
	}
}

func TestOthersWritesAreSeenWhenTheCopyIsOldOrRefused(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	brief, long := s.records(20*time.Millisecond), s.records(time.Minute)
	for _, r := range []*records{brief, long} {
		s.reads(r, "breaker", "search", "")
	}
	s.ok(s.other.Put(t.Context(), nil, doc("breaker", "search", 0, "open")))
	time.Sleep(30 * time.Millisecond)
	s.reads(brief, "breaker", "search", "open")
	s.reads(long, "breaker", "search", "")
	s.want(long.Put(t.Context(), nil, doc("breaker", "search", 0, "closed")), pipeline.ErrVersion)
	s.reads(long, "breaker", "search", "open")
}

func TestCallersShareOneReading(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.ok(s.other.Put(t.Context(), nil, doc("breaker", "search", 0, "open")))
	open, r := make(chan struct{}), s.records(time.Minute)
	s.proxy.Inject(awstest.Fault{Action: "Query", Do: awstest.Gate(open)})
	hasty, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		_, err := r.Get(hasty, "breaker", "search")
		s.want(err, pipeline.ErrUnavailable)
	})
	for s.proxy.Count("Query") == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel() // the caller who caused the reading
	for range 10 {
		all.Go(func() { s.reads(r, "breaker", "search", "open") })
	}
	time.Sleep(20 * time.Millisecond)
	close(open)
	all.Wait()
	s.requests(1, "many callers at once")
}

// A copy must never go back behind what its own process has written.
func TestOwnWritesDuringAReadingAreNotLost(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.ok(s.other.Put(t.Context(), nil, doc("breaker", "search", 0, "closed"), doc("breaker", "mail", 0, "open")))
	r := s.records(time.Minute)
	s.proxy.Inject(awstest.Fault{Action: "Query", Nth: 1, Do: after(func() {
		s.ok(r.Put(t.Context(), nil, doc("breaker", "search", 1, "open"), gone("breaker", "mail", 1)))
	})})
	s.reads(r, "breaker", "search", "open")
	s.reads(r, "breaker", "mail", "")
	s.reads(r, "breaker", "search", "open")
}

func TestAReadingThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	r := s.records(time.Minute)
	fault := s.proxy.Inject(awstest.Fault{Action: "Query", Do: awstest.Denied()})
	_, err := r.Get(t.Context(), "breaker", "search")
	s.want(err, pipeline.ErrUnavailable)
	fault.Remove()
	s.reads(r, "breaker", "search", "")
}

func TestExpiredRecordsAreNeitherReadNorPaidForLong(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	for _, age := range []time.Duration{time.Second, 2 * sweepLate} {
		rec := doc("instance", age.String(), 0, "gone")
		rec.ExpiresAt = time.Now().Add(time.Minute)
		s.ok(s.other.Put(t.Context(), nil, rec))
		rec.Version, rec.ExpiresAt = 1, time.Now().Add(-age)
		s.ok(s.other.Put(t.Context(), nil, rec))
	}
	r := s.records(time.Minute)
	page, err := r.List(t.Context(), "instance", "", 10)
	s.ok(err)
	if len(page.Items) != 0 {
		t.Errorf("expired records are listed: %v", page.Items)
	}
	for s.proxy.Count("DeleteItem") == 0 {
		time.Sleep(time.Millisecond)
	}
	for items := 2; items != 1; time.Sleep(time.Millisecond) {
		left, err := s.other.t.all(t.Context(), query{pk: watchedPK, strong: true})
		s.ok(err)
		items = len(left)
	}
	s.ok(r.Put(t.Context(), nil, doc("instance", "1s", 0, "back")))
	s.reads(r, "instance", "1s", "back")
}
