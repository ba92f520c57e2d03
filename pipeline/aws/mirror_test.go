package aws

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"redrive/pipeline"
	"redrive/pipeline/pipelinetest"
)

// oneDead is a store with one dead row of a one-step pipeline.
func oneDead(t *testing.T) (*Store, pipeline.DeadLetter) {
	t.Helper()
	s := newHome(t).store(t)
	b, g := s.Backend(), pipelinetest.Graphs(t)[0]
	row := pipeline.NewRow{Pipeline: g.Pipeline(), Graph: g, Status: pipeline.StatusAccepted, Payload: []byte("{}"), At: time.Now().UTC()}
	if _, err := b.Rows.Insert(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	d := nextDelivery(t, b, g)
	out := pipeline.Outcome{Delivery: d, Verdict: pipeline.Dead, Attempt: pipeline.Attempt{Step: "deliver", Number: 1, StartedAt: time.Now(), Outcome: pipeline.AttemptDead},
		Letter: pipeline.NewLetter{Kind: pipeline.LetterHandler, Group: "g", Cause: "502", Error: "502", FirstFailedAt: time.Now()}}
	if errs, err := b.Work.Settle(t.Context(), out); err != nil || errs[0] != nil {
		t.Fatal(err, errs)
	}
	page, err := b.Letters.List(t.Context(), pipeline.LetterFilter{})
	if err != nil || len(page.Items) != 1 {
		t.Fatal(err, page)
	}
	return s, page.Items[0]
}

func nextDelivery(t *testing.T, b pipeline.Backend, g *pipeline.Graph) pipeline.Delivery {
	t.Helper()
	req := pipeline.ReceiveRequest{Pipeline: g.Pipeline(), Step: "deliver", N: 1, Hide: time.Minute, Wait: 10 * time.Second, Worker: "w"}
	ds, err := b.Work.Receive(t.Context(), req)
	if err != nil || len(ds) != 1 {
		t.Fatalf("received %d, %v", len(ds), err)
	}
	return ds[0]
}

func (s *Store) lie(t *testing.T, name string) int64 {
	t.Helper()
	q, err := s.queues.get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	visible, hidden, _, err := q.depth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return visible + hidden
}

func TestADeadLetterLiesInItsQueueUntilItIsMoved(t *testing.T) {
	t.Parallel()
	s, letter := oneDead(t)
	if n := s.lie(t, letter.Queue()); n != 1 {
		t.Fatalf("%d messages in %s, want 1", n, letter.Queue())
	}
	key := pipeline.StepKey{Pipeline: letter.Pipeline, Step: letter.Step}
	if err := s.mirror.tidy(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if n := s.lie(t, letter.Queue()); n != 1 {
		t.Fatalf("%d messages after tidying, want the one of the dead step", n)
	}
	errs, err := s.Backend().Moves.Requeue(t.Context(), nil, pipeline.Move{Row: letter.Row, Step: letter.Step, If: pipeline.StateDead, Letter: letter.ID, At: time.Now()})
	if err != nil || errs[0] != nil {
		t.Fatal(err, errs)
	}
	for end := time.Now().Add(20 * time.Second); s.lie(t, letter.Queue()) > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the message stays although its step was moved")
		}
	}
}

func TestAMessageMovedBackByTheToolsOfSQSIsARedrive(t *testing.T) {
	t.Parallel()
	s, letter := oneDead(t)
	dead, err := s.queues.get(t.Context(), letter.Queue())
	if err != nil {
		t.Fatal(err)
	}
	got, err := dead.receive(t.Context(), 1, time.Minute, time.Second)
	if err != nil || len(got) != 1 {
		t.Fatal(err, got)
	}
	work, err := s.queues.get(t.Context(), s.names.queue(letter.Pipeline, letter.Step))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := work.client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &work.url, MessageBody: got[0].Body}); err != nil {
		t.Fatal(err)
	}
	b := s.Backend()
	d := nextDelivery(t, b, pipelinetest.Graphs(t)[0])
	if d.Row != letter.Row || d.Attempt != 2 || d.Spent != 0 {
		t.Errorf("delivered %s, attempt %d, spent %d; want the row with a fresh budget", d.Row, d.Attempt, d.Spent)
	}
	page, err := b.Audit.List(t.Context(), pipeline.AuditFilter{Action: "redrive.move"})
	if err != nil || len(page.Items) != 1 || page.Items[0].Actor != pipeline.Program {
		t.Errorf("audit says %v, %v", page.Items, err)
	}
}

// What SQS moved to the dead-letter queue by itself goes back: the row's own
// budget decides who is dead.
func TestWhatSQSMovedAwayIsFetchedBack(t *testing.T) {
	t.Parallel()
	s := newHome(t).store(t)
	b, g := s.Backend(), pipelinetest.Graphs(t)[0]
	row := pipeline.NewRow{Pipeline: g.Pipeline(), Graph: g, Status: pipeline.StatusAccepted, Payload: []byte("{}"), At: time.Now().UTC()}
	in, err := b.Rows.Insert(t.Context(), row)
	if err != nil {
		t.Fatal(err)
	}
	key := pipeline.StepKey{Pipeline: g.Pipeline(), Step: "deliver"}
	work, err := s.queues.get(t.Context(), s.names.queue(key.Pipeline, key.Step))
	if err != nil {
		t.Fatal(err)
	}
	dead, err := s.queues.get(t.Context(), s.names.dead(key.Pipeline, key.Step))
	if err != nil {
		t.Fatal(err)
	}
	got, err := work.receive(t.Context(), 1, time.Minute, time.Second)
	if err != nil || len(got) != 1 {
		t.Fatal(err, got)
	}
	if errs := dead.sends.do(t.Context(), *got[0].Body); errs[0] != nil {
		t.Fatal(errs)
	}
	work.deletes.do(t.Context(), *got[0].ReceiptHandle)
	if err := s.mirror.tidy(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if d := nextDelivery(t, b, g); d.Row != in[0].ID {
		t.Errorf("delivered %s, want %s", d.Row, in[0].ID)
	}
}
