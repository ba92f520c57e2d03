package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"redrive/cmd/server/config"
	"redrive/handlers/peek"
	"redrive/pipeline"
	"redrive/pipeline/aws"
	"redrive/pipeline/backoff"
	"redrive/pipeline/notify"
)

// engineConfig turns the file's words into the engine's.
func engineConfig(c *config.Config, account *aws.Account, worker string, log *slog.Logger) (pipeline.Config, error) {
	ec := pipeline.Config{Worker: worker, Version: version(), Only: c.Only, Logger: log, Cron: config.Cron,
		Sweep: pipeline.SweepSettings{Cron: c.Sweep.Schedule, StuckAfter: c.Sweep.StuckAfter, Enabled: true}}
	for _, p := range c.Pipelines {
		ep, err := pipelineConfig(p, account)
		if err != nil {
			return ec, err
		}
		ec.Pipelines = append(ec.Pipelines, ep)
	}
	for _, b := range c.Breakers {
		ec.Breakers = append(ec.Breakers, pipeline.BreakerConfig{Name: b.Name, FailureRate: b.FailureRate, MinimumCalls: b.MinimumCalls,
			Window: b.Window, OpenFor: b.OpenFor, Probes: b.Probes})
	}
	for _, k := range c.Auth.IngestKeys {
		ec.IngestKeys = append(ec.IngestKeys, pipeline.IngestKey{Name: k.Name, Pipeline: k.Pipeline, SHA256: k.SHA256})
	}
	ec.Alarms = alarmConfigs(c)
	var err error
	ec.Routes, err = routes(c, account)
	return ec, err
}

func pipelineConfig(p config.Pipeline, account *aws.Account) (pipeline.Pipeline, error) {
	ep := pipeline.Pipeline{Name: p.Name, Retention: p.Retention, Intake: pipeline.Intake{MaxBytes: p.Intake.MaxBytes}}
	if p.Intake.Schema != nil {
		ep.Intake.Schema = checkSchema(p.Intake.Schema)
	}
	for _, s := range p.Steps {
		caller, err := stepCaller(s, account)
		if err != nil {
			return ep, fmt.Errorf("step %s of pipeline %s: %w", s.Name, p.Name, err)
		}
		ep.Steps = append(ep.Steps, pipeline.Step{Name: s.Name, Needs: s.Needs, Caller: caller, Target: target(s), Timeout: s.Timeout,
			Concurrency: s.Concurrency, Rate: s.Rate, Permanent: s.Permanent, Breaker: s.Breaker, Exclusive: s.Exclusive, KeepResult: s.KeepResult,
			Retry: backoff.Policy{Attempts: s.Retry.Attempts, Base: s.Retry.Base, Cap: s.Retry.Cap, Jitter: backoff.Jitter(s.Retry.Jitter)}})
	}
	return ep, nil
}

// checkSchema says in one sentence what a payload breaks.
func checkSchema(schema *jsonschema.Schema) func([]byte) error {
	return func(payload []byte) error {
		if big := peek.TooBig(payload); big != "" {
			return errors.New("it " + big)
		}
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

func routes(c *config.Config, account *aws.Account) ([]pipeline.Route, error) {
	var list []pipeline.Route
	base := linkBase(c)
	for i, r := range c.Notify {
		var n pipeline.Notifier
		var err error
		switch r.Kind {
		case "slack":
			n, err = notify.NewSlack(r.URL.Reveal(), base)
		case "sms":
			n = aws.NewSMS(account, r.Phone.Reveal(), r.Topic, base)
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
