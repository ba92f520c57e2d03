package aws

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// neighbour is another system's queue, behind a proxy.
type neighbour struct {
	proxy   *awstest.Proxy
	account *Account
	name    string
	url     string
}

func newNeighbour(t *testing.T) *neighbour {
	t.Helper()
	proxy := awstest.NewProxy(t, awstest.Emulators(t).SQS)
	q := &neighbour{proxy: proxy, account: NewAccount(awstest.Config(t, awstest.Endpoints{SQS: proxy.URL})), name: "orders-" + strings.ToLower(pipeline.NewID())}
	out, err := q.account.sqs().CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &q.name})
	if err != nil {
		t.Fatal(err)
	}
	q.url = *out.QueueUrl
	proxy.Forget()
	return q
}

func (q *neighbour) step(t *testing.T, name string) *SQSCaller {
	t.Helper()
	return must(NewSQSStep(q.account, SQSStep{Queue: name, Timeout: 5 * time.Second, Concurrency: 32}))(t)
}

func (q *neighbour) messages(t *testing.T) []types.Message {
	t.Helper()
	var all []types.Message
	for {
		out, err := q.account.sqs().ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return all
		}
		all = append(all, out.Messages...)
	}
}

// callTogether makes a call for each payload at the same time.
func callTogether(t *testing.T, step *SQSCaller, payloads ...string) []pipeline.Answer {
	t.Helper()
	answers := make([]pipeline.Answer, len(payloads))
	var all sync.WaitGroup
	for i, payload := range payloads {
		all.Go(func() {
			c := callOf(payload)
			c.Row = fmt.Sprint("r", i)
			answers[i] = step.Call(t.Context(), c)
		})
	}
	all.Wait()
	return answers
}

func numbered(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"n":%d}`, i)
	}
	return list
}

func TestAQueueGetsThePayloadAndWhoseItIs(t *testing.T) {
	q := newNeighbour(t)
	payload := "{\"ü\":\t\"\\u0000\"}\r\n"
	a := q.step(t, q.name).Call(t.Context(), callOf(payload))
	if a.Kind != pipeline.AnswerProcessed || a.StatusCode != 200 || a.Error != "" {
		t.Fatalf("answer = %+v", a)
	}
	got := q.messages(t)
	if len(got) != 1 || *got[0].Body != payload {
		t.Fatalf("%d messages: %v", len(got), got)
	}
	var result map[string]string
	if json.Unmarshal(a.Result, &result) != nil || result["message_id"] != *got[0].MessageId || len(result) != 1 {
		t.Errorf("result %s, message %s", a.Result, *got[0].MessageId)
	}
	want := map[string]string{"Idempotency-Key": "r1/resize", "Redrive-Row": "r1", "Redrive-Pipeline": "p", "Redrive-Step": "resize", "Redrive-Attempt": "3",
		"traceparent": trace, "Content-Type": "application/json"}
	for name, value := range want {
		if v := got[0].MessageAttributes[name]; v.StringValue == nil || *v.StringValue != value {
			t.Errorf("attribute %s is %v", name, v.StringValue)
		}
	}
	if len(got[0].MessageAttributes) != len(want) {
		t.Errorf("attributes %v", got[0].MessageAttributes)
	}
}

func TestBytesGoInBase64(t *testing.T) {
	q := newNeighbour(t)
	step := q.step(t, q.name)
	for _, payload := range []string{"\xff\xfe", "a\x00b", "\ufffe", "bell \a"} {
		if a := step.Call(t.Context(), callOf(payload)); a.Kind != pipeline.AnswerProcessed {
			t.Fatalf("answer = %+v", a)
		}
		m := q.messages(t)[0]
		body, err := base64.StdEncoding.DecodeString(*m.Body)
		if err != nil || string(body) != payload || *m.MessageAttributes["Content-Transfer-Encoding"].StringValue != "base64" {
			t.Errorf("%q arrived as %q", payload, *m.Body)
		}
	}
}

func TestCallsAtTheSameTimeShareRequests(t *testing.T) {
	q := newNeighbour(t)
	step := q.step(t, q.name)
	ids := map[string]bool{}
	for i, a := range callTogether(t, step, numbered(40)...) {
		if a.Kind != pipeline.AnswerProcessed {
			t.Fatalf("answer %d = %+v", i, a)
		}
		ids[string(a.Result)] = true
	}
	if n := q.proxy.Count("SendMessageBatch"); n > 12 {
		t.Errorf("40 messages took %d requests", n)
	}
	if n := q.proxy.Count("GetQueueUrl"); n > 4 {
		t.Errorf("the queue was looked up %d times", n)
	}
	got := map[string]string{}
	for _, m := range q.messages(t) {
		got[*m.MessageAttributes["Redrive-Row"].StringValue] = *m.Body
	}
	for i, payload := range numbered(40) {
		if got[fmt.Sprint("r", i)] != payload {
			t.Errorf("row %d arrived as %q", i, got[fmt.Sprint("r", i)])
		}
	}
	if len(ids) != 40 {
		t.Errorf("%d different results", len(ids))
	}
}

func TestAnEntryThatFailsIsNotTheOthersFault(t *testing.T) {
	q := newNeighbour(t)
	step := q.step(t, q.name)
	q.proxy.Inject(awstest.Fault{Action: "SendMessageBatch", Do: awstest.FailEntries(5)})
	failed := 0
	for _, a := range callTogether(t, step, numbered(10)...) {
		switch {
		case a.Kind == pipeline.AnswerTransient && strings.HasPrefix(a.Error, "sqs:SendMessage on queue "+q.name+" failed with "):
			failed++
		case a.Kind != pipeline.AnswerProcessed:
			t.Errorf("answer = %+v", a)
		}
	}
	if failed != 2 || len(q.messages(t)) != 8 {
		t.Errorf("%d of 2 failed", failed)
	}
}

func TestAMessageTheQueueRefusesIsSentAlone(t *testing.T) {
	q := newNeighbour(t)
	step := q.step(t, q.name)
	poison := func(c *awstest.Call) bool { return strings.Contains(string(c.Body), `\"n\":3}`) }
	q.proxy.Inject(awstest.Fault{Action: "SendMessageBatch", Where: poison,
		Do: awstest.Refused(awstest.Refusal{Status: 400, Code: "InvalidMessageContents", Message: "Invalid characters found."})})
	for i, a := range callTogether(t, step, numbered(10)...) {
		switch {
		case i != 3 && a.Kind != pipeline.AnswerProcessed:
			t.Errorf("answer %d = %+v", i, a)
		case i == 3 && (a.Kind != pipeline.AnswerPermanent || a.Cause != pipeline.CauseRequest || a.Error != "queue "+q.name+" was not called: Invalid characters found."):
			t.Errorf("the poison's answer = %+v", a)
		}
	}
	if n := len(q.messages(t)); n != 9 {
		t.Errorf("%d messages arrived", n)
	}
}

