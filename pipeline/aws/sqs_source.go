package aws

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	sourceHide  = time.Minute     // for storing ten rows
	sourcePause = 2 * time.Second // after a failure
)

// SourceMessage is a message that others put straight on a pipeline's source
// queue. What SNS wraps around it is taken off.
type SourceMessage struct {
	ID         string // SNS's where it came through a topic, else that of SQS
	Body       []byte
	Attributes map[string]string // names as the sender wrote them
	Header     http.Header       // the same, to be looked up in any case
}

// Source reads the source queue of a pipeline.
type Source struct {
	s    *Store
	name string
	take func(ctx context.Context, ms []SourceMessage) error
	poll time.Duration
}

// Source returns the reader of a source queue. take stores messages as rows, all
// or none; what it has stored is deleted from the queue after. A crash between
// brings a message back, which its key tells for a duplicate.
func (s *Store) Source(queue string, take func(ctx context.Context, ms []SourceMessage) error) *Source {
	s.queues.isSource(queue)
	return &Source{s: s, name: queue, take: take, poll: s.cfg.Poll}
}

// Run reads until ctx ends.
func (src *Source) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := src.round(ctx); err != nil && ctx.Err() == nil {
			src.s.outage.note(src.s.log, err)
			pauseFor(ctx, sourcePause)
		}
	}
	return nil
}

// round takes what one poll brings. A batch that cannot be stored comes back.
func (src *Source) round(ctx context.Context) error {
	q, err := src.s.queues.get(ctx, src.name)
	if err != nil {
		return err
	}
	give := func(ms []types.Message) { src.giveBack(q, ms) }
	received, _, err := q.wait(ctx, q.life, src.s.queues.polling, batchMost, sourceHide, src.poll, give)
	if err != nil || len(received) == 0 {
		return err
	}
	messages := make([]SourceMessage, len(received))
	for i, m := range received {
		messages[i] = sourceMessage(m)
	}
	if err := src.take(context.WithoutCancel(ctx), messages); err != nil {
		src.giveBack(q, received)
		return err
	}
	for _, m := range received {
		q.deletes.later(sdkaws.ToString(m.ReceiptHandle))
	}
	return nil
}

// giveBack lets messages be seen again soon: somebody else may be able to store
// them.
func (src *Source) giveBack(q *queue, ms []types.Message) {
	for _, m := range ms {
		q.hides.later(hide{handle: sdkaws.ToString(m.ReceiptHandle), until: sourcePause})
	}
}

func sourceMessage(m types.Message) SourceMessage {
	out := SourceMessage{ID: sdkaws.ToString(m.MessageId), Body: []byte(sdkaws.ToString(m.Body)), Attributes: map[string]string{}, Header: http.Header{}}
	for name, v := range m.MessageAttributes {
		out.set(name, attributeText(v))
	}
	out.unwrap()
	return out
}

func attributeText(v types.MessageAttributeValue) string {
	if v.StringValue != nil {
		return *v.StringValue
	}
	return string(v.BinaryValue)
}

func (m *SourceMessage) set(name, value string) {
	m.Attributes[name] = value
	m.Header.Set(name, value)
}

// notification is what SNS puts around a message unless its subscription asks
// for raw delivery.
type notification struct {
	Type              string
	MessageID         string `json:"MessageId"`
	TopicArn          string
	Subject           string
	Message           *string
	MessageAttributes map[string]struct{ Type, Value string }
}

// snsID is what SNS calls messages. The id may become the row's key, so whatever
// else stands there is not believed.
var snsID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// unwrap takes SNS's envelope off, with all that makes one: a body that merely
// looks like one is left as it is.
func (m *SourceMessage) unwrap() {
	var n notification
	if err := json.Unmarshal(m.Body, &n); err != nil || n.Type != "Notification" || n.TopicArn == "" || !snsID.MatchString(n.MessageID) || n.Message == nil {
		return
	}
	m.ID, m.Body = n.MessageID, []byte(*n.Message)
	for name, v := range n.MessageAttributes {
		m.set(name, v.Value)
	}
	if n.Subject != "" && m.Header.Get("X-Event-Type") == "" {
		m.Header.Set("X-Event-Type", n.Subject)
	}
}
