package awstest

import "encoding/json"

// LeaveUnprocessed leaves out every nth request of DynamoDB's BatchWriteItem and
// every nth key of BatchGetItem, counted over all calls that it strikes: the
// service does not get to see it, and answers 200 with it unprocessed. An n of
// 1 leaves out all.
func LeaveUnprocessed(n int) Harm {
	var count turns
	return func(next Handle) Handle {
		return func(c *Call) *Answer {
			b := dynamoBatch{gets: c.Action == "BatchGetItem"}
			if !b.gets && c.Action != "BatchWriteItem" {
				return next(c)
			}
			return b.leave(c, next, func() bool { return count.next()%n == n-1 })
		}
	}
}

// dynamoBatch is one of the two batches. What a writing one asks of a table is a
// list; what a getting one asks has the list in Keys, beside what to read.
type dynamoBatch struct{ gets bool }

func (b dynamoBatch) leave(c *Call, next Handle, chosen func() bool) *Answer {
	var request, tables map[string]json.RawMessage
	if json.Unmarshal(c.Body, &request) != nil || json.Unmarshal(request["RequestItems"], &tables) != nil {
		return next(c)
	}
	passed, left := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for table, items := range tables {
		list, shape := b.open(items)
		var in, out []json.RawMessage
		for _, item := range list {
			if chosen() {
				out = append(out, item)
			} else {
				in = append(in, item)
			}
		}
		if len(in) > 0 {
			passed[table] = shape(in)
		}
		if len(out) > 0 {
			left[table] = shape(out)
		}
	}
	if len(passed) == 0 {
		return b.addLeft(answerJSON(200, map[string]any{}), left)
	}
	request["RequestItems"] = mustJSON(passed)
	return b.addLeft(next(c.with(mustJSON(request))), left)
}

// open returns the list in what is asked of a table, and how to put another in its place.
func (b dynamoBatch) open(items json.RawMessage) (list []json.RawMessage, shape func([]json.RawMessage) json.RawMessage) {
	if !b.gets {
		_ = json.Unmarshal(items, &list)
		return list, func(l []json.RawMessage) json.RawMessage { return mustJSON(l) }
	}
	var read map[string]json.RawMessage
	_ = json.Unmarshal(items, &read)
	_ = json.Unmarshal(read["Keys"], &list)
	return list, func(l []json.RawMessage) json.RawMessage {
		read["Keys"] = mustJSON(l)
		return mustJSON(read)
	}
}

// addLeft puts what was left out beside what the service itself did not process.
func (b dynamoBatch) addLeft(a *Answer, left map[string]json.RawMessage) *Answer {
	var answer, own map[string]json.RawMessage
	if a == nil || a.Status != 200 || json.Unmarshal(a.Body, &answer) != nil {
		return a
	}
	name := "UnprocessedItems"
	if b.gets {
		name = "UnprocessedKeys"
	}
	_ = json.Unmarshal(answer[name], &own)
	for table, items := range own {
		list, shape := b.open(items)
		more, _ := b.open(left[table])
		left[table] = shape(append(list, more...))
	}
	answer[name] = mustJSON(left)
	return answerJSON(200, answer)
}
