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

// Whoever waits for the counters waits no longer than was asked for, although
// another is in the middle of writing them.
func TestReadersDoNotWaitForAWriteThatHangs(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	proxy := awstest.NewProxy(t, h.at.DynamoDB)
	h.at.DynamoDB = proxy.URL
	s := h.store(t, func(c *Config) { c.Flush = time.Hour })
	s.counts.add("orders", stepCounter("deliver", countQueued), 1)
	proxy.Inject(awstest.Fault{Action: "UpdateItem", Do: awstest.Gate(make(chan struct{}))})
	ctx, stop := context.WithCancel(t.Context())
	var written sync.WaitGroup
	written.Go(func() { _ = s.counts.flush(ctx) })
	for proxy.Count("UpdateItem") == 0 {
		pauseFor(t.Context(), 5*time.Millisecond)
	}
	reading, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Backend().Metrics.Counts(reading); !errors.Is(err, pipeline.ErrUnavailable) {
		t.Errorf("the counters are answered with %v", err)
	}
	if len(s.counts.io) == 0 {
		t.Error("the reader has waited until the write was over")
	}
	stop()
	written.Wait()
}

// So does an intake that finds the process not known yet.
func TestAnIntakeDoesNotWaitForOthersToBeMadeKnown(t *testing.T) {
	t.Parallel()
	s := newHome(t).store(t, func(c *Config) { c.Flush = time.Hour })
	if err := s.counts.listing.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.counts.enlist(ctx); !errors.Is(err, pipeline.ErrUnavailable) {
		t.Errorf("the answer is %v", err)
	}
	s.counts.listing.end()
	if err := s.counts.enlist(t.Context()); err != nil || !s.counts.listed() {
		t.Errorf("known: %v, %v", s.counts.listed(), err)
	}
}
