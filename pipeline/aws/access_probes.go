package aws

import (
	"context"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// tableProbes read and write a key that never exists, on the condition that it
// does.
func (p *Provisioner) tableProbes() []probe {
	key := keyOf("access", "probe")
	exists := "attribute_exists(" + attrPK + ")"
	name := &p.names.table
	client := dynamodb.New(p.dynamodb.Options(), func(o *dynamodb.Options) { o.Retryer = sdkaws.NopRetryer{} })
	ask := func(action string, do func(context.Context) error) probe {
		return probe{"dynamodb:" + action, p.tableResource(), do}
	}
	return []probe{
		ask("GetItem", func(ctx context.Context) error {
			_, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: name, Key: key})
			return err
		}),
		ask("BatchGetItem", func(ctx context.Context) error {
			_, err := client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]dynamotypes.KeysAndAttributes{
				p.names.table: {Keys: []map[string]dynamotypes.AttributeValue{key}}}})
			return err
		}),
		ask("Query", func(ctx context.Context) error {
			_, err := client.Query(ctx, query{pk: "access", limit: 1}.input(p.names.table))
			return err
		}),
		ask("PutItem", func(ctx context.Context) error {
			_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: key, ConditionExpression: &exists})
			return err
		}),
		ask("UpdateItem", func(ctx context.Context) error {
			_, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: name, Key: key, ConditionExpression: &exists})
			return err
		}),
		ask("DeleteItem", func(ctx context.Context) error {
			_, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: name, Key: key, ConditionExpression: &exists})
			return err
		}),
		ask("BatchWriteItem", func(ctx context.Context) error {
			_, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]dynamotypes.WriteRequest{
				p.names.table: {{DeleteRequest: &dynamotypes.DeleteRequest{Key: key}}}}})
			return err
		}),
	}
}

// tooMany is more messages than one receive may ask for, so that none comes.
const tooMany = 11

// queueProbes send empty batches, which SQS refuses. Workers take from the
// queues of steps, consoles from source queues, and nobody sends to those.
func (p *Provisioner) queueProbes(ctx context.Context, name string, sends, takes bool) ([]probe, error) {
	address, err := p.queueURL(ctx, name)
	if err != nil || address == "" {
		return nil, err // one that is missing was named already
	}
	client := p.askOnce(p.region)
	ask := func(action string, do func(context.Context) error) probe {
		return probe{"sqs:" + action, "queue " + name, do}
	}
	probes := []probe{ask("GetQueueAttributes", func(ctx context.Context) error {
		_, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &address,
			AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages}})
		return err
	})}
	if sends {
		probes = append(probes, p.sendProbe(name, address))
	}
	if !takes {
		return probes, nil
	}
	return append(probes,
		ask("ReceiveMessage", func(ctx context.Context) error {
			_, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &address, MaxNumberOfMessages: tooMany, VisibilityTimeout: 1, WaitTimeSeconds: 1})
			return err
		}),
		ask("DeleteMessage", func(ctx context.Context) error {
			_, err := client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &address, Entries: []sqstypes.DeleteMessageBatchRequestEntry{}})
			return err
		}),
		ask("ChangeMessageVisibility", func(ctx context.Context) error {
			_, err := client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &address,
				Entries: []sqstypes.ChangeMessageVisibilityBatchRequestEntry{}})
			return err
		})), nil
}

func (p *Provisioner) sendProbe(name, address string) probe {
	return probe{"sqs:SendMessage", "queue " + name, func(ctx context.Context) error {
		_, err := p.askOnce(p.region).SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &address, Entries: []sqstypes.SendMessageBatchRequestEntry{}})
		return err
	}}
}

// askOnce is a client that takes the first answer: what is asked fails by
// intention, and waiting for better luck helps nobody.
func (p *Provisioner) askOnce(region string) *sqs.Client {
	return sqs.New(p.sqs.Options(), func(o *sqs.Options) { o.Region, o.Retryer = region, sdkaws.NopRetryer{} })
}
