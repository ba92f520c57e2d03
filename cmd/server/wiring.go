package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"redrive/cmd/server/config"
	"redrive/pipeline"
	"redrive/pipeline/backoff"
	"redrive/pipeline/notify"
	"redrive/pipeline/steps"
)

// engineConfig turns the file's words into the engine's.
func engineConfig(c *config.Config, worker string, log *slog.Logger) (pipeline.Config, error) {
	ec := pipeline.Config{Worker: worker, Logger: log, Cron: config.Cron,
		Sweep: pipeline.SweepSettings{Cron: c.Sweep.Schedule, StuckAfter: c.Sweep.StuckAfter, Enabled: true}}
	for _, p := range c.Pipelines {
		ep, err := pipelineConfig(p)
		if err != nil {
			return ec, err
		}
		ec.Pipelines = append(ec.Pipelines, ep)
	}
	for _, b := range c.Breakers {
		ec.Breakers = append(ec.Breakers, pipeline.BreakerConfig{Name: b.Name, FailureRate: b.FailureRate, MinimumCalls: b.MinimumCalls,
			Window: b.Window, OpenFor: b.OpenFor, Probes: b.Probes})
	}
	for _, a := range c.Alarms {
		ec.Alarms = append(ec.Alarms, pipeline.AlarmConfig{Name: a.Name, Metric: a.Metric,
			Dimensions: pipeline.Dimensions{Pipeline: a.Pipeline, Step: a.Step, Breaker: a.Breaker},
			Statistic:  a.Statistic, Comparison: a.Comparison, Threshold: a.Threshold, Period: a.Period, Periods: a.Periods,
			Datapoints: a.Datapoints, Missing: a.Missing, Severity: a.Severity})
	}
	var err error
	ec.Routes, err = routes(c)
	return ec, err
}

func pipelineConfig(p config.Pipeline) (pipeline.Pipeline, error) {
	ep := pipeline.Pipeline{Name: p.Name, Retention: p.Retention, Intake: pipeline.Intake{MaxBytes: p.Intake.MaxBytes}}
	if p.Intake.Schema != nil {
		ep.Intake.Schema = checkSchema(p.Intake.Schema)
	}
	for _, s := range p.Steps {
		caller, err := httpCaller(s)
		if err != nil {
			return ep, fmt.Errorf("step %s of pipeline %s: %w", s.Name, p.Name, err)
		}
		ep.Steps = append(ep.Steps, pipeline.Step{Name: s.Name, Needs: s.Needs, Caller: httpStep{caller}, Target: s.HTTP.URL, Timeout: s.Timeout,
			Concurrency: s.Concurrency, Rate: s.Rate, Permanent: s.Permanent, Breaker: s.Breaker,
			Retry: backoff.Policy{Attempts: s.Retry.Attempts, Base: s.Retry.Base, Cap: s.Retry.Cap, Jitter: backoff.Jitter(s.Retry.Jitter)}})
	}
	return ep, nil
}

func httpCaller(s config.Step) (*steps.HTTP, error) {
	headers := make(map[string]string, len(s.HTTP.Headers))
	for _, h := range s.HTTP.Headers {
		headers[h.Name] = h.Value.Reveal()
	}
	return steps.NewHTTP(steps.HTTPConfig{URL: s.HTTP.URL, Headers: headers, Timeout: s.Timeout, Permanent: s.Permanent, Concurrency: s.Concurrency})
}

// httpStep lets the engine call an HTTP step.
type httpStep struct{ http *steps.HTTP }

func (s httpStep) Call(ctx context.Context, c pipeline.Call) pipeline.Answer {
	v := s.http.Call(ctx, request(c))
	a := pipeline.Answer{StatusCode: v.StatusCode, Error: v.Error, RetryAfter: v.RetryAfter, Result: v.Result}
	switch v.Kind {
	case steps.Processed:
		a.Kind = pipeline.AnswerProcessed
	case steps.Throttled:
		a.Kind = pipeline.AnswerThrottled
	case steps.Permanent:
		a.Kind = pipeline.AnswerPermanent
	default:
		a.Kind = pipeline.AnswerTransient
	}
	switch v.ErrorKind {
	case steps.KindCancelled:
		a.Kind = pipeline.AnswerAborted
	case steps.KindTimeout:
		a.Cause = pipeline.CauseTimeout
	case steps.KindConnection:
		a.Cause = pipeline.CauseConnection
	case steps.KindRequest:
		a.Cause = pipeline.CauseRequest
	}
	return a
}

func request(c pipeline.Call) steps.Request {
	return steps.Request{Row: c.Row, Pipeline: c.Pipeline, Step: c.Step, Attempt: c.Attempt, ContentType: c.ContentType, Trace: c.Trace, Payload: c.Payload}
}

// checkSchema says in one sentence what a payload breaks.
func checkSchema(schema *jsonschema.Schema) func([]byte) error {
	return func(payload []byte) error {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
		if err != nil {
			return errors.New("it is not JSON")
		}
		var broken *jsonschema.ValidationError
		if err := schema.Validate(value); errors.As(err, &broken) {
			return errors.New(sentence(broken))
		} else if err != nil {
			return errors.New("it could not be checked")
		}
		return nil
	}
}

// sentence is the innermost cause with where it is.
func sentence(e *jsonschema.ValidationError) string {
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	text := e.Error()
	if _, after, ok := strings.Cut(text, "\n- "); ok {
		text = after
	}
	return strings.Join(strings.Fields(text), " ")
}

func routes(c *config.Config) ([]pipeline.Route, error) {
	var list []pipeline.Route
	base := linkBase(c)
	for i, r := range c.Notify {
		var n pipeline.Notifier
		var err error
		switch r.Kind {
		case "slack":
			n, err = notify.NewSlack(r.URL.Reveal(), base)
		default:
			n, err = notify.NewWebhook(r.URL.Reveal(), base)
		}
		if err != nil {
			return nil, fmt.Errorf("notify entry %d: %w", i+1, err)
		}
		list = append(list, pipeline.Route{Name: fmt.Sprintf("%s %d", r.Kind, i+1), Severities: r.Severities, Notifier: n})
	}
	return list, nil
}

// linkBase is what links in alerts begin with; without a public address there
// are none.
func linkBase(c *config.Config) string {
	if c.PublicURL == "" {
		return ""
	}
	return strings.TrimSuffix(c.PublicURL, "/") + strings.TrimSuffix(c.BasePath, "/")
}
