package aws

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"redrive/pipeline"
)

const (
	mostVisibility = 43_200 // seconds, SQS's own bounds
	mostDelay      = 900
)

// TestBackoffsLongerThanSQSCanHideAMessage hide it as long as SQS lets them, and
// again when it comes back early. That costs the row no attempt.
func TestBackoffsLongerThanSQSCanHideAMessage(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{false, true} {
		for _, wait := range []time.Duration{20 * time.Minute, 11*time.Hour + 59*time.Minute, 12 * time.Hour, 20 * time.Hour, 72 * time.Hour} {
			t.Run(fmt.Sprintf("%s/%v", wait, exclusive), func(t *testing.T) {
				w := newWorks(t)
				s := w.aside(w.endpoints(), w.newWire())
				w.sqs.KeepBodies()
				id := w.insert(s)
				d := w.receiveOne(s, exclusive)
				due := time.Now().Add(wait)
				w.settle(s, failedUntil(d, due))
				for range 3 {
					w.hiddenUntil(due)
					w.showAgain("check")
					if ds := w.receive(s, exclusive); len(ds) != 0 {
						t.Fatalf("delivered %s early", time.Until(due))
					}
				}
				w.hiddenUntil(due)
				row, err := s.Backend().Rows.Get(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				if f, _ := row.Flag("check"); f.State != pipeline.StateRetrying || f.Attempts != 1 || len(row.Attempts) != 1 || f.NextAttemptAt.Sub(due).Abs() > 2*time.Millisecond {
					t.Errorf("check = %+v, attempts %+v", f, row.Attempts)
				}
			})
		}
	}
}

// TestAMessageThatCameBackEarlyIsDeliveredWhenItIsDue, with the attempts it had.
func TestAMessageThatCameBackEarlyIsDeliveredWhenItIsDue(t *testing.T) {
	w := newWorks(t)
	s := w.aside(w.endpoints(), w.newWire())
	w.sqs.KeepBodies()
	w.insert(s)
	due := time.Now().Add(3500 * time.Millisecond)
	w.settle(s, failedUntil(w.receiveOne(s, false), due))
	var ds []pipeline.Delivery
	for looks := 0; looks < 2 && len(ds) == 0; looks++ {
		w.within(5*time.Second, "the message is hidden", func() bool { return len(w.entries("ChangeMessageVisibilityBatch")) > 0 })
		w.showAgain("check")
		ds = w.receive(s, false)
		if early := time.Until(due); len(ds) != 0 && early > 0 {
			t.Fatalf("delivered %s early", early)
		}
	}
	if len(ds) == 0 {
		time.Sleep(time.Until(due.Add(time.Second)))
		ds = append(ds, w.receiveOne(s, false))
	}
	if d := ds[0]; d.Attempt != 2 || d.Spent != 1 {
		t.Errorf("delivered as attempt %d with %d spent, want 2 and 1", d.Attempt, d.Spent)
	}
}

// TestAMessageReceivedVeryOftenIsSentAnew, before SQS takes it for one that kills
// its workers.
func TestAMessageReceivedVeryOftenIsSentAnew(t *testing.T) {
	w := newWorks(t)
	s := w.aside(w.endpoints(), w.newWire())
	w.sqs.KeepBodies()
	id := w.insert(s)
	for range renewAfter {
		w.take(w.prefix + "orders-check")
	}
	w.settle(s, failedUntil(w.receiveOne(s, true), time.Now().Add(20*time.Hour)))
	sent := w.sqs.Calls("SendMessage")
	if len(sent) != 1 {
		t.Fatalf("%d messages were sent anew", len(sent))
	}
	var in struct {
		MessageBody  string
		DelaySeconds int
	}
	if err := json.Unmarshal(sent[0].Body, &in); err != nil || in.DelaySeconds != mostDelay || in.MessageBody != (stepMessage{Row: id, Base: renewAfter + 1}).encode() {
		t.Errorf("sent anew: %s", sent[0].Body)
	}
}

// insert stores a row.
func (w *works) insert(s *Store) string {
	w.t.Helper()
	return w.insertAt(s, time.Now().UTC())
}

func (w *works) receive(s *Store, exclusive bool) []pipeline.Delivery {
	w.t.Helper()
	return w.receiveBy(s, pipeline.ReceiveRequest{N: 10, Exclusive: exclusive})
}

func (w *works) receiveUpTo(s *Store, n int) []pipeline.Delivery {
	w.t.Helper()
	return w.receiveBy(s, pipeline.ReceiveRequest{N: n})
}

func (w *works) receiveBy(s *Store, req pipeline.ReceiveRequest) []pipeline.Delivery {
	w.t.Helper()
	req.Pipeline, req.Step, req.Hide, req.Wait, req.Worker = ordersPipeline, "check", w.lease, time.Second, "a worker"
	ds, err := s.Backend().Work.Receive(w.t.Context(), req)
	if err != nil {
		w.t.Error(err)
	}
	return ds
}

func (w *works) receiveOne(s *Store, exclusive bool) pipeline.Delivery {
	w.t.Helper()
	var ds []pipeline.Delivery
	w.within(10*time.Second, "a row is delivered", func() bool {
		ds = w.receive(s, exclusive)
		return len(ds) > 0
	})
	return ds[0]
}

func (w *works) settle(s *Store, o pipeline.Outcome) {
	w.t.Helper()
	if errs, err := s.Backend().Work.Settle(w.t.Context(), o); err != nil || errs[0] != nil {
		w.t.Fatal(errs, err)
	}
}

func failedUntil(d pipeline.Delivery, due time.Time) pipeline.Outcome {
	return pipeline.Outcome{Delivery: d, Verdict: pipeline.Retry, RetryAt: due, Attempt: pipeline.Attempt{Step: d.Step, Number: d.Attempt,
		StartedAt: time.Now().UTC(), Outcome: pipeline.AttemptFailed, StatusCode: 503, Error: "503", Worker: "a worker"}}
}

// hideEntry is how long one message was hidden for.
type hideEntry struct {
	ReceiptHandle     string
	VisibilityTimeout int
}

func (w *works) entries(action string) (list []hideEntry) {
	w.t.Helper()
	for _, c := range w.sqs.Calls(action) {
		var in struct{ Entries []hideEntry }
		if err := json.Unmarshal(c.Body, &in); err != nil {
			w.t.Fatal(err)
		}
		list = append(list, in.Entries...)
	}
	return list
}

// hiddenUntil waits for the message to be hidden until it is due, or as long as
// SQS lets one.
func (w *works) hiddenUntil(due time.Time) {
	w.t.Helper()
	w.within(10*time.Second, "the message is hidden", func() bool { return len(w.entries("ChangeMessageVisibilityBatch")) > 0 })
	list := w.entries("ChangeMessageVisibilityBatch")
	got := list[len(list)-1].VisibilityTimeout
	want := int(min(time.Until(due), longestHide) / time.Second)
	if got > mostVisibility || got < want-2 || got > want+15 {
		w.t.Errorf("hidden for %d s, want %d", got, want)
	}
}

// showAgain ends the hiding of a message early, as a crash of SQS might.
func (w *works) showAgain(step string) {
	w.t.Helper()
	list := w.entries("ChangeMessageVisibilityBatch")
	if _, err := w.client().ChangeMessageVisibility(w.t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: w.url(namesOf(Config{Prefix: w.prefix}).queue(ordersPipeline, step)),
		ReceiptHandle: sdkaws.String(list[len(list)-1].ReceiptHandle), VisibilityTimeout: 0}); err != nil {
		w.t.Fatal(err)
	}
	w.sqs.Forget()
}
