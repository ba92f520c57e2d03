package aws

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
	"redrive/pipeline/steps"
)

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func callOf(payload string) pipeline.Call {
	return pipeline.Call{Row: "r1", Pipeline: "p", Step: "resize", Attempt: 3, ContentType: "application/json", Trace: trace, Payload: []byte(payload)}
}

// resize is a step over a function that answers as it is told.
func resize(t *testing.T, says awstest.LambdaAnswer) (*awstest.LambdaFake, *LambdaCaller) {
	t.Helper()
	fake := awstest.Lambda(t, func(string, []byte) awstest.LambdaAnswer { return says })
	fake.KeepBodies()
	step, err := NewLambdaStep(NewAccount(awstest.Config(t, awstest.Endpoints{Lambda: fake.URL})),
		LambdaStep{Function: "resize", Timeout: 2 * time.Second, Permanent: []int{400, 422}, Concurrency: 8})
	if err != nil {
		t.Fatal(err)
	}
	return fake, step
}

func TestAFunctionGetsThePayloadByteForByte(t *testing.T) {
	fake, step := resize(t, awstest.LambdaAnswer{Payload: []byte(`{"width":80}`)})
	payload := " {\"a\" :1.0,\n\"ü\":\"\\u00fc\"}\n"
	a := step.Call(t.Context(), callOf(payload))
	if a.Kind != pipeline.AnswerProcessed || a.StatusCode != 200 || string(a.Result) != `{"width":80}` || a.Error != "" {
		t.Fatalf("answer = %+v", a)
	}
	in := fake.Invocations()
	if len(in) != 1 || in[0].Function != "resize" || in[0].Type != "RequestResponse" || string(in[0].Payload) != payload {
		t.Fatalf("invocations = %+v", in)
	}
	var about struct{ Custom map[string]string }
	text, err := base64.StdEncoding.DecodeString(fake.Calls("Invoke")[0].Header.Get("X-Amz-Client-Context"))
	if err != nil || json.Unmarshal(text, &about) != nil {
		t.Fatalf("client context %q, %v", text, err)
	}
	for name, want := range map[string]string{"Idempotency-Key": "r1/resize", "Redrive-Row": "r1", "Redrive-Pipeline": "p", "Redrive-Step": "resize",
		"Redrive-Attempt": "3", "traceparent": trace, "Content-Type": "application/json"} {
		if about.Custom[name] != want {
			t.Errorf("%s is %q", name, about.Custom[name])
		}
	}
}

func TestWhatIsNoJSONIsWrapped(t *testing.T) {
	for name, payload := range map[string]string{"text": "hello", "nothing": "", "half": `{"a":`, "bytes": "\xff\x00", "bytes in a string": "\"\xff\"", "a byte order mark": "\ufeff{}"} {
		t.Run(name, func(t *testing.T) {
			fake, step := resize(t, awstest.LambdaAnswer{Payload: []byte("null")})
			c := callOf(payload)
			c.ContentType = "text/plain"
			if a := step.Call(t.Context(), c); a.Kind != pipeline.AnswerProcessed {
				t.Fatalf("answer = %+v", a)
			}
			var event map[string]string
			if err := json.Unmarshal(fake.Invocations()[0].Payload, &event); err != nil {
				t.Fatal(err)
			}
			got, err := base64.StdEncoding.DecodeString(event["payload_base64"])
			if err != nil || string(got) != payload || event["content_type"] != "text/plain" || len(event) != 2 {
				t.Errorf("event = %v", event)
			}
		})
	}
}

