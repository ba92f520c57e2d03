package aws

import (
	"errors"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// TestDynamoDBIsOutForAWhile: intake says so soon, and afterwards everything goes
// on by itself. No row has lost an attempt to it.
func TestDynamoDBIsOutForAWhile(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{false, true} {
		t.Run(map[bool]string{true: "with claims", false: "without"}[exclusive], func(t *testing.T) {
			w := newWorks(t)
			w.strict, w.exclusive, w.lease = true, exclusive, 40*time.Second // claims cannot be extended meanwhile
			w.down.takes = 100 * time.Millisecond
			m := w.start().ready()
			m.submit(20)
			w.within(20*time.Second, "work has begun", func() bool { return w.down.all() > 10 })
			w.dynamo.SetDown(true)
			began := time.Now()
			w.mustNotAccept(m)
			if err := m.engine.Ready(t.Context()); err == nil {
				t.Error("the engine is ready without its table")
			}
			time.Sleep(time.Until(began.Add(8 * time.Second)))
			w.dynamo.SetDown(false)
			m.submit(5)
			w.reconcile(leeway{})
		})
	}
}

// mustNotAccept sends a row that cannot be stored.
func (w *works) mustNotAccept(m *machine) {
	w.t.Helper()
	began := time.Now()
	_, err := m.send()
	if took := time.Since(began); took > 13*time.Second {
		w.t.Errorf("intake waited for %s before it answered", took)
	}
	if !errors.Is(err, pipeline.ErrUnavailable) {
		w.t.Errorf("a row that cannot be stored is answered with %v", err)
	}
}

// TestIntakeDoesNotWaitForATableThatIsSilent: no answer is worse than a bad one.
func TestIntakeDoesNotWaitForATableThatIsSilent(t *testing.T) {
	w := newWorks(t)
	m := w.start().ready()
	m.submit(1)
	w.dynamo.Inject(awstest.Fault{Action: "BatchWriteItem", Do: awstest.Gate(nil)})
	w.mustNotAccept(m)
	w.dynamo.Heal()
	w.reconcile(leeway{})
}

// TestRowsThatCannotBeReadLoseNoAttempt: their messages are received again and
// again while the reads fail.
func TestRowsThatCannotBeReadLoseNoAttempt(t *testing.T) {
	w := newWorks(t)
	w.strict = true
	m := w.start().ready()
	fault := w.dynamo.Inject(awstest.Fault{Action: "Query", Do: awstest.Refused(awstest.Refusal{Status: 400, Code: "ResourceNotFoundException", Message: "Requested resource not found"})})
	m.submit(5)
	time.Sleep(8 * time.Second)
	fault.Remove()
	w.reconcile(leeway{})
}

// TestSQSIsOutForAWhile: rows are accepted and wait, and are sent when it is back.
func TestSQSIsOutForAWhile(t *testing.T) {
	w := newWorks(t)
	m := w.start().ready()
	m.submit(10)
	w.within(20*time.Second, "work has begun", func() bool { return w.down.all() > 5 })
	w.sqs.SetDown(true)
	began := time.Now()
	m.submit(5)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("intake waited for %s", took)
	}
	time.Sleep(6 * time.Second)
	w.sqs.SetDown(false)
	w.reconcile(leeway{})
}

// TestASweepFindsWhatWasNeverSent: SQS is out, and before it is back the process
// that would have sent the messages is gone.
func TestASweepFindsWhatWasNeverSent(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{false, true} {
		t.Run(map[bool]string{true: "with claims", false: "without"}[exclusive], func(t *testing.T) {
			w := newWorks(t)
			w.strict, w.exclusive = true, exclusive
			first := w.start().ready()
			w.sqs.SetDown(true)
			ids := first.submit(5)
			first.kill()
			w.sqs.SetDown(false)
			second := w.start().ready()
			time.Sleep(3 * time.Second)
			if n := w.down.all(); n > 0 {
				t.Fatalf("%d calls were made without a message", n)
			}
			if sweep := second.sweep(); sweep.Stuck != int64(len(ids)) || sweep.Requeued != sweep.Stuck {
				t.Errorf("the sweep = %+v", sweep)
			}
			w.finished(leeway{within: time.Minute})
			if sweep := second.sweep(); sweep.Stuck != 0 {
				t.Errorf("the second sweep = %+v", sweep)
			}
			w.reconcile(leeway{})
		})
	}
}

// TestASweepLeavesAloneWhatWaits: rows under way, in backoff, or behind others.
func TestASweepLeavesAloneWhatWaits(t *testing.T) {
	w := newWorks(t)
	w.strict = true
	w.shape = func(c *pipeline.Config) {
		for i := range c.Pipelines[0].Steps {
			c.Pipelines[0].Steps[i].Concurrency, c.Pipelines[0].Steps[i].Retry.Base, c.Pipelines[0].Steps[i].Retry.Cap = 1, 3*time.Second, 3*time.Second
		}
	}
	w.down.takes = 700 * time.Millisecond
	m := w.start().ready()
	m.submit(6)
	for range 4 {
		time.Sleep(1500 * time.Millisecond)
		if sweep := m.sweep(); sweep.Stuck != 0 {
			t.Errorf("the sweep = %+v", sweep)
		}
	}
	w.reconcile(leeway{})
}

// sweep runs one to its end.
func (m *machine) sweep() pipeline.Sweep {
	w := m.w
	w.t.Helper()
	sweep, err := m.engine.Sweeps.Start(w.t.Context(), false, "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.within(30*time.Second, "the sweep is over", func() bool {
		sweep, err = m.engine.Sweeps.Get(w.t.Context(), sweep.ID)
		return err == nil && sweep.State != pipeline.SweepRunning
	})
	if sweep.State != pipeline.SweepDone {
		w.t.Errorf("the sweep = %+v", sweep)
	}
	return sweep
}
