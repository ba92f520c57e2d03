package awstest

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// LambdaFake calls functions of the test.
type LambdaFake struct {
	*Server

	mu          sync.Mutex
	invocations []Invocation
}

// Invocation is one call of a function that Lambda let through.
type Invocation struct {
	Function string
	Payload  []byte
	Type     string // RequestResponse, Event or DryRun
}

// LambdaAnswer is how an invocation goes.
type LambdaAnswer struct {
	Payload       []byte
	FunctionError string  // "Unhandled" or "Handled": the function was called and failed; the payload says how
	Refusal       Refusal // of Lambda, which did not call the function; the zero one: it did
	RetryAfter    string  // seconds; beside a refusal
}

// Lambda starts a fake that ends with the test and has invoke do every
// invocation that gets through. Several may be at it at once.
func Lambda(t testing.TB, invoke func(name string, payload []byte) LambdaAnswer) *LambdaFake {
	t.Helper()
	f := &LambdaFake{}
	f.Server = serve(t, nameLambda, func(c *Call) *Answer { return f.answer(c, invoke) })
	return f
}

// TooManyRequests is Lambda's throttle. Retry-After is left out if it is "".
func TooManyRequests(retryAfter string) LambdaAnswer {
	return LambdaAnswer{Refusal: Refusal{429, "TooManyRequestsException", "Rate Exceeded."}, RetryAfter: retryAfter}
}

// NoSuchFunction is Lambda's answer for a name that it does not know.
func NoSuchFunction(name string) LambdaAnswer {
	return LambdaAnswer{Refusal: Refusal{404, "ResourceNotFoundException", "Function not found: " + arn("lambda", "function:"+name)}}
}

// Invocations lists those that got through, oldest first.
func (f *LambdaFake) Invocations() []Invocation {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Invocation(nil), f.invocations...)
}

func (f *LambdaFake) answer(c *Call, invoke func(string, []byte) LambdaAnswer) *Answer {
	in := Invocation{Function: functionOf(c), Payload: c.Body, Type: c.Header.Get("X-Amz-Invocation-Type")}
	if in.Function == "" {
		return refuseREST(c, Refusal{404, "UnknownOperationException", "The fake of Lambda does not know " + c.path + "."})
	}
	f.mu.Lock()
	f.invocations = append(f.invocations, in)
	f.mu.Unlock()
	return in.answer(c, invoke(in.Function, in.Payload))
}

func (in Invocation) answer(c *Call, says LambdaAnswer) *Answer {
	if says.Refusal.Status != 0 {
		a := refuseREST(c, says.Refusal)
		if says.RetryAfter != "" {
			a.Header.Set("Retry-After", says.RetryAfter)
		}
		return a
	}
	a := &Answer{Status: 200, Header: http.Header{"Content-Type": {"application/json"}, "X-Amz-Executed-Version": {"$LATEST"}}, Body: says.Payload}
	switch in.Type {
	case "Event":
		a.Status, a.Body = 202, nil
	case "DryRun":
		a.Status, a.Body = 204, nil
	default:
		if says.FunctionError != "" {
			a.Header.Set("X-Amz-Function-Error", says.FunctionError)
		}
	}
	return a
}

// functionOf reads the name from /2015-03-31/functions/NAME/invocations; "" if the path is another.
func functionOf(c *Call) string {
	name, ok := strings.CutPrefix(c.path, "/2015-03-31/functions/")
	name, invokes := strings.CutSuffix(name, "/invocations")
	if !ok || !invokes {
		return ""
	}
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return name
}

func nameLambda(c *Call) {
	c.Action, c.Target = "Invoke", "Lambda.Invoke"
	c.service = &service{
		refuse:     refuseREST,
		throttling: []Refusal{{429, "TooManyRequestsException", "Rate Exceeded."}},
		broken:     Refusal{500, "ServiceException", "An error occurred and the request cannot be processed."},
		denied: func(c *Call) Refusal {
			return Refusal{403, "AccessDeniedException", notAuthorized("lambda:InvokeFunction", arn("lambda", "function:"+functionOf(c)))}
		},
	}
}

// refuseREST names the error in a header.
func refuseREST(_ *Call, r Refusal) *Answer {
	side := "User"
	if r.Status >= 500 {
		side = "Service"
	}
	text := "Message"
	if r.Code == "TooManyRequestsException" {
		text = "message" // the wire's own spelling
	}
	return &Answer{Status: r.Status, Header: http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {r.Code}},
		Body: mustJSON(map[string]string{"Type": side, text: r.Message})}
}
