package aws

import (
	"encoding/json"
	"strconv"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// stepMessage is what lies in a step's queue: a row's id and the generation it may
// run. Requeueing a step starts a new generation, so that messages sent before
// are stale. A message that is sent again without having been tried carries on
// the receives of the one before.
type stepMessage struct {
	Row  string `json:"row"`
	Gen  int64  `json:"gen"`
	Base int    `json:"base,omitempty"`

	Letter string `json:"letter,omitempty"` // of a dead step's message in the dead-letter queue
}

// mostReceives bounds what is believed of a message that anybody may have sent.
const mostReceives = 1 << 20

func messageBody(row string, gen int64) string { return stepMessage{Row: row, Gen: gen}.encode() }

func (m stepMessage) encode() string {
	b, _ := json.Marshal(m) //nolint:errchkjson // plain values
	return string(b)
}

// received is a message of a step's queue, on its way to a delivery.
type received struct {
	stepMessage
	id, handle string
	body       string
	count      int       // receives, this one included
	first      time.Time // when it was first received
	at         time.Time // now
}

func receivedOf(m types.Message, at time.Time) received {
	r := received{id: sdkaws.ToString(m.MessageId), handle: sdkaws.ToString(m.ReceiptHandle), body: sdkaws.ToString(m.Body), at: at, count: 1}
	if n, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]); err == nil {
		r.count = min(max(n, 1), mostReceives)
	}
	if ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp)], 10, 64); err == nil {
		r.first = time.UnixMilli(ms).UTC()
	}
	if err := json.Unmarshal([]byte(r.body), &r.stepMessage); err != nil {
		r.stepMessage = stepMessage{}
	}
	r.count += min(max(r.Base, 0), mostReceives)
	return r
}

// untried is the message anew, as if this receive had not been.
func (r received) untried() string {
	m := r.stepMessage
	m.Base = r.count - 1
	return m.encode()
}

// receipt is what Settle has to know of a delivery beside the delivery itself.
type receipt struct {
	Handle   string `json:"h"`
	Message  string `json:"m"`
	Cell     string `json:"c,omitempty"` // as it was received; empty: not written down
	Gen      int64  `json:"g,omitempty"`
	Count    int    `json:"n"` // receives, those of messages before it too
	Receives int    `json:"r"` // of this message alone
	Left     int    `json:"l"` // other steps of its row that have no cell yet
	Beside   int    `json:"b"` // other steps of its row that may be processed at the same time
	Room     int    `json:"f"` // bytes the flags have for this cell and those to come
}

func (r receipt) encode() string {
	b, _ := json.Marshal(r) //nolint:errchkjson // plain values
	return string(b)
}

func parseReceipt(text string) (receipt, bool) {
	var r receipt
	err := json.Unmarshal([]byte(text), &r)
	return r, err == nil && r.Handle != ""
}
