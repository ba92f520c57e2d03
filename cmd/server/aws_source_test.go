package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const ordersFrom = `  orders:
    intake: {idempotency_key: "header:X-Order-Id", schema: schemas/order.json, max_bytes: 2000, source_queue: SOURCE}
    steps:
      - {name: keep, http: {url: "${DOWNSTREAM}/keep"}}
`

// What others put straight on a queue becomes rows: as it is, wrapped by SNS,
// or an event of EventBridge; each once.
func TestAWSSourceQueue(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.write("schemas/order.json", `{"type":"object","not":{"required":["broken"]}}`)
	inbox := p.aws.makeQueue(t, "inbox", "VisibilityTimeout", "2")
	p.start(configuration([]string{step("call")}, strings.Replace(ordersFrom, "SOURCE", inbox.name, 1)))

	raw, keyless := `{"n":1}`, `{"n":2,"no":"key"}`
	wrapped := `{"n":3,"by":"SNS"}`
	event := `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"Order Placed","source":"shop","detail":{"n":4}}`
	inbox.put(raw, "X-Order-Id", "o-1")
	inbox.put(raw, "X-Order-Id", "o-1") // sent twice
	keylessID := inbox.put(keyless)
	notification, err := json.Marshal(map[string]any{"Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": "arn:aws:sns:eu-west-1:000000000000:orders",
		"Message": wrapped, "MessageAttributes": map[string]any{"X-Order-Id": map[string]string{"Type": "String", "Value": "o-3"}}})
	if err != nil {
		t.Fatal(err)
	}
	inbox.put(string(notification))
	inbox.put(event)
	inbox.put(`{"broken":true}`, "X-Order-Id", "o-5")
	inbox.put(`{"large":"`+strings.Repeat("x", 3000)+`"}`, "X-Order-Id", "o-6")

	rows := func() []rowDoc { return read[rowsDoc](p, "/api/v1/rows?pipeline=orders&limit=500").Rows }
	list := eventually(t, "rows", rows, func(list []rowDoc) bool {
		over := 0
		for _, r := range list {
			if r.Status == "done" || r.Status == "rejected" {
				over++
			}
		}
		return over == 6
	})
	found := map[string]rowDoc{}
	for _, r := range list {
		whole := p.row(r.ID)
		found[string(whole.Payload)] = whole
	}
	for _, payload := range []string{raw, keyless, wrapped, event} {
		row := found[payload]
		equal(t, "status of "+payload, row.Status, "done")
		calls := p.down.seen("keep", row.ID)
		if len(calls) != 1 || string(calls[0].body) != payload {
			t.Errorf("the downstream was sent %d messages for %s", len(calls), payload)
		}
	}
	equal(t, "status of what breaks the schema", found[`{"broken":true}`].Status, "rejected")
	equal(t, "rejected rows", eventually(t, "counters", func() int { return len(read[rowsDoc](p, "/api/v1/rows?pipeline=orders&status=rejected").Rows) }, is(2)), 2)

	again := decode[takenDoc](p.send(http.MethodPost, "/ingest/orders", `{"n":9}`, "X-Order-Id", "o-3").want(http.StatusAccepted))
	equal(t, "the same key by HTTP", again, takenDoc{ID: found[wrapped].ID, Duplicate: true})
	again = decode[takenDoc](p.send(http.MethodPost, "/ingest/orders", `{"n":9}`, "X-Order-Id", keylessID).want(http.StatusAccepted))
	equal(t, "the id of a message that had no key", again, takenDoc{ID: found[keyless].ID, Duplicate: true})
	eventually(t, "the queue to be empty", inbox.depth, is(0))
}

// A message that cannot be stored stays where it is, and is stored later, once.
func TestAWSSourceQueueWithoutDynamoDB(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.write("schemas/order.json", `{"type":"object"}`)
	inbox := p.aws.makeQueue(t, "inbox", "VisibilityTimeout", "2")
	p.start(configuration([]string{step("call")}, strings.Replace(ordersFrom, "SOURCE", inbox.name, 1)))
	p.aws.dynamodb.SetDown(true)
	for range 3 {
		inbox.put(`{"n":1}`)
	}
	p.aws.sqs.Forget()
	eventually(t, "a try to store them", func() int { return p.aws.sqs.Count("ChangeMessageVisibilityBatch") }, atLeast(1))
	equal(t, "deleted", p.aws.sqs.Count("DeleteMessageBatch"), 0)
	p.aws.dynamodb.SetDown(false)
	eventually(t, "rows", func() int { return len(read[rowsDoc](p, "/api/v1/rows?pipeline=orders&status=done").Rows) }, is(3))
	eventually(t, "the queue to be empty", inbox.depth, is(0))
	equal(t, "calls", p.down.count("keep"), 3)
}
