package aws

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// table is the one DynamoDB table, with the few calls the backend makes of it.
// Every error it answers is the pipeline's, but for a refused condition, which
// refused tells.
type table struct {
	client *dynamodb.Client
	name   string
}

func (t *table) fail(err error, action string) error {
	if err == nil || refused(err) {
		return err
	}
	return failure(err, "dynamodb:"+action, "table "+t.name)
}

// get returns an item, nil if there is none. What any process wrote before is
// seen if strong is set; else it may be a moment old, at half the price.
func (t *table) get(ctx context.Context, pk, sk string, strong bool) (item, error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.name, Key: keyOf(pk, sk), ConsistentRead: &strong})
	if err != nil {
		return nil, t.fail(err, "GetItem")
	}
	return out.Item, nil
}

// condition is a condition expression with what it refers to.
type condition struct {
	expr   string
	names  map[string]string
	values item
}

// isNew holds for an item that does not exist yet.
func isNew() condition { return condition{expr: "attribute_not_exists(" + attrPK + ")"} }

// put writes a whole item. With a condition that does not hold the error is one
// that refused tells.
func (t *table) put(ctx context.Context, it item, conditions ...condition) error {
	in := &dynamodb.PutItemInput{TableName: &t.name, Item: it}
	for _, c := range conditions {
		in.ConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues = &c.expr, c.names, c.values
	}
	_, err := t.client.PutItem(ctx, in)
	return t.fail(err, "PutItem")
}

func (t *table) delete(ctx context.Context, pk, sk string, conditions ...condition) error {
	in := &dynamodb.DeleteItemInput{TableName: &t.name, Key: keyOf(pk, sk)}
	for _, c := range conditions {
		in.ConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues = &c.expr, c.names, c.values
	}
	_, err := t.client.DeleteItem(ctx, in)
	return t.fail(err, "DeleteItem")
}

// update changes an item and answers it as it is afterwards.
func (t *table) update(ctx context.Context, pk, sk, expr string, c condition) (item, error) {
	in := &dynamodb.UpdateItemInput{TableName: &t.name, Key: keyOf(pk, sk), UpdateExpression: &expr,
		ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values, ReturnValues: types.ReturnValueAllNew}
	if c.expr != "" {
		in.ConditionExpression = &c.expr
	}
	out, err := t.client.UpdateItem(ctx, in)
	if err != nil {
		return nil, t.fail(err, "UpdateItem")
	}
	return out.Attributes, nil
}

// query is a range of one partition.
type query struct {
	pk         string
	from, to   string // sk from and to, both included; empty: from the first, to the last
	after      string // goes on behind this sk, in the query's own direction
	descending bool
	strong     bool
	limit      int32  // items of one request; 0: as many as fit
	project    string // attributes to answer; empty: all. Only names that are no reserved words.
}

// items runs a query to its end, request by request, as long as the caller
// wants more.
func (t *table) items(ctx context.Context, q query) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		in := q.input(t.name)
		for {
			out, err := t.client.Query(ctx, in)
			if err != nil {
				yield(nil, t.fail(err, "Query"))
				return
			}
			for _, it := range out.Items {
				if !yield(it, nil) {
					return
				}
			}
			if in.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
				return
			}
		}
	}
}

func (q query) input(name string) *dynamodb.QueryInput {
	forward := !q.descending
	in := &dynamodb.QueryInput{TableName: &name, ScanIndexForward: &forward, ConsistentRead: &q.strong,
		ExpressionAttributeValues: item{":pk": str(q.pk)}}
	expr := attrPK + " = :pk"
	switch {
	case q.from != "" && q.to != "":
		expr += " AND " + attrSK + " BETWEEN :from AND :to"
	case q.from != "":
		expr += " AND " + attrSK + " >= :from"
	case q.to != "":
		expr += " AND " + attrSK + " <= :to"
	}
	if q.from != "" {
		in.ExpressionAttributeValues[":from"] = str(q.from)
	}
	if q.to != "" {
		in.ExpressionAttributeValues[":to"] = str(q.to)
	}
	in.KeyConditionExpression = &expr
	if q.after != "" {
		in.ExclusiveStartKey = keyOf(q.pk, q.after)
	}
	if q.limit > 0 {
		in.Limit = &q.limit
	}
	if q.project != "" {
		in.ProjectionExpression = &q.project
	}
	return in
}

