package aws

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline"
	"redrive/pipeline/steps"
)

const messageMost = 1 << 20 // bytes of a message with its attributes, and of a whole batch

// SQSStep is a step that hands the payload to another system's queue, as an
// operator writes it.
type SQSStep struct {
	Queue       string        // name, or URL where it is another account's or region's
	Timeout     time.Duration // of a whole call; 0: 5 s
	Concurrency int           // calls at once; that many connections stay open
}

// SQSCaller sends one message a row. The payload is the body, byte for byte
// where SQS takes it; else in base64, and the attribute
// Content-Transfer-Encoding says so. What an HTTP step says in its headers
// stands in message attributes of the same names.
type SQSCaller struct {
	callee
	client   *sqs.Client
	name     string
	outgoing *batcher[*parcel]

	mu    sync.Mutex
	url   string // empty until it was looked up
	fixed bool   // the URL is the operator's
}

// NewSQSStep checks the configuration; its error is a sentence for the person
// who wrote it.
func NewSQSStep(a *Account, cfg SQSStep) (*SQSCaller, error) {
	if cfg.Queue == "" {
		return nil, errors.New("the sqs of the step names no queue")
	}
	name, address, region := queueOf(cfg.Queue, a.Region())
	resource := "queue " + name
	d, err := steps.NewDownstream(resource, cfg.Timeout, nil)
	if err != nil {
		return nil, err
	}
	s := &SQSCaller{callee: callee{Downstream: d, account: a, action: "sqs:SendMessage", resource: resource, region: region}, name: name, url: address, fixed: address != ""}
	s.client = sqs.NewFromConfig(a.sdk, func(o *sqs.Options) {
		o.Retryer, o.Region = singleTry(), region
		o.HTTPClient = roomy(a.sdk.HTTPClient, cfg.Concurrency)
	})
	s.outgoing = newBatcher(context.Background(), newUnderWay(), parcelLinger, s.deliver)
	return s, nil
}

// queueOf reads what names a queue. Requests go to the region that its URL
// names, if it does.
func queueOf(text, here string) (name, address, region string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text, "", here
	}
	if part := strings.Split(u.Hostname(), "."); len(part) >= 4 && part[0] == "sqs" && part[2] == "amazonaws" {
		here = part[1]
	}
	return path.Base(u.Path), text, here
}

// Call makes one attempt. It returns within the step's timeout, or as soon as
// ctx ends. Calls made within a few milliseconds share a request.
func (s *SQSCaller) Call(ctx context.Context, c pipeline.Call) pipeline.Answer {
	entry, size, err := message(c)
	if err != nil {
		return steps.Verdict{Kind: steps.Permanent, ErrorKind: steps.KindRequest, Error: "no call made: " + err.Error()}.Answer()
	}
	timed, cancel := context.WithTimeout(ctx, s.Timeout())
	defer cancel()
	p := &parcel{ctx: timed, entry: entry, size: size}
	if err := s.outgoing.do(timed, p)[0]; err != nil {
		return s.Broken(ctx, timed, err, "no answer").Answer()
	}
	return p.verdict.Answer()
}

// message is the payload with what goes with it, and how much SQS counts it.
func message(c pipeline.Call) (types.SendMessageBatchRequestEntry, int, error) {
	var e types.SendMessageBatchRequestEntry
	if len(c.Payload) == 0 {
		return e, 0, errors.New("the payload is empty, and SQS takes no empty message")
	}
	about := identity(c)
	body := string(c.Payload)
	if !sendable(body) {
		body = base64.StdEncoding.EncodeToString(c.Payload)
		about = append(about, named{"Content-Transfer-Encoding", "base64"})
	}
	const kind = "String"
	size := len(body)
	e.MessageBody, e.MessageAttributes = &body, make(map[string]types.MessageAttributeValue, len(about))
	for _, n := range about {
		if n.value == "" || !sendable(n.value) {
			continue
		}
		e.MessageAttributes[n.name] = types.MessageAttributeValue{DataType: new(kind), StringValue: &n.value}
		size += len(n.name) + len(kind) + len(n.value)
	}
	if size > messageMost {
		return e, size, fmt.Errorf("the message has %d bytes with its attributes, and SQS takes at most %d", size, messageMost)
	}
	return e, size, nil
}

// sendable tells whether text has only characters that SQS takes.
func sendable(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	}) < 0
}

// address looks the queue up once.
func (s *SQSCaller) address(ctx context.Context) (string, error) {
	s.mu.Lock()
	known := s.url
	s.mu.Unlock()
	if known != "" {
		return known, nil
	}
	out, err := s.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &s.name})
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.url = sdkaws.ToString(out.QueueUrl)
	s.mu.Unlock()
	return sdkaws.ToString(out.QueueUrl), nil
}

// forget has the queue looked up again: it may have been made anew, under
// another address.
func (s *SQSCaller) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fixed {
		s.url = ""
	}
}

// result is what is kept of a message that was sent.
func result(id *string) []byte {
	data, _ := json.Marshal(map[string]*string{"message_id": id}) // a string always can be
	return data
}

// Preview shows what an attempt would send, without sending it.
func (s *SQSCaller) Preview(c pipeline.Call) (steps.Preview, error) {
	entry, _, err := message(c)
	if err != nil {
		return steps.Preview{}, err
	}
	p := steps.Preview{URL: s.resource + " in " + s.region, Line: "SendMessage to " + s.name + ", with the message attributes"}
	for _, n := range append(identity(c), named{name: "Content-Transfer-Encoding"}) {
		if v, ok := entry.MessageAttributes[n.name]; ok {
			p.Headers = append(p.Headers, steps.PreviewHeader{Name: n.name, Value: *v.StringValue})
		}
	}
	if *entry.MessageBody != string(c.Payload) {
		p.Body = []byte(*entry.MessageBody)
	}
	return p, nil
}