func TestWhatAFunctionSaysDecides(t *testing.T) {
	for name, tt := range map[string]struct {
		says  awstest.LambdaAnswer
		kind  pipeline.AnswerKind
		code  int
		cause string
		words string // the whole sentence
		wait  time.Duration
	}{
		"unhandled error": {awstest.LambdaAnswer{FunctionError: "Unhandled", Payload: []byte(`{"errorType":"ValueError","errorMessage":"no\nsuch size","stackTrace":["x"]}`)},
			pipeline.AnswerTransient, 0, CauseFunction, "function resize failed: ValueError: no such size", 0},
		"error without words": {awstest.LambdaAnswer{FunctionError: "Unhandled", Payload: []byte(`"boom"`)},
			pipeline.AnswerTransient, 0, CauseFunction, `function resize failed: "boom"`, 0},
		"timed out inside": {awstest.LambdaAnswer{FunctionError: "Unhandled", Payload: []byte(`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}`)},
			pipeline.AnswerTransient, 0, pipeline.CauseTimeout, "function resize failed: Sandbox.Timedout: RequestId: 1 Error: Task timed out after 3.00 seconds", 0},
		"permanent status": {awstest.LambdaAnswer{Payload: []byte(`{"statusCode":422,"body":"{\"error\":\"no such size\"}"}`)},
			pipeline.AnswerPermanent, 422, "", "422 from function resize: no such size", 0},
		"other status": {awstest.LambdaAnswer{Payload: []byte(` {"statusCode": 503, "body": "YnVzeQ==", "isBase64Encoded": true}`)},
			pipeline.AnswerTransient, 503, "", "503 from function resize: busy", 0},
		"throttled by status": {awstest.LambdaAnswer{Payload: []byte(`{"statusCode":429,"headers":{"retry-after":"7"}}`)},
			pipeline.AnswerThrottled, 429, "", "429 from function resize", 7 * time.Second},
		"throttled, the wait as a number": {awstest.LambdaAnswer{Payload: []byte(`{"statusCode":429,"headers":{"Retry-After":7}}`)},
			pipeline.AnswerThrottled, 429, "", "429 from function resize", 7 * time.Second},
		"headers of another form": {awstest.LambdaAnswer{Payload: []byte(`{"statusCode":500,"headers":[],"body":{"message":"no luck"}}`)},
			pipeline.AnswerTransient, 500, "", "500 from function resize: no luck", 0},
		"another spelling":        {awstest.LambdaAnswer{Payload: []byte(`{"StatusCode":500}`)}, pipeline.AnswerProcessed, 200, "", "", 0},
		"status 200":              {awstest.LambdaAnswer{Payload: []byte(`{"statusCode":200,"body":"x"}`)}, pipeline.AnswerProcessed, 200, "", "", 0},
		"a statusCode of its own": {awstest.LambdaAnswer{Payload: []byte(`{"statusCode":"404"}`)}, pipeline.AnswerProcessed, 200, "", "", 0},
		"a statusCode in a list":  {awstest.LambdaAnswer{Payload: []byte(`[{"statusCode":500}]`)}, pipeline.AnswerProcessed, 200, "", "", 0},
		"no statusCode":           {awstest.LambdaAnswer{Payload: []byte(`{"statusCode":12}`)}, pipeline.AnswerProcessed, 200, "", "", 0},
		"nothing":                 {awstest.LambdaAnswer{}, pipeline.AnswerProcessed, 200, "", "", 0},
		"throttled":               {awstest.TooManyRequests(""), pipeline.AnswerThrottled, 429, "", "AWS throttles lambda:InvokeFunction on function resize: TooManyRequestsException", 0},
		"throttled for a while":   {awstest.TooManyRequests("12"), pipeline.AnswerThrottled, 429, "", "AWS throttles lambda:InvokeFunction on function resize: TooManyRequestsException", 12 * time.Second},
		"throttled by EC2": {awstest.LambdaAnswer{Refusal: awstest.Refusal{Status: 502, Code: "EC2ThrottledException", Message: "x"}},
			pipeline.AnswerThrottled, 502, "", "AWS throttles lambda:InvokeFunction on function resize: EC2ThrottledException", 0},
		"missing": {awstest.NoSuchFunction("resize"), pipeline.AnswerTransient, 404, "", "function resize does not exist in eu-west-1 (lambda:InvokeFunction)", 0},
		"too large": {awstest.LambdaAnswer{Refusal: awstest.Refusal{Status: 413, Code: "RequestTooLargeException", Message: "Request must be smaller than 6291456 bytes"}},
			pipeline.AnswerPermanent, 413, pipeline.CauseRequest, "function resize was not called: Request must be smaller than 6291456 bytes", 0},
		"not taken": {awstest.LambdaAnswer{Refusal: awstest.Refusal{Status: 400, Code: "InvalidRequestContentException", Message: "Could not parse"}},
			pipeline.AnswerPermanent, 400, pipeline.CauseRequest, "function resize was not called: Could not parse", 0},
		"pending": {awstest.LambdaAnswer{Refusal: awstest.Refusal{Status: 409, Code: "ResourceConflictException", Message: "The function is Pending"}},
			pipeline.AnswerTransient, 409, "", "lambda:InvokeFunction on function resize failed with ResourceConflictException: The function is Pending", 0},
		"broken": {awstest.LambdaAnswer{Refusal: awstest.Refusal{Status: 500, Code: "ServiceException", Message: "x"}},
			pipeline.AnswerTransient, 500, "", "lambda:InvokeFunction on function resize failed with ServiceException: x", 0},
	} {
		t.Run(name, func(t *testing.T) {
			fake, step := resize(t, tt.says)
			a := step.Call(t.Context(), callOf("{}"))
			if a.Kind != tt.kind || a.StatusCode != tt.code || a.Cause != tt.cause || a.Error != tt.words || a.RetryAfter != tt.wait {
				t.Errorf("answer = %+v", a)
			}
			if n := fake.Count(""); n != 1 {
				t.Errorf("one attempt was %d requests", n)
			}
		})
	}
}

