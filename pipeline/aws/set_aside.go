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
// dead-letter queue, with the reason. Sent first, deleted after: a crash between
// leaves it in both, and it is set aside again.
func (s *Store) setAside(ctx context.Context, q *queue, m received, reason string) error {
	dead, err := s.queues.get(ctx, q.name+"-dlq")
	if err != nil {
		return err
	}
	body := m.body
	if body == "" {
		body = "(empty)"
	}
	text := func(v string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: sdkaws.String("String"), StringValue: sdkaws.String(v)}
	}
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &dead.url, MessageBody: &body, MessageAttributes: map[string]types.MessageAttributeValue{
		reasonAttribute: text(reason), fromAttribute: text(q.name), countAttribute: text(strconv.Itoa(m.count)),
		"Redrive-Set-Aside": text(time.Now().UTC().Format(time.RFC3339))}})
	if err != nil {
		return dead.fail(err, "SendMessage")
	}
	s.log.WarnContext(ctx, "a message was set aside", "queue", q.name, "message", m.id, "to", dead.name, "reason", reason)
	q.deletes.later(m.handle)
	return nil
}