// all collects a query.
func (t *table) all(ctx context.Context, q query) ([]item, error) {
	var list []item
	for it, err := range t.items(ctx, q) {
		if err != nil {
			return nil, err
		}
		list = append(list, it)
	}
	return list, nil
}

const (
	batchGetMost   = 100
	batchWriteMost = 25
	batchPause     = 50 * time.Millisecond // before what a batch left over is asked again; doubles
	batchPauseMost = 2 * time.Second
)

// getMany returns the items of many keys, in no order; those that do not exist
// are missing.
func (t *table) getMany(ctx context.Context, keys []item, strong bool) ([]item, error) {
	var found []item
	for len(keys) > 0 {
		n := min(len(keys), batchGetMost)
		ask := keys[:n]
		keys = keys[n:]
		for wait := batchPause; len(ask) > 0; {
			list := make([]map[string]types.AttributeValue, len(ask))
			for i := range ask {
				list[i] = ask[i]
			}
			out, err := t.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
				t.name: {Keys: list, ConsistentRead: &strong}}})
			if err != nil {
				return nil, t.fail(err, "BatchGetItem")
			}
			for _, it := range out.Responses[t.name] {
				found = append(found, it)
			}
			ask = ask[:0:0]
			for _, k := range out.UnprocessedKeys[t.name].Keys {
				ask = append(ask, k)
			}
			if err := t.pause(ctx, len(ask), &wait, "BatchGetItem"); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// write is one write of a batch: a whole item, or the key of one to delete.
type write struct {
	put    item
	delete item
}

// writeMany makes many unconditional writes, in no order. What the service
// leaves over is written again until ctx ends.
func (t *table) writeMany(ctx context.Context, writes []write) error {
	for len(writes) > 0 {
		n := min(len(writes), batchWriteMost)
		if err := t.writeBatch(ctx, writes[:n]); err != nil {
			return err
		}
		writes = writes[n:]
	}
	return nil
}

func (t *table) writeBatch(ctx context.Context, writes []write) error {
	requests := make([]types.WriteRequest, len(writes))
	for i, w := range writes {
		if w.put != nil {
			requests[i].PutRequest = &types.PutRequest{Item: w.put}
		} else {
			requests[i].DeleteRequest = &types.DeleteRequest{Key: w.delete}
		}
	}
	for wait := batchPause; len(requests) > 0; {
		out, err := t.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{t.name: requests}})
		if err != nil {
			return t.fail(err, "BatchWriteItem")
		}
		requests = out.UnprocessedItems[t.name]
		if err := t.pause(ctx, len(requests), &wait, "BatchWriteItem"); err != nil {
			return err
		}
	}
	return nil
}

// createMany writes items that do not exist yet, in no order. A batch is tried
// once: what it may have written somebody may have changed by the time of another
// try, so that each item is then written only where there is none.
func (t *table) createMany(ctx context.Context, writes []write) error {
	for len(writes) > 0 {
		n := min(len(writes), batchWriteMost)
		if err := t.createBatch(ctx, writes[:n]); err != nil {
			return err
		}
		writes = writes[n:]
	}
	return nil
}

func (t *table) createBatch(ctx context.Context, writes []write) error {
	requests := make([]types.WriteRequest, len(writes))
	for i, w := range writes {
		requests[i].PutRequest = &types.PutRequest{Item: w.put}
	}
	out, err := t.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{t.name: requests}},
		func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
	var left []item
	if err != nil {
		for _, w := range writes {
			left = append(left, w.put)
		}
	} else {
		for _, r := range out.UnprocessedItems[t.name] {
			left = append(left, r.PutRequest.Item)
		}
	}
	errs := make([]error, len(left))
	allAtOnce(len(left), func(i int) {
		if err := t.put(ctx, left[i], isNew()); !refused(err) {
			errs[i] = err
		}
	})
	return errors.Join(errs...)
}

// pause waits before what was left over is asked for again.
func (t *table) pause(ctx context.Context, left int, wait *time.Duration, action string) error {
	if left == 0 {
		return nil
	}
	timer := time.NewTimer(*wait)
	defer timer.Stop()
	*wait = min(2**wait, batchPauseMost)
	select {
	case <-ctx.Done():
		return t.fail(ctx.Err(), action)
	case <-timer.C:
		return nil
	}
}

// expiry is the TTL attribute of something that may go at a time.
func expiry(t time.Time) types.AttributeValue { return num(t.Unix() + 1) }
