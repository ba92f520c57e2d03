package awstest_test

import (
	"crypto/rand"
	"testing"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline/aws/awstest"
)

// queue is a new queue behind whatever e.SQS is.
type queue struct {
	*sqs.Client
	url *string
}

// once has the SDK make every call once: what a fault does is not hidden by a retry.
func once(cfg sdkaws.Config) sdkaws.Config {
	cfg.Retryer = func() sdkaws.Retryer { return sdkaws.NopRetryer{} }
	return cfg
}

func newQueue(t *testing.T, cfg sdkaws.Config) queue {
	t.Helper()
	real := sqs.NewFromConfig(awstest.Config(t, awstest.Emulators(t)))
	made, err := real.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: sdkaws.String("queue-" + rand.Text())})
	if err != nil {
		t.Fatal(err)
	}
	return queue{sqs.NewFromConfig(cfg), made.QueueUrl}
}

func (q queue) send(t *testing.T, body string) error {
	t.Helper()
	_, err := q.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: &body})
	return err
}

// bodies receives up to ten messages and keeps them hidden.
func (q queue) bodies(t *testing.T, wait int32) []string {
	t.Helper()
	got, err := q.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: q.url, MaxNumberOfMessages: 10, WaitTimeSeconds: wait})
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, m := range got.Messages {
		bodies = append(bodies, *m.Body)
	}
	return bodies
}

func sendBatch(ids ...string) []sqstypes.SendMessageBatchRequestEntry {
	var entries []sqstypes.SendMessageBatchRequestEntry
	for _, id := range ids {
		entries = append(entries, sqstypes.SendMessageBatchRequestEntry{Id: &id, MessageBody: sdkaws.String("body " + id)})
	}
	return entries
}

// table is a new table with keys pk and sk behind whatever e.DynamoDB is.
type table struct {
	*dynamodb.Client
	name *string
}

func newTable(t *testing.T, cfg sdkaws.Config) table {
	t.Helper()
	real := dynamodb.NewFromConfig(awstest.Config(t, awstest.Emulators(t)))
	name := sdkaws.String("table-" + rand.Text())
	key := func(name string, kind dynamotypes.KeyType) dynamotypes.KeySchemaElement {
		return dynamotypes.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	text := func(name string) dynamotypes.AttributeDefinition {
		return dynamotypes.AttributeDefinition{AttributeName: &name, AttributeType: dynamotypes.ScalarAttributeTypeS}
	}
	_, err := real.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: name, BillingMode: dynamotypes.BillingModePayPerRequest,
		KeySchema:            []dynamotypes.KeySchemaElement{key("pk", dynamotypes.KeyTypeHash), key("sk", dynamotypes.KeyTypeRange)},
		AttributeDefinitions: []dynamotypes.AttributeDefinition{text("pk"), text("sk")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return table{dynamodb.NewFromConfig(cfg), name}
}

func item(pk, sk string) map[string]dynamotypes.AttributeValue {
	return map[string]dynamotypes.AttributeValue{
		"pk": &dynamotypes.AttributeValueMemberS{Value: pk},
		"sk": &dynamotypes.AttributeValueMemberS{Value: sk},
	}
}

func (b table) put(t *testing.T, pk string) error {
	t.Helper()
	_, err := b.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: b.name, Item: item(pk, "0")})
	return err
}

func (b table) has(t *testing.T, pk string) bool {
	t.Helper()
	got, err := b.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: b.name, Key: item(pk, "0"), ConsistentRead: sdkaws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return got.Item != nil
}
