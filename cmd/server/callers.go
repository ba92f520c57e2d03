package main

import (
	"context"
	"strings"

	"redrive/cmd/server/config"
	"redrive/pipeline"
	"redrive/pipeline/aws"
	"redrive/pipeline/redact"
	"redrive/pipeline/steps"
)

// caller makes a step's call, and shows what it would send.
type caller interface {
	pipeline.Caller
	Preview(call pipeline.Call) (steps.Preview, error)
}

// stepCaller is what a configured step calls.
func stepCaller(s config.Step, account *aws.Account) (caller, error) {
	switch s.Kind() {
	case "lambda":
		return aws.NewLambdaStep(account, aws.LambdaStep{Function: s.Lambda.Function, Timeout: s.Timeout, Permanent: s.Permanent, Concurrency: s.Concurrency})
	case "sqs":
		return aws.NewSQSStep(account, aws.SQSStep{Queue: s.SQS.Queue, Timeout: s.Timeout, Concurrency: s.Concurrency})
	}
	headers := make(map[string]string, len(s.HTTP.Headers))
	for _, h := range s.HTTP.Headers {
		headers[h.Name] = h.Value.Reveal()
	}
	http, err := steps.NewHTTP(steps.HTTPConfig{URL: s.HTTP.URL, Headers: headers, Timeout: s.Timeout, Permanent: s.Permanent, Concurrency: s.Concurrency})
	return httpStep{http}, err
}

// target is what pages call a step's downstream.
func target(s config.Step) string {
	switch s.Kind() {
	case "lambda":
		return "lambda " + s.Lambda.Function
	case "sqs":
		return "queue " + s.SQS.Queue
	}
	return withoutQuery(s.HTTP.URL)
}

// withoutQuery is an address without the values of its query: a key, as a rule.
func withoutQuery(address string) string {
	before, _, has := strings.Cut(address, "?")
	if before = redact.Text(before); has {
		before += "?" + redact.Mask
	}
	return before
}

// httpStep lets the engine call an HTTP step.
type httpStep struct{ http *steps.HTTP }

func (s httpStep) Call(ctx context.Context, c pipeline.Call) pipeline.Answer {
	return s.http.Call(ctx, steps.RequestOf(c)).Answer()
}

func (s httpStep) Preview(c pipeline.Call) (steps.Preview, error) {
	return s.http.Preview(steps.RequestOf(c))
}
