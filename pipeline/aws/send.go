package aws

import (
	"context"
	"time"

	"redrive/pipeline"
)

const (
	resendMost  = 100_000          // messages this process keeps trying to send; more are left to the sweep
	resendAfter = time.Second      // first pause; doubles
	resendEvery = 30 * time.Second // longest pause
)

// send puts messages into the queue of a step.
func (s *Store) send(ctx context.Context, key pipeline.StepKey, bodies ...string) error {
	q, err := s.queues.get(ctx, s.names.queue(key.Pipeline, key.Step))
	if err != nil {
		return err
	}
	for _, err := range q.sends.do(ctx, bodies...) {
		if err != nil {
			return q.fail(err, "SendMessage")
		}
	}
	return nil
}

// sendPatiently sends messages of rows whose flags say that they are queued. It
// waits for the first try until ctx ends; what SQS does not take is tried again
// in the background for as long as this process lives. After that the sweep
// finds it.
func (s *Store) sendPatiently(ctx context.Context, key pipeline.StepKey, bodies ...string) {
	if s.unsent.Add(int64(len(bodies))) > resendMost {
		s.unsent.Add(-int64(len(bodies)))
		return
	}
	life := onBehalf(s.life, purposeOf(ctx))
	first := make(chan struct{})
	s.queues.all.Go(func() {
		defer s.unsent.Add(-int64(len(bodies)))
		err := s.send(life, key, bodies...)
		close(first)
		for wait := resendAfter; err != nil && s.life.Err() == nil; wait = min(2*wait, resendEvery) {
			s.outage.note(s.log, err)
			pauseFor(s.life, wait)
			err = s.send(life, key, bodies...)
		}
	})
	select {
	case <-first:
	case <-ctx.Done():
	}
}
