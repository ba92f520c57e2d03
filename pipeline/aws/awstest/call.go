package awstest

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
)

// Call is one request to a service.
type Call struct {
	Action string // "UpdateItem"
	Target string // the longer name: "DynamoDB_20120810.UpdateItem"
	Header http.Header
	Body   []byte

	service *service
	ctx     context.Context
	host    string
	path    string
}

// Answer is what a service answers a call.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Handle answers a call. A nil answer cuts the connection.
type Handle func(*Call) *Answer

// Refusal is an error of a service.
type Refusal struct {
	Status  int
	Code    string
	Message string
}

// Error makes a refusal what an action of a fake can return.
func (r Refusal) Error() string { return r.Code + ": " + r.Message }

// is tells whether a call is of an action: "UpdateItem",
// "DynamoDB_20120810.UpdateItem", or "" for any.
func (c *Call) is(action string) bool {
	return action == "" || action == c.Action || action == c.Target
}

// Refuse words an error as the call's service does.
func (c *Call) Refuse(r Refusal) *Answer { return c.service.refuse(c, r) }

// with returns the call with another body.
func (c *Call) with(body []byte) *Call {
	changed := *c
	changed.Body = body
	return &changed
}

// service is what differs between services.
type service struct {
	refuse     func(c *Call, r Refusal) *Answer // words an error
	throttling []Refusal                        // the codes it has for too many requests
	broken     Refusal
	denied     func(c *Call) Refusal
}

// notAuthorized words a denial as IAM does.
func notAuthorized(action, resource string) string {
	if resource != "" {
		resource = " on resource: " + resource
	}
	return "User: arn:aws:iam::" + AccountID + ":user/test is not authorized to perform: " + action + resource +
		" because no identity-based policy allows the " + action + " action"
}

// arn names a resource of the tests' account.
func arn(service, resource string) string {
	return "arn:aws:" + service + ":" + Region + ":" + AccountID + ":" + resource
}

// mustJSON is for what came out of JSON, and for texts.
func mustJSON(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// turns counts calls that may come at once.
type turns struct{ n atomic.Int64 }

func (t *turns) next() int { return int(t.n.Add(1) - 1) }
