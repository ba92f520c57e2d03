package aws

import (
	"strings"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	chunkSize = 64 << 10 // of payload, for which SQS bills one request
	writeSize = 1 << 10  // of an item, for which DynamoDB bills one write unit
	readSize  = 4 << 10  // and one read unit
)

// parts is how many parts of a size something makes, at least one.
func parts(n, size int) int64 { return int64(max((n+size-1)/size, 1)) }

func chunks(n int) int64 { return parts(n, chunkSize) }

func entriesSize(entries []sqstypes.SendMessageBatchRequestEntry) int {
	n := 0
	for i := range entries {
		n += len(sdkaws.ToString(entries[i].MessageBody)) + attributesSize(entries[i].MessageAttributes)
	}
	return n
}

func messagesSize(messages []sqstypes.Message) int {
	n := 0
	for i := range messages {
		n += len(sdkaws.ToString(messages[i].Body)) + attributesSize(messages[i].MessageAttributes)
	}
	return n
}

func attributesSize(attributes map[string]sqstypes.MessageAttributeValue) int {
	n := 0
	for name, v := range attributes {
		n += len(name) + len(sdkaws.ToString(v.DataType)) + len(sdkaws.ToString(v.StringValue)) + len(v.BinaryValue)
	}
	return n
}

// writeUnits and readUnits are in halves, as bill is.
func writeUnits(it map[string]types.AttributeValue) int64 {
	return whole * parts(sizeOf(it), writeSize)
}

func readUnits(size int, strong bool) int64 {
	if strong {
		return whole * parts(size, readSize)
	}
	return parts(size, readSize)
}

// strong tells whether a read must see every write before it.
func strong(in any) bool {
	switch in := in.(type) {
	case *dynamodb.GetItemInput:
		return sdkaws.ToBool(in.ConsistentRead)
	case *dynamodb.QueryInput:
		return sdkaws.ToBool(in.ConsistentRead)
	}
	return false
}

// batchReads counts each item by itself, also one that does not exist.
func batchReads(in any, out *dynamodb.BatchGetItemOutput) int64 {
	asked, ok := in.(*dynamodb.BatchGetItemInput)
	if !ok {
		return 0
	}
	var n int64
	for table, keys := range asked.RequestItems {
		strong := sdkaws.ToBool(keys.ConsistentRead)
		for _, it := range out.Responses[table] {
			n += readUnits(sizeOf(it), strong)
		}
		missing := len(keys.Keys) - len(out.UnprocessedKeys[table].Keys) - len(out.Responses[table])
		n += int64(max(missing, 0)) * readUnits(0, strong)
	}
	return n
}

// batchWrites leaves out what the service has left over.
func batchWrites(in any, out *dynamodb.BatchWriteItemOutput) int64 {
	asked, ok := in.(*dynamodb.BatchWriteItemInput)
	if !ok {
		return 0
	}
	var n int64
	for table, writes := range asked.RequestItems {
		n += requestsUnits(writes) - requestsUnits(out.UnprocessedItems[table])
	}
	return max(n, 0)
}

func requestsUnits(writes []types.WriteRequest) int64 {
	var n int64
	for _, w := range writes {
		if w.PutRequest != nil {
			n += writeUnits(w.PutRequest.Item)
		} else {
			n += whole // how large the item was, nobody says
		}
	}
	return n
}

// sizeOf is the size of an item as DynamoDB documents it: names and values, a
// number about a byte for two digits.
func sizeOf(it map[string]types.AttributeValue) int {
	n := 0
	for name, v := range it {
		n += len(name) + valueSize(v)
	}
	return n
}

func sizesOf(items []map[string]types.AttributeValue) int {
	n := 0
	for _, it := range items {
		n += sizeOf(it)
	}
	return n
}

func valueSize(v types.AttributeValue) int {
	const frame = 3 // of a list or a map, and one for each member
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return 1 + (len(strings.Trim(v.Value, "-0."))+1)/2
	case *types.AttributeValueMemberL:
		n := frame
		for _, member := range v.Value {
			n += 1 + valueSize(member)
		}
		return n
	case *types.AttributeValueMemberM:
		return frame + len(v.Value) + sizeOf(v.Value)
	}
	return 1
}
