package aws

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// bill is what one try took: requests of any service, and DynamoDB's units in
// halves, because a read that may be a moment old takes half of one.
type bill struct{ requests, reads, writes int64 }

const whole = 2 // halves

// asking is a request with the wish to be told what it takes.
func asking(in any) any {
	const total = types.ReturnConsumedCapacityTotal
	switch in := in.(type) {
	case *dynamodb.GetItemInput:
		ask := *in
		ask.ReturnConsumedCapacity = total
		return &ask
	case *dynamodb.PutItemInput:
		ask := *in
		ask.ReturnConsumedCapacity = total
		return &ask
	case *dynamodb.UpdateItemInput:
		ask := *in
		ask.ReturnConsumedCapacity = total
		return &ask
	case *dynamodb.DeleteItemInput:
		ask := *in
		ask.ReturnConsumedCapacity = total
		return &ask
	case *dynamodb.QueryInput:
		ask := *in
		ask.ReturnConsumedCapacity = total
		return &ask
	case *dynamodb.BatchGetItemInput:
		ask := *in
		ask.ReturnConsumedCapacity = total
		return &ask
	case *dynamodb.BatchWriteItemInput:
		ask := *in
		ask.ReturnConsumedCapacity = total
		return &ask
	}
	return in
}

// billOf is what a try that was answered took.
func billOf(in, out any, err error) bill {
	if err != nil {
		return refusedBill(in, err)
	}
	b := bill{requests: 1}
	switch in := in.(type) {
	case *sqs.SendMessageInput:
		b.requests = chunks(len(*in.MessageBody) + attributesSize(in.MessageAttributes))
	case *sqs.SendMessageBatchInput:
		b.requests = chunks(entriesSize(in.Entries))
	case *sqs.ReceiveMessageInput:
		if out, ok := out.(*sqs.ReceiveMessageOutput); ok {
			b.requests = chunks(messagesSize(out.Messages))
		}
	default:
		b.reads, b.writes = unitsOf(in, out)
	}
	return b
}

// refusedBill is for a request that the service refused. A write whose
// condition does not hold takes what it would have taken; of the item that is
// there nothing is known, and most have less than a kilobyte.
func refusedBill(in any, err error) bill {
	b := bill{requests: 1}
	if refused(err) {
		b.writes = whole
		if put, ok := in.(*dynamodb.PutItemInput); ok {
			b.writes = writeUnits(put.Item)
		}
	}
	return b
}

// unitsOf are the units a request took by DynamoDB's own word, or by the sizes
// of items where it has none: emulators are silent about some.
func unitsOf(in, out any) (reads, writes int64) {
	switch out := out.(type) {
	case *dynamodb.GetItemOutput:
		return told(out.ConsumedCapacity, func() int64 { return readUnits(sizeOf(out.Item), strong(in)) }), 0
	case *dynamodb.QueryOutput:
		return told(out.ConsumedCapacity, func() int64 { return readUnits(sizesOf(out.Items), strong(in)) }), 0
	case *dynamodb.BatchGetItemOutput:
		return toldOfAll(out.ConsumedCapacity, func() int64 { return batchReads(in, out) }), 0
	case *dynamodb.PutItemOutput:
		return 0, told(out.ConsumedCapacity, func() int64 { return writeUnits(in.(*dynamodb.PutItemInput).Item) }) //nolint:forcetypeassert // its output
	case *dynamodb.UpdateItemOutput:
		return 0, told(out.ConsumedCapacity, func() int64 { return writeUnits(out.Attributes) })
	case *dynamodb.DeleteItemOutput:
		return 0, told(out.ConsumedCapacity, func() int64 { return whole })
	case *dynamodb.BatchWriteItemOutput:
		return 0, toldOfAll(out.ConsumedCapacity, func() int64 { return batchWrites(in, out) })
	}
	return 0, 0
}

// told is what the service says, or what else.
func told(c *types.ConsumedCapacity, or func() int64) int64 {
	if c == nil || c.CapacityUnits == nil {
		return or()
	}
	return int64(*c.CapacityUnits*whole + 0.5)
}

func toldOfAll(list []types.ConsumedCapacity, or func() int64) int64 {
	var n int64
	for i := range list {
		n += told(&list[i], func() int64 { return 0 })
	}
	if n == 0 {
		return or()
	}
	return n
}

// emptyPoll tells the answer of a poll that waited and brought nothing. One that
// did not wait asked for more beside others that had brought something.
func emptyPoll(in, out any) bool {
	asked, ok := in.(*sqs.ReceiveMessageInput)
	if !ok || asked.WaitTimeSeconds == 0 {
		return false
	}
	brought, ok := out.(*sqs.ReceiveMessageOutput)
	return ok && len(brought.Messages) == 0
}
