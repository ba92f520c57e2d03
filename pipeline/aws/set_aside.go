package aws

import (
	"context"
	"strconv"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// The attributes of a message in a dead-letter queue that says why it is there.
const (
	reasonAttribute = "Redrive-Reason"
	fromAttribute   = "Redrive-Queue"
	countAttribute  = "Redrive-Receives"
)

// setAside moves a message that is no row out of the way: into the queue's
// dead-letter queue, with the reason. If that cannot be, it comes back, and SQS
// itself moves it there in the end.
func (s *Store) setAside(ctx context.Context, q *queue, m received, reason string) {
	err := s.moveAside(ctx, q, m, reason)
	if err != nil {
		s.outage.note(s.log, err)
		q.hides.later(hide{handle: m.handle, until: unreadFor})
		return
	}
	s.log.WarnContext(ctx, "a message was set aside", "queue", q.name, "message", m.id, "reason", reason)
}

// moveAside sends first and deletes after: a crash between leaves the message in
// both queues, and it is set aside again.
func (s *Store) moveAside(ctx context.Context, q *queue, m received, reason string) error {
	dead, err := s.queues.get(ctx, q.name+"-dlq")
	if err != nil {
		return err
	}
	in := &sqs.SendMessageInput{QueueUrl: &dead.url, MessageBody: &m.body}
	if m.body == "" {
		in.MessageBody = sdkaws.String("(empty)")
	}
	if len(m.body) < messageMost-attributesMost { // one that fills a message has no room for a reason
		in.MessageAttributes = map[string]types.MessageAttributeValue{reasonAttribute: textAttribute(reason), fromAttribute: textAttribute(q.name),
			countAttribute: textAttribute(strconv.Itoa(m.count)), "Redrive-Set-Aside": textAttribute(time.Now().UTC().Format(time.RFC3339))}
	}
	if _, err := q.client.SendMessage(ctx, in); err != nil {
		return dead.fail(err, "SendMessage")
	}
	q.deletes.later(m.handle)
	return nil
}

const attributesMost = 4 << 10 // bytes of the attributes above, at most

func textAttribute(v string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: sdkaws.String("String"), StringValue: sdkaws.String(v)}
}