func TestAForbiddenFunctionIsNamed(t *testing.T) {
	fake, step := resize(t, awstest.LambdaAnswer{})
	fake.Inject(awstest.Fault{Do: awstest.Denied()})
	a := step.Call(t.Context(), callOf("{}"))
	if a.Kind != pipeline.AnswerTransient || a.StatusCode != 403 || !strings.HasPrefix(a.Error, "this identity may not do lambda:InvokeFunction on function resize") {
		t.Errorf("answer = %+v", a)
	}
}

func TestACallWithoutAnAnswer(t *testing.T) {
	fake, step := resize(t, awstest.LambdaAnswer{})
	f := fake.Inject(awstest.Fault{Do: awstest.LostAnswer()})
	a := step.Call(t.Context(), callOf("{}"))
	if a.Kind != pipeline.AnswerTransient || a.Cause != pipeline.CauseConnection || a.Error != "connection broken by function resize: no answer" || fake.Count("") != 1 {
		t.Errorf("a lost answer is %+v after %d requests", a, fake.Count(""))
	}
	f.Remove()
	fake.Inject(awstest.Fault{Do: awstest.Latency(time.Minute)})
	step.Downstream = must(steps.NewDownstream("function resize", 100*time.Millisecond, nil))(t)
	a = step.Call(t.Context(), callOf("{}"))
	if a.Kind != pipeline.AnswerTransient || a.Cause != pipeline.CauseTimeout || a.Error != "timeout calling function resize: no answer in 100 ms" {
		t.Errorf("a time-out is %+v", a)
	}
	step.Downstream = must(steps.NewDownstream("function resize", time.Minute, nil))(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if a = step.Call(ctx, callOf("{}")); a.Kind != pipeline.AnswerAborted {
		t.Errorf("a call cut off here is %+v", a)
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestCredentialsThatAreMissingAreSaidSo(t *testing.T) {
	fake, _ := resize(t, awstest.LambdaAnswer{})
	sdk := awstest.Config(t, awstest.Endpoints{Lambda: fake.URL})
	sdk.Credentials = sdkaws.CredentialsProviderFunc(func(context.Context) (sdkaws.Credentials, error) {
		return sdkaws.Credentials{}, context.DeadlineExceeded
	})
	step := must(NewLambdaStep(NewAccount(sdk), LambdaStep{Function: "resize"}))(t)
	a := step.Call(t.Context(), callOf("{}"))
	if a.Kind != pipeline.AnswerTransient || !strings.Contains(a.Error, "credentials are missing") || fake.Count("") != 0 {
		t.Errorf("answer = %+v", a)
	}
}

func TestALongAnswerIsCut(t *testing.T) {
	_, step := resize(t, awstest.LambdaAnswer{Payload: []byte(`"` + strings.Repeat("x", 100_000) + `"`)})
	if a := step.Call(t.Context(), callOf("{}")); a.Kind != pipeline.AnswerProcessed || len(a.Result) != steps.MaxBody {
		t.Errorf("%d bytes are kept of %v, %.100s", len(a.Result), a.Kind, a.Error)
	}
}

func TestAFunctionOfAnotherRegionIsCalledThere(t *testing.T) {
	a := NewAccount(awstest.Config(t, awstest.Endpoints{}))
	for function, want := range map[string]string{"resize": "eu-west-1", "resize:live": "eu-west-1", "arn:aws:lambda:us-east-2:000000000000:function:resize": "us-east-2"} {
		step := must(NewLambdaStep(a, LambdaStep{Function: function}))(t)
		if got := step.client.Options().Region; got != want {
			t.Errorf("%s is called in %s", function, got)
		}
	}
	if _, err := NewLambdaStep(a, LambdaStep{}); err == nil {
		t.Error("a step without a function was taken")
	}
	if _, err := NewLambdaStep(a, LambdaStep{Function: "f", Permanent: []int{200}}); err == nil {
		t.Error("200 was taken for permanent")
	}
}

func TestADryRunShowsTheInvocation(t *testing.T) {
	fake, step := resize(t, awstest.LambdaAnswer{})
	p := must(step.Preview(callOf(`{"a":1}`)))(t)
	if p.URL != "function resize in eu-west-1" || !strings.Contains(p.String(), "Invoke resize (RequestResponse)") || !strings.Contains(p.String(), "Idempotency-Key: r1/resize\n") || p.Body != nil {
		t.Errorf("preview:\n%s", p)
	}
	p = must(step.Preview(callOf("hello")))(t)
	if string(p.Body) != `{"content_type":"application/json","payload_base64":"aGVsbG8="}` {
		t.Errorf("body %s", p.Body)
	}
	if fake.Count("") != 0 {
		t.Error("a dry run called the function")
	}
}
