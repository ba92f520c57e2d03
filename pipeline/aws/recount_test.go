package aws

import (
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
	"redrive/pipeline/pipelinetest"
)

// What a killed process had counted and not written is counted again from the
// rows, once nothing moves.
func TestCountersAreSetRightAfterAProcessWasLost(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	lost := h.store(t, func(c *Config) { c.Flush = time.Hour })
	g := pipelinetest.Graphs(t)[0]
	row := pipeline.NewRow{Pipeline: g.Pipeline(), Graph: g, Status: pipeline.StatusAccepted, Payload: []byte("{}"), At: time.Now().UTC()}
	for range 3 {
		if _, err := lost.Backend().Rows.Insert(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	if err := lost.counts.tell(t.Context()); err != nil { // it lives
		t.Fatal(err)
	}
	h.line.cut.Store(true)

	other := h.again().store(t, func(c *Config) { c.Lost = 200 * time.Millisecond })
	counts := func() pipeline.Counts {
		c, err := other.Backend().Metrics.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	key := pipeline.StepKey{Pipeline: g.Pipeline(), Step: "deliver"}
	if c := counts(); c.Steps[key].Queued != 0 {
		t.Fatalf("the lost process has counted %d already", c.Steps[key].Queued)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c := counts()
		if c.Rows[g.Pipeline()][pipeline.StatusAccepted] == 3 && c.Steps[key].Queued == 3 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("counters are %v and %+v, want 3 accepted and 3 queued", c.Rows, c.Steps[key])
		}
	}
	it, err := other.table.get(t.Context(), countersPK, runningPrefix+lost.counts.process, true)
	if err != nil || it != nil {
		t.Errorf("the lost process is still listed: %v, %v", it, err)
	}
}

// proxied is a store behind a proxy that flushes when it is told to, and how to
// store a row there that was accepted a while ago.
func proxied(t *testing.T) (h *home, proxy *awstest.Proxy, s *Store, insert func()) {
	t.Helper()
	h = newHome(t)
	proxy = awstest.NewProxy(t, h.at.DynamoDB)
	h.at.DynamoDB = proxy.URL
	s = h.store(t, func(c *Config) { c.Flush = time.Hour })
	g := pipelinetest.Graphs(t)[0]
	row := pipeline.NewRow{Pipeline: g.Pipeline(), Graph: g, Status: pipeline.StatusAccepted, Payload: []byte("{}"), At: time.Now().UTC().Add(-4 * time.Hour)} // longer ago than is quiet
	return h, proxy, s, func() {
		if _, err := s.Backend().Rows.Insert(t.Context(), row); err != nil {
			t.Error(err)
		}
	}
}

func (s *Store) wantAccepted(t *testing.T, want int64) {
	t.Helper()
	c, err := s.Backend().Metrics.Counts(t.Context())
	if n := c.Rows[pipelinetest.Graphs(t)[0].Pipeline()][pipeline.StatusAccepted]; err != nil || n != want {
		t.Errorf("%d rows are counted, %v, want %d", n, err, want)
	}
}

// What was counted after a flush that failed is written with what that left.
func TestAFlushWritesWhatIsLeftAndWhatIsNew(t *testing.T) {
	t.Parallel()
	h, proxy, s, insert := proxied(t)
	insert()
	fault := proxy.Inject(awstest.Fault{Action: "UpdateItem", Do: awstest.Denied()})
	if err := s.counts.flush(t.Context()); err == nil || fault.Harmed() == 0 {
		t.Fatal("the flush did not fail")
	}
	fault.Remove()
	insert()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	h.again().store(t).wantAccepted(t, 2)
}

// A row that is being stored is counted when its intake ends, and so not by who
// counts the rows at this moment.
func TestRowsAreNotCountedAgainWhileTheyAreStored(t *testing.T) {
	t.Parallel()
	_, proxy, s, insert := proxied(t)
	insert()
	s.counts.doubts.unknown("", false)
	recounted := 0
	proxy.Inject(awstest.Fault{Action: "BatchWriteItem", Nth: 2, Do: after(func() { // the first has the payload
		recounted++
		if err := s.counts.recount(t.Context()); err != nil {
			t.Error(err)
		}
	})})
	insert()
	if err := s.counts.flush(t.Context()); err != nil || recounted != 1 {
		t.Fatalf("counted again %d times, %v", recounted, err)
	}
	s.wantAccepted(t, 2)
}
