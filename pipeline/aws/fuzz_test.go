package aws

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Ids and cursors are what this package wrote, or none; either way they never
// lead out of their partition.
func FuzzParseID(f *testing.F) {
	at := time.UnixMilli(1_780_000_000_000)
	for _, seed := range []string{newRowID("p", at, 3).text, firstID(0), firstID(math.MaxInt64), "", strings.Repeat("z", idLength), strings.Repeat("0", idLength-1) + "1",
		auditTime(at) + "-" + strings.Repeat("0", idLength), "0494444#07", "1#", "-1#-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, ok := parseID(text); ok {
			if id.text != text || id.ms < 0 || id.hash >= 1<<20 || id.shard < 0 || id.shard >= mostShards || strings.ContainsAny(text, "#-") {
				t.Errorf("%q is read as %+v", text, id)
			}
			if p, ok := parsePartition("p", id.partition().sk()); !ok || p.hour != id.partition().hour || p.shard != id.shard {
				t.Errorf("%q lies in %+v, which is read as %+v", text, id.partition(), p)
			}
		}
		if isAuditKey(text) && (len(text) > 100 || strings.Trim(text, "0123456789abcdefghjkmnpqrstvwxyz-") != "") {
			t.Errorf("%q is taken for an entry", text)
		}
		if isCopyKey(text) && (len(text) > 200 || !utf8.ValidString(text)) {
			t.Errorf("%q is taken for a copy", text)
		}
		parsePartition("p", text)
	})
}

// A cell that can be read is written the same way, and shown without harm.
func FuzzCell(f *testing.F) {
	for _, c := range []cell{{}, {State: cellQueued, Gen: 3, Due: 5}, {State: cellDead, Attempts: 2, Dead: &grave{ID: "x", Error: "e"}, Last: &last{Outcome: "dead", Error: "e\x00", Result: []byte{0xff}}},
		{State: cellProcessed, Quiet: true, Last: &last{Text: "{}", Kept: true}}} {
		f.Add(c.encode())
	}
	for _, seed := range []string{"", "null", "[]", `{"s":7}`, `{"s":"?","l":{},"d":{}}`, `{"t":9223372036854775807,"du":-9223372036854775808}`, `{"l":{"d":9223372036854775807}}`,
		`{"l":{"r":""}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		c, ok := parseCell(raw)
		if !ok {
			return
		}
		again, ok := parseCell(c.encode())
		if !ok || c.encode() != again.encode() && utf8.ValidString(raw) {
			t.Errorf("%q is %+v, read again %+v", raw, c, again)
		}
		c.flag("s")
		c.attempt("s")
		if c.Last != nil {
			c.Last.result()
		}
	})
}

// What lies in a step's queue may have been put there by anybody who may send.
func FuzzStepMessage(f *testing.F) {
	for _, seed := range []string{messageBody("row", 3), `{"row":"r","base":9223372036854775807}`, `{"row":"r","base":-5,"gen":-1}`, "null", "[", `{"row":{}}`} {
		f.Add(seed, "1", "1780000000000")
	}
	f.Add("{}", "-1", "x")
	f.Add(`{"base":1}`, "9223372036854775807", "9223372036854775807")
	f.Fuzz(func(t *testing.T, body, count, first string) {
		r := receivedOf(types.Message{Body: &body, Attributes: map[string]string{"ApproximateReceiveCount": count, "ApproximateFirstReceiveTimestamp": first}}, time.Now())
		if r.count < 1 {
			t.Errorf("%q received %q times: %d", body, count, r.count)
		}
		if !json.Valid([]byte(r.untried())) {
			t.Errorf("%q anew: %q", body, r.untried())
		}
		parseReceipt(body)
	})
}

// What comes by a source queue has an id and a body, whatever is in it.
func FuzzSourceMessage(f *testing.F) {
	f.Add(`{"Type":"Notification","MessageId":"m","TopicArn":"arn:t","Message":"hello","Subject":"s","MessageAttributes":{"X-Id":{"Type":"String","Value":"k"}}}`, "Content-Type", "text/plain")
	f.Add(`{"Type":"Notification","MessageId":"`+strings.Repeat("m", 600)+`","TopicArn":"t","Message":""}`, "", "")
	f.Add(`{"Type":"Notification","MessageId":"\u0000","TopicArn":"t","Message":null}`, "X:Y", "\xff")
	f.Add(strings.Repeat(`{"Message":`, 20_000), "a", "b")
	f.Fuzz(func(t *testing.T, body, name, value string) {
		m := sourceMessage(types.Message{MessageId: sdkaws.String("sqs-id"), Body: &body,
			MessageAttributes: map[string]types.MessageAttributeValue{name: {StringValue: &value}}})
		if m.ID == "" || m.Body == nil || m.Attributes == nil || m.Header == nil {
			t.Errorf("%q: %+v", body, m)
		}
		if len(m.ID) > 512 || !utf8.ValidString(m.ID) || strings.ContainsRune(m.ID, 0) {
			t.Errorf("%q: the id %q cannot be a key", body, m.ID)
		}
	})
}

// A function's answer is judged by its status, or is the result as it stands.
func FuzzLambdaAnswer(f *testing.F) {
	for _, seed := range []string{`{"statusCode":503,"headers":{"Retry-After":5},"body":"later"}`, `{"statusCode":"400","body":{}}`, `{"statusCode":400,"isBase64Encoded":true,"body":"!"}`,
		`{"errorType":"x","errorMessage":"y\u0000"}`, "null", "[]", `{"statusCode":4e2}`, `{"statusCode":400,"headers":{"\n":"\n"}}`, ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if r, ok := statusIn(payload); ok && (r.StatusCode < 400 || r.StatusCode > 599 || r.Header == nil) {
			t.Errorf("%q: %+v", payload, r)
		}
		a := (&LambdaCaller{callee: callee{resource: "function f"}}).broke(payload)
		if a.Error == "" || !utf8.ValidString(a.Error) || len(a.Error) > 10_000 {
			t.Errorf("%q: %q", payload, a.Error)
		}
	})
}
