package aws

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"redrive/pipeline"
	"redrive/pipeline/backoff"
	"redrive/pipeline/steps"
)

// callee is what a step reaches through the SDK. One call of a step is one
// request: the SDK's own retries are off, so that each attempt in a row's
// history is one attempt.
type callee struct {
	steps.Downstream
	account  *Account
	action   string // "lambda:InvokeFunction"
	resource string // "function resize"
	region   string
}

// singleTry makes an SDK client ask once. What is worth another try is the engine's
// to say.
func singleTry() sdkaws.Retryer { return sdkaws.NopRetryer{} }

// roomy keeps as many connections open as calls are made at once, and waits for
// an answer as long as the step does.
func roomy(c sdkaws.HTTPClient, concurrency int) sdkaws.HTTPClient {
	client, ok := c.(*awshttp.BuildableClient)
	switch {
	case c == nil:
		client = awshttp.NewBuildableClient()
	case !ok:
		return c
	}
	return client.WithReadTimeout(0).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = max(t.MaxIdleConnsPerHost, concurrency)
		t.MaxIdleConns = max(t.MaxIdleConns, concurrency)
	})
}

// regionOf is the region an ARN names, or the other one.
func regionOf(name, other string) string {
	if a, err := arn.Parse(name); err == nil && a.Region != "" {
		return a.Region
	}
	return other
}

// failed is the verdict of a call the service did not carry out.
func (c callee) failed(ctx, timed context.Context, err error) steps.Verdict {
	if codeOf(err) != "" {
		return c.refused(err)
	}
	if ctx.Err() == nil && timed.Err() == nil && c.account.Check(timed) != nil && timed.Err() == nil {
		text := "AWS credentials are missing or cannot be read; " + c.action + " on " + c.resource + " was not called"
		return steps.Verdict{Kind: steps.Transient, ErrorKind: steps.KindConnection, Error: text}
	}
	return c.Broken(ctx, timed, err, "no answer")
}

// refused is the verdict of an answer that names an error. What an operator can
// mend is transient: attempts are used up meanwhile, as with any other failure.
func (c callee) refused(err error) steps.Verdict {
	code, status := codeOf(err), statusOf(err)
	v := steps.Verdict{Kind: steps.Transient, ErrorKind: steps.KindStatus, StatusCode: status}
	switch {
	case isBusy(code) || status == http.StatusTooManyRequests:
		v.Kind, v.RetryAfter = steps.Throttled, retryAfter(err)
		v.Error = "AWS throttles " + c.action + " on " + c.resource
		if code != "" {
			v.Error += ": " + steps.Quote([]byte(code))
		}
	case isUnfit(code):
		v.Kind, v.ErrorKind = steps.Permanent, steps.KindRequest
		v.Error = c.resource + " was not called: " + steps.Quote([]byte(words(err)))
	case isMissing(err) || code == "ResourceNotFoundException":
		v.Error = c.resource + " does not exist in " + c.region + " (" + c.action + ")"
	default:
		v.Error = sentence(err, c.action, c.resource)
		if strings.HasSuffix(v.Error, code) && words(err) != code {
			v.Error += ": " + steps.Quote([]byte(words(err)))
		}
	}
	return v
}

// words is what the service says of an error, or its code.
func words(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorMessage() != "" {
		return api.ErrorMessage()
	}
	return codeOf(err)
}

// isBusy tells the codes that ask for patience.
func isBusy(code string) bool {
	return isThrottled(bare(code)) || slices.Contains([]string{"EC2ThrottledException", "KmsThrottled", "KMS.ThrottlingException",
		"Throttled", "SlowDown"}, code)
}

// isUnfit tells the codes of a payload the service will never take.
func isUnfit(code string) bool {
	return slices.Contains([]string{"RequestTooLargeException", "RequestEntityTooLargeException", "SerializedRequestEntityTooLargeException", "InvalidRequestContentException",
		"UnsupportedMediaTypeException", "InvalidMessageContents", "BatchRequestTooLong"}, code)
}

func bare(code string) error { return &smithy.GenericAPIError{Code: code} }

// statusOf is the HTTP status of a refusal, 0 without one.
func statusOf(err error) int {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return r.HTTPStatusCode()
	}
	return 0
}

func retryAfter(err error) time.Duration {
	r, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || r.HTTPResponse() == nil {
		return 0
	}
	wait, _ := backoff.RetryAfter(r.HTTPResponse().Header.Get("Retry-After"), time.Now())
	return wait
}

// named is a value that tells a downstream which row it has to do with.
type named struct{ name, value string }

// identity is what an HTTP step says in its headers.
func identity(c pipeline.Call) []named {
	list := []named{{"Idempotency-Key", c.Row + "/" + c.Step}, {"Redrive-Row", c.Row}, {"Redrive-Pipeline", c.Pipeline}, {"Redrive-Step", c.Step},
		{"Redrive-Attempt", strconv.Itoa(c.Attempt)}, {"traceparent", steps.RequestOf(c).Traceparent()}}
	if c.ContentType != "" {
		list = append(list, named{"Content-Type", c.ContentType})
	}
	return list
}
