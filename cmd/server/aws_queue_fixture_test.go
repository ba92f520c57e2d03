package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline/aws/awstest"
)

// otherQueue is a queue on the account that is not Redrive's.
type otherQueue struct {
	t      *testing.T
	client *sqs.Client
	name   string
	url    string
}

// makeQueue makes one whose name begins as everything of this test does.
func (a *account) makeQueue(t *testing.T, name string, attributes ...string) *otherQueue {
	t.Helper()
	q := &otherQueue{t: t, name: a.prefix + name,
		client: sqs.NewFromConfig(awstest.Quick(t, a.at), func(o *sqs.Options) { o.BaseEndpoint = &a.at.SQS })}
	set := map[string]string{}
	for i := 0; i < len(attributes); i += 2 {
		set[attributes[i]] = attributes[i+1]
	}
	out, err := q.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &q.name, Attributes: set})
	if err != nil {
		t.Fatal(err)
	}
	q.url = *out.QueueUrl
	return q
}

func (q *otherQueue) arn() string {
	return "arn:aws:sqs:" + awstest.Region + ":" + awstest.AccountID + ":" + q.name
}

// put sends a message with attributes, name and value in turn, and returns its id.
func (q *otherQueue) put(body string, attributes ...string) string {
	q.t.Helper()
	set := map[string]types.MessageAttributeValue{}
	for i := 0; i < len(attributes); i += 2 {
		set[attributes[i]] = types.MessageAttributeValue{DataType: new("String"), StringValue: &attributes[i+1]}
	}
	out, err := q.client.SendMessage(q.t.Context(), &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body, MessageAttributes: set})
	if err != nil {
		q.t.Fatal(err)
	}
	return *out.MessageId
}

// take receives up to ten messages and deletes them, if keep is not set.
func (q *otherQueue) take() []types.Message {
	q.t.Helper()
	out, err := q.client.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
	if err != nil {
		q.t.Fatal(err)
	}
	for _, m := range out.Messages {
		if _, err := q.client.DeleteMessage(q.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			q.t.Fatal(err)
		}
	}
	return out.Messages
}

// takes waits until a queue has had so many messages.
func (q *otherQueue) takes(n int) (list []types.Message) {
	q.t.Helper()
	eventually(q.t, "messages in "+q.name, func() int {
		list = append(list, q.take()...)
		return len(list)
	}, is(n))
	return list
}

func bodies(list []types.Message) string {
	var texts []string
	for _, m := range list {
		texts = append(texts, *m.Body)
	}
	return strings.Join(texts, " ")
}

// depth is how many messages a queue has, hidden ones too.
func (q *otherQueue) depth() int {
	q.t.Helper()
	names := []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible}
	out, err := q.client.GetQueueAttributes(q.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: names})
	if err != nil {
		q.t.Fatal(err)
	}
	sum := 0
	for _, name := range names {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			q.t.Fatal(err)
		}
		sum += n
	}
	return sum
}
