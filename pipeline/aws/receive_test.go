package aws

import (
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// TestOfTwoMessagesForOneStepOneIsGivenOut: SQS may deliver twice, and a send whose
// answer got lost is made again. While the row is read for one message, the step
// could be done and over for the other.
func TestOfTwoMessagesForOneStepOneIsGivenOut(t *testing.T) {
	w := newWorks(t)
	s := w.aside(w.endpoints(), w.newWire())
	id := w.insert(s)
	w.put("check", messageBody(id, 0))
	read, settled := make(chan struct{}), make(chan struct{})
	w.dynamo.Inject(awstest.Fault{Action: "Query", Nth: 1, Do: answeredLate(read, settled, 2*time.Second)})
	first, given := make(chan []pipeline.Delivery), 0
	go func() { first <- w.receiveUpTo(s, 1) }()
	<-read
	for _, d := range w.receiveUpTo(s, 1) {
		given++
		w.settle(s, checked(d))
	}
	close(settled)
	if given += len(<-first); given != 1 {
		t.Errorf("the step was given out %d times", given)
	}
}

// TestAMessageWhoseRowIsReadWhileItsStepIsSettled: what was read is no longer so,
// and the lease that would tell is over.
func TestAMessageWhoseRowIsReadWhileItsStepIsSettled(t *testing.T) {
	w := newWorks(t)
	s := w.aside(w.endpoints(), w.newWire())
	id := w.insert(s)
	d := w.deliveryOf(s, id, "check")
	w.put("check", messageBody(id, 0))
	read, settled := make(chan struct{}), make(chan struct{})
	w.dynamo.Inject(awstest.Fault{Action: "Query", Nth: 1, Do: answeredLate(read, settled, time.Minute)})
	received := make(chan []pipeline.Delivery)
	go func() { received <- w.receive(s, false) }()
	<-read
	w.settle(s, checked(d))
	close(settled)
	if ds := <-received; len(ds) > 0 {
		t.Errorf("a step that is processed was given out: %+v", ds)
	}
}

// answeredLate has the service answer, and keeps the answer until it may go.
func answeredLate(answered chan<- struct{}, goes <-chan struct{}, most time.Duration) awstest.Harm {
	return func(next awstest.Handle) awstest.Handle {
		return func(c *awstest.Call) *awstest.Answer {
			answer := next(c)
			close(answered)
			select {
			case <-goes:
			case <-time.After(most):
			}
			return answer
		}
	}
}

func checked(d pipeline.Delivery) pipeline.Outcome {
	return pipeline.Outcome{Delivery: d, Verdict: pipeline.Processed,
		Attempt: pipeline.Attempt{Step: "check", Number: 1, StartedAt: time.Now().UTC(), Outcome: pipeline.AttemptProcessed}}
}
