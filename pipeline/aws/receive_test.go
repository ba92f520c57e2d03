package aws

import (
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// TestOfTwoMessagesForOneStepOneIsGivenOut: SQS may deliver twice, and a send whose
// answer got lost is made again. Both find that nobody runs the step.
func TestOfTwoMessagesForOneStepOneIsGivenOut(t *testing.T) {
	ls := newLeases()
	first, second := &lease{token: 1}, &lease{token: 2}
	if other := ls.takeAfter(nil, "row", "check", first); other != nil {
		t.Errorf("the first finds %+v", other)
	}
	if other := ls.takeAfter(nil, "row", "check", second); other != first || ls.of("row", "check") != first {
		t.Errorf("the second finds %+v", other)
	}
	if other := ls.takeAfter(first, "row", "check", second); other != nil || ls.of("row", "check") != second {
		t.Errorf("one that knows the first finds %+v", other)
	}
	ls.drop("row", "check")
	if other := ls.takeAfter(first, "row", "check", second); other != nil {
		t.Errorf("after the first is over there is %+v", other)
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
	w.dynamo.Inject(awstest.Fault{Action: "Query", Nth: 1, Do: func(next awstest.Handle) awstest.Handle {
		return func(c *awstest.Call) *awstest.Answer {
			answer := next(c)
			close(read)
			<-settled
			return answer
		}
	}})
	received := make(chan []pipeline.Delivery)
	go func() { received <- w.receive(s, false) }()
	<-read
	w.settle(s, pipeline.Outcome{Delivery: d, Verdict: pipeline.Processed,
		Attempt: pipeline.Attempt{Step: "check", Number: 1, StartedAt: time.Now().UTC(), Outcome: pipeline.AttemptProcessed}})
	close(settled)
	if ds := <-received; len(ds) > 0 {
		t.Errorf("a step that is processed was given out: %+v", ds)
	}
}
