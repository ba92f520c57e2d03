package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/handlers"
	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// inbox is a source queue whose messages become rows of the works.
type inbox struct {
	*works
	m    *machine
	name string
}

// newInbox reads the queue the way the program does: its door takes at most a
// thousand bytes, and its key stands in the attribute Order.
func newInbox(t *testing.T) *inbox {
	w := newWorks(t)
	w.shape = func(c *pipeline.Config) {
		c.Pipelines[0].Intake.Schema = func(payload []byte) error {
			if strings.Contains(string(payload), "unheard-of") {
				return errors.New("kind: must be one of order, refund")
			}
			return nil
		}
	}
	in := &inbox{works: w, name: w.prefix + "orders-in", m: w.start().ready()}
	w.makeQueue(in.name)
	door := handlers.Door{MaxBytes: 1000, Key: handlers.KeySource{Header: "Order"}}
	source := in.m.store.Source(in.name, func(ctx context.Context, ms []SourceMessage) error {
		messages := make([]pipeline.Message, len(ms))
		for i, m := range ms {
			messages[i] = door.FromQueue(handlers.Arrival{ID: m.ID, Key: m.Attributes["Order"], Attributes: m.Header, Body: m.Body})
		}
		_, err := in.m.engine.Intake.SubmitBatch(ctx, ordersPipeline, messages)
		return err
	})
	ctx, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	reading.Go(func() { _ = source.Run(ctx) })
	t.Cleanup(func() {
		stop()
		reading.Wait()
	})
	return in
}

