package aws

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redrive/pipeline"
	"redrive/pipeline/steps"
)

// CauseFunction is the cause of a failure the function itself reports: there is
// no status that would say so.
const CauseFunction = "function"

// contextMost is how many bytes of context a function is given.
const contextMost = 3583

// LambdaStep is a step that invokes a function, as an operator writes it.
type LambdaStep struct {
	Function    string        // name, name:alias or ARN, also of another region
	Timeout     time.Duration // of a whole call; 0: 5 s
	Permanent   []int         // statuses of an answer not worth another try
	Concurrency int           // calls at once; that many connections stay open
}

// LambdaCaller invokes one function and waits for its answer. The payload is
// the event, byte for byte where it is JSON; what is no JSON is wrapped as
// {"content_type": ..., "payload_base64": ...}. What an HTTP step says in its
// headers stands in the custom part of the client context.
//
// An answer that is an object with a statusCode of 400 to 599, as functions
// behind an API gateway give it, is judged as that status; any other is the
// step's result.
type LambdaCaller struct {
	callee
	client   *lambda.Client
	function string
}

// NewLambdaStep checks the configuration; its error is a sentence for the
// person who wrote it.
func NewLambdaStep(a *Account, cfg LambdaStep) (*LambdaCaller, error) {
	if cfg.Function == "" {
		return nil, errors.New("the lambda of the step names no function")
	}
	resource := "function " + cfg.Function
	d, err := steps.NewDownstream(resource, cfg.Timeout, cfg.Permanent)
	if err != nil {
		return nil, err
	}
	c := callee{Downstream: d, account: a, action: "lambda:InvokeFunction", resource: resource, region: regionOf(cfg.Function, a.Region())}
	client := lambda.NewFromConfig(a.sdk, func(o *lambda.Options) {
		o.Retryer, o.Region = singleTry(), c.region
		o.HTTPClient = roomy(a.sdk.HTTPClient, cfg.Concurrency)
	})
	return &LambdaCaller{callee: c, client: client, function: cfg.Function}, nil
}

// Call makes one attempt. It returns within the step's timeout, or as soon as
// ctx ends.
func (l *LambdaCaller) Call(ctx context.Context, c pipeline.Call) pipeline.Answer {
	in, err := l.input(c)
	if err != nil {
		return steps.Verdict{Kind: steps.Permanent, ErrorKind: steps.KindRequest, Error: "no call made: " + err.Error()}.Answer()
	}
	timed, cancel := context.WithTimeout(ctx, l.Timeout())
	defer cancel()
	out, err := l.client.Invoke(timed, in)
	switch {
	case err != nil:
		return l.failed(ctx, timed, err).Answer()
	case out.FunctionError != nil:
		return l.broke(out.Payload)
	}
	if answer, ok := statusIn(out.Payload); ok {
		return l.Judge(answer, time.Now()).Answer()
	}
	return pipeline.Answer{Kind: pipeline.AnswerProcessed, StatusCode: int(out.StatusCode), Result: slices.Clone(out.Payload[:min(len(out.Payload), steps.MaxBody)])}
}

func (l *LambdaCaller) input(c pipeline.Call) (*lambda.InvokeInput, error) {
	about, err := clientContext(c)
	if err != nil {
		return nil, err
	}
	return &lambda.InvokeInput{FunctionName: &l.function, InvocationType: types.InvocationTypeRequestResponse,
		ClientContext: &about, Payload: event(c)}, nil
}

// clientContext is what the function finds in its context. All values are text,
// as the runtimes' own types want it.
func clientContext(c pipeline.Call) (string, error) {
	custom := make(map[string]string)
	for _, n := range identity(c) {
		custom[n.name] = n.value
	}
	data, err := json.Marshal(map[string]any{"custom": custom})
	if err != nil {
		return "", err
	}
	text := base64.StdEncoding.EncodeToString(data)
	if len(text) > contextMost {
		return "", errors.New("the names of row, pipeline and step are longer than the " + strconv.Itoa(contextMost) + " bytes of context a function is given")
	}
	return text, nil
}

// event is the payload if it is JSON, which is all that Lambda takes, else the
// payload in JSON.
func event(c pipeline.Call) []byte {
	if isJSON(c.Payload) {
		return c.Payload
	}
	data, _ := json.Marshal(struct { // two strings always can be
		ContentType string `json:"content_type"`
		Payload     []byte `json:"payload_base64"`
	}{c.ContentType, append([]byte{}, c.Payload...)})
	return data
}

func isJSON(payload []byte) bool { return utf8.Valid(payload) && json.Valid(payload) }

// Preview shows what an attempt would send, without sending it.
func (l *LambdaCaller) Preview(c pipeline.Call) (steps.Preview, error) {
	in, err := l.input(c)
	if err != nil {
		return steps.Preview{}, err
	}
	p := steps.Preview{URL: l.resource + " in " + l.region, Line: "Invoke " + sdkaws.ToString(in.FunctionName) + " (RequestResponse), with the client context"}
	for _, n := range identity(c) {
		p.Headers = append(p.Headers, steps.PreviewHeader{Name: n.name, Value: n.value})
	}
	if !isJSON(c.Payload) {
		p.Body = in.Payload
	}
	return p, nil
}