func TestWhatSQSNeverTakesIsUndeliverable(t *testing.T) {
	q := newNeighbour(t)
	step := q.step(t, q.name)
	for payload, want := range map[string]string{
		"":                          "no call made: the payload is empty, and SQS takes no empty message",
		strings.Repeat("x", 1<<20):  "no call made: the message has 1048",
		strings.Repeat("\x00", 8e5): "no call made: the message has 1066",
	} {
		a := step.Call(t.Context(), callOf(payload))
		if a.Kind != pipeline.AnswerPermanent || a.Cause != pipeline.CauseRequest || !strings.HasPrefix(a.Error, want) {
			t.Errorf("%d bytes: %d %q %q", len(payload), a.Kind, a.Cause, a.Error)
		}
	}
	if n := q.proxy.Count(""); n != 0 {
		t.Errorf("%d requests for it", n)
	}
}

func TestLargeMessagesShareNoRequestTheyDoNotFitInto(t *testing.T) {
	q := newNeighbour(t)
	big := strings.Repeat("x", 600<<10)
	for _, a := range callTogether(t, q.step(t, q.name), big, big, big) {
		if a.Kind != pipeline.AnswerProcessed {
			t.Errorf("answer = %.200v", a)
		}
	}
	if n := len(q.messages(t)); n != 3 {
		t.Errorf("%d messages arrived", n)
	}
}

func TestAQueueOutOfReach(t *testing.T) {
	denied := "this identity may not do sqs:SendMessage on queue "
	for name, tt := range map[string]struct {
		fault awstest.Fault
		kind  pipeline.AnswerKind
		cause string
		words string // with NAME for the queue
	}{
		"throttled":   {awstest.Fault{Action: "SendMessageBatch", Do: awstest.Throttled()}, pipeline.AnswerThrottled, "", "AWS throttles sqs:SendMessage on queue NAME: RequestThrottled"},
		"forbidden":   {awstest.Fault{Action: "SendMessageBatch", Do: awstest.Denied()}, pipeline.AnswerTransient, "", denied + "NAME"},
		"hidden":      {awstest.Fault{Action: "GetQueueUrl", Do: awstest.Denied()}, pipeline.AnswerTransient, "", denied + "NAME"},
		"broken":      {awstest.Fault{Action: "SendMessageBatch", Do: awstest.Broken()}, pipeline.AnswerTransient, "", "sqs:SendMessage on queue NAME failed with InternalFailure: We enc"},
		"lost answer": {awstest.Fault{Action: "SendMessageBatch", Do: awstest.LostAnswer()}, pipeline.AnswerTransient, pipeline.CauseConnection, "connection broken by queue NAME: no answer"},
		"no answer":   {awstest.Fault{Action: "SendMessageBatch", Do: awstest.Latency(time.Minute)}, pipeline.AnswerTransient, pipeline.CauseTimeout, "timeout calling queue NAME: no answer in 200 ms"},
	} {
		t.Run(name, func(t *testing.T) {
			q := newNeighbour(t)
			step := must(NewSQSStep(q.account, SQSStep{Queue: q.name, Timeout: 200 * time.Millisecond}))(t)
			f := q.proxy.Inject(tt.fault)
			a := step.Call(t.Context(), callOf("{}"))
			if a.Kind != tt.kind || a.Cause != tt.cause || !strings.HasPrefix(a.Error, strings.ReplaceAll(tt.words, "NAME", q.name)) {
				t.Errorf("answer = %+v", a)
			}
			if n := f.Harmed(); n != 1 {
				t.Errorf("one attempt was %d requests", n)
			}
		})
	}
}