// send puts messages on the queue in one batch; a message's attributes follow
// its body, name and value in turn.
func (in *inbox) send(messages ...[]string) {
	in.t.Helper()
	batch := &sqs.SendMessageBatchInput{QueueUrl: in.url(in.name)}
	for i, m := range messages {
		e := types.SendMessageBatchRequestEntry{Id: sdkaws.String(fmt.Sprint(i)), MessageBody: &m[0], MessageAttributes: map[string]types.MessageAttributeValue{}}
		for a := 1; a < len(m); a += 2 {
			e.MessageAttributes[m[a]] = types.MessageAttributeValue{DataType: sdkaws.String("String"), StringValue: &m[a+1]}
		}
		batch.Entries = append(batch.Entries, e)
	}
	out, err := in.client().SendMessageBatch(in.t.Context(), batch)
	if err != nil || len(out.Failed) > 0 {
		in.t.Fatal(out, err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.unsure += len(messages)
}

// detailed waits for so many rows and answers them in full, oldest first.
func (in *inbox) detailed(n int) []pipeline.RowDetail {
	in.t.Helper()
	b := in.m.store.Backend()
	var page pipeline.Page[pipeline.Row]
	in.within(30*time.Second, fmt.Sprintf("%d rows have come", n), func() bool {
		var err error
		page, err = b.Rows.List(in.t.Context(), pipeline.RowFilter{Limit: 100, Oldest: true})
		return err == nil && len(page.Items) >= n
	})
	time.Sleep(500 * time.Millisecond) // for one too many
	list := make([]pipeline.RowDetail, 0, n)
	for _, r := range page.Items {
		d, err := b.Rows.Get(in.t.Context(), r.ID)
		if err != nil {
			in.t.Fatal(err)
		}
		list = append(list, d)
	}
	if len(list) != n {
		in.t.Errorf("%d rows have come, want %d", len(list), n)
	}
	return list
}

func TestMessagesOfASourceQueueBecomeRows(t *testing.T) {
	in := newInbox(t)
	topic := `"TopicArn":"arn:aws:sns:eu-west-1:1:shop"`
	event := `{"version":"0","id":"e-1","detail-type":"order.paid","source":"shop","account":"1","time":"2026-01-01T00:00:00Z","region":"eu-west-1","resources":[],"detail":{"n":1}}`
	for _, tc := range []struct {
		name    string
		message []string
		want    pipeline.RowDetail // Key "*": the message's own id
	}{
		{"raw JSON", []string{`{"n":1,"type":"order.new"}`}, asRow(`{"n":1,"type":"order.new"}`, "*", "order.new")},
		{"raw JSON with a key", []string{`{"n":2}`, "Order", "o-2"}, asRow(`{"n":2}`, "o-2", "")},
		{"wrapped by SNS", []string{`{"Type":"Notification","MessageId":"sns-3","Subject":"order.paid",` + topic + `,"Message":"{\"n\":3}"}`}, asRow(`{"n":3}`, "sns-3", "order.paid")},
		{"wrapped by SNS with a key", []string{`{"Type":"Notification","MessageId":"sns-4",` + topic + `,"Message":"{\"n\":0}","MessageAttributes":{"Order":{"Type":"String","Value":"o-4"}}}`}, asRow(`{"n":0}`, "o-4", "")},
		{"raw from SNS", []string{`{"n":5}`, "Order", "o-5", "X-Event-Type", "order.lost"}, asRow(`{"n":5}`, "o-5", "order.lost")},
		{"an event of EventBridge", []string{event}, asRow(event, "*", "order.paid")},
		{"no JSON", []string{"six parcels, please"}, pipeline.RowDetail{Row: pipeline.Row{Status: pipeline.StatusDone, ContentType: "text/plain; charset=utf-8"}, Key: "*", Payload: []byte("six parcels, please")}},
		{"what only looks like SNS's", []string{`{"Type":"Notification","Message":"hello"}`}, asRow(`{"Type":"Notification","Message":"hello"}`, "*", "")},
		{"what looks like SNS's and is a subscription", []string{`{"Type":"SubscriptionConfirmation","MessageId":"s",` + topic + `,"Message":"hello"}`}, asRow(`{"Type":"SubscriptionConfirmation","MessageId":"s",`+topic+`,"Message":"hello"}`, "*", "")},
		{"SNS's around text", []string{`{"Type":"Notification","MessageId":"sns-8",` + topic + `,"Message":""}`}, pipeline.RowDetail{Row: pipeline.Row{Status: pipeline.StatusDone, ContentType: "text/plain; charset=utf-8"}, Key: "sns-8", Payload: []byte{}}},
		{"a key nobody could keep", []string{`{"n":0}`, "Order", strings.Repeat("k", 5000)}, asRow(`{"n":0}`, "*", "")},
		{"a type nobody could keep", []string{`{"n":0}`, "Content-Type", strings.Repeat("application/json;", 4000)}, asRow(`{"n":0}`, "*", "")},
		{"too large", []string{`{"n":0,"text":"` + strings.Repeat("x", 2000) + `"}`}, asRejected("the payload has 2017 bytes, the pipeline takes at most 1000")},
		{"of a kind that the schema does not know", []string{`{"kind":"unheard-of"}`}, asRejected("must be one of order, refund")},
	} {
		in.send(tc.message)
		got := in.detailed(1)[0]
		if tc.want.Status == pipeline.StatusDone {
			in.finished(leeway{})
			got = in.detailed(1)[0]
		}
		keyed := got.Key == tc.want.Key || tc.want.Key == "*" && len(got.Key) == 36
		if got.Status != tc.want.Status || string(got.Payload) != string(tc.want.Payload) && tc.want.Payload != nil || !keyed || got.Label != tc.want.Label ||
			tc.want.ContentType != got.ContentType && tc.want.ContentType != "" || !strings.Contains(got.Error, tc.want.Error) {
			t.Errorf("%s: %s, %q of type %q with key %q, label %q, error %q", tc.name, got.Status, got.Payload, got.ContentType, got.Key, got.Label, got.Error)
		}
		in.discard(got.ID)
	}
}

func asRow(payload, key, label string) pipeline.RowDetail {
	return pipeline.RowDetail{Row: pipeline.Row{Status: pipeline.StatusDone, ContentType: "application/json", Label: label}, Key: key, Payload: []byte(payload)}
}

func asRejected(why string) pipeline.RowDetail {
	return pipeline.RowDetail{Row: pipeline.Row{Status: pipeline.StatusRejected, Error: why}, Key: "*"}
}

// discard takes a row away, so that the next is the only one.
func (in *inbox) discard(id string) {
	in.t.Helper()
	rid, _ := parseID(id)
	if err := in.m.store.table.writeMany(in.t.Context(), []write{{delete: keyOf(rid.pk(), rid.text)}, {delete: keyOf(rid.pk(), rid.payload())}}); err != nil {
		in.t.Fatal(err)
	}
}

// TestAMessageOfASourceQueueBecomesOneRow: it comes again, because the answer to
// its deletion never came, or because its sender has sent it twice.
func TestAMessageOfASourceQueueBecomesOneRow(t *testing.T) {
	in := newInbox(t)
	in.strict = true
	in.sqs.KeepBodies()
	fault := in.sqs.Inject(awstest.Fault{Action: "DeleteMessageBatch", Where: func(c *awstest.Call) bool { return strings.Contains(string(c.Body), "orders-in") }, Do: awstest.Broken()})
	in.send([]string{`{"n":0}`}, []string{`{"n":1}`, "Order", "o-1"}, []string{`{"n":1}`, "Order", "o-1"}, []string{`{"n":2}`, "Order", "o-2"})
	in.detailed(3)
	in.within(10*time.Second, "they were to be deleted", func() bool { return fault.Harmed() > 0 })
	fault.Remove()
	for _, c := range in.sqs.Calls("DeleteMessageBatch") {
		var b struct {
			Entries []struct{ ReceiptHandle string }
		}
		if err := json.Unmarshal(c.Body, &b); err != nil {
			t.Fatal(err)
		}
		for _, e := range b.Entries { // they come again
			_, _ = in.client().ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: in.url(in.name), ReceiptHandle: &e.ReceiptHandle})
		}
	}
	in.send([]string{`{"n":2}`, "Order", "o-2"})
	in.within(20*time.Second, "the queue is empty", func() bool { return in.depth(in.name) == 0 })
	in.detailed(3)
	in.reconcile(leeway{})
}

// TestASourceQueueWaitsForTheTable: what cannot be stored stays where it is.
func TestASourceQueueWaitsForTheTable(t *testing.T) {
	in := newInbox(t)
	in.send([]string{`{"n":0}`})
	in.detailed(1)
	in.dynamo.SetDown(true)
	in.send([]string{`{"n":1}`}, []string{`{"n":2}`})
	time.Sleep(3 * time.Second)
	if in.depth(in.name) != 2 {
		t.Errorf("%d messages wait, want 2", in.depth(in.name))
	}
	in.dynamo.SetDown(false)
	in.detailed(3)
	in.reconcile(leeway{})
}