func TestAMissingQueueIsNamedAndFoundOnceItIsThere(t *testing.T) {
	q := newNeighbour(t)
	other := q.name + "-later"
	step := q.step(t, other)
	a := step.Call(t.Context(), callOf("{}"))
	if a.Kind != pipeline.AnswerTransient || a.Error != "queue "+other+" does not exist in eu-west-1 (sqs:SendMessage)" {
		t.Errorf("answer = %+v", a)
	}
	if _, err := q.account.sqs().CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &other}); err != nil {
		t.Fatal(err)
	}
	if a := step.Call(t.Context(), callOf("{}")); a.Kind != pipeline.AnswerProcessed {
		t.Errorf("answer = %+v", a)
	}
	if _, err := q.account.sqs().DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: new(strings.Replace(q.url, q.name, other, 1))}); err != nil {
		t.Fatal(err)
	}
	if a := step.Call(t.Context(), callOf("{}")); a.Kind != pipeline.AnswerTransient || !strings.Contains(a.Error, "does not exist") {
		t.Errorf("answer = %+v", a)
	}
	if step.url != "" {
		t.Error("the address of a queue that is gone is kept")
	}
}

func TestAQueueByItsURL(t *testing.T) {
	q := newNeighbour(t)
	step := q.step(t, q.url)
	if a := step.Call(t.Context(), callOf("{}")); a.Kind != pipeline.AnswerProcessed || step.resource != "queue "+q.name {
		t.Errorf("answer = %+v of %s", a, step.resource)
	}
	if n := q.proxy.Count("GetQueueUrl"); n != 0 {
		t.Error("it was looked up nevertheless")
	}
	for text, want := range map[string][3]string{
		"orders": {"orders", "", "eu-west-1"},
		"https://sqs.us-east-2.amazonaws.com/123456789012/orders":     {"orders", "https://sqs.us-east-2.amazonaws.com/123456789012/orders", "us-east-2"},
		"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/orders": {"orders", "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/orders", "cn-north-1"},
		"http://127.0.0.1:4566/000000000000/orders":                   {"orders", "http://127.0.0.1:4566/000000000000/orders", "eu-west-1"},
	} {
		if name, address, region := queueOf(text, "eu-west-1"); [3]string{name, address, region} != want {
			t.Errorf("%s is %s, %s in %s", text, name, address, region)
		}
	}
	if _, err := NewSQSStep(q.account, SQSStep{}); err == nil {
		t.Error("a step without a queue was taken")
	}
}

func TestACallCutOffHereEndsAtOnceAndAlone(t *testing.T) {
	q := newNeighbour(t)
	step := q.step(t, q.name)
	open := make(chan struct{})
	q.proxy.Inject(awstest.Fault{Action: "SendMessageBatch", Do: awstest.Gate(open)})
	ctx, cut := context.WithCancel(t.Context())
	var cutOff, other pipeline.Answer
	var all sync.WaitGroup
	all.Go(func() { cutOff = step.Call(ctx, callOf("1")) })
	all.Go(func() { other = step.Call(t.Context(), callOf("2")) })
	for q.proxy.Count("SendMessageBatch") == 0 {
		time.Sleep(time.Millisecond)
	}
	cut()
	time.Sleep(10 * time.Millisecond)
	close(open)
	all.Wait()
	if cutOff.Kind != pipeline.AnswerAborted || other.Kind != pipeline.AnswerProcessed {
		t.Errorf("cut off: %+v, the other: %+v", cutOff, other)
	}
}

func TestADryRunShowsTheMessage(t *testing.T) {
	a := NewAccount(awstest.Config(t, awstest.Endpoints{}))
	step := must(NewSQSStep(a, SQSStep{Queue: "orders"}))(t)
	p := must(step.Preview(callOf("{}")))(t)
	if p.URL != "queue orders in eu-west-1" || !strings.Contains(p.String(), "SendMessage to orders") || !strings.Contains(p.String(), "Redrive-Attempt: 3\n") || p.Body != nil {
		t.Errorf("preview:\n%s", p)
	}
	p = must(step.Preview(callOf("\xff")))(t)
	if string(p.Body) != "/w==" || !strings.Contains(p.String(), "Content-Transfer-Encoding: base64\n") {
		t.Errorf("preview:\n%s%s", p, p.Body)
	}
	if _, err := step.Preview(callOf("")); err == nil {
		t.Error("an empty message can be sent")
	}
}
