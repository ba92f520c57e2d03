package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"redrive/cmd/server/config"
	"redrive/handlers"
	"redrive/handlers/api"
	"redrive/handlers/metrics"
	"redrive/handlers/stepup"
	"redrive/pipeline"
	"redrive/pipeline/access"
	"redrive/pipeline/signature"
	"redrive/static"
	"redrive/views"
	"redrive/web"
)

// site joins the engine's services with pages, API and intake.
func (p *program) site(ctx context.Context, e *pipeline.Engine, doors map[string]handlers.Door, doorman *access.Service) (http.Handler, error) {
	assets := static.New()
	base := strings.TrimRight(p.cfg.BasePath, "/") + "/"
	frame := handlers.NewFramer(views.Page{Base: base, Assets: assets, Queues: e.Queues.Available(), Demo: p.demo != nil, Version: version(),
		Env: views.Environment{Name: p.cfg.Environment.Name, Colour: p.cfg.Environment.Colour}, Durability: promise(p.cfg)}, e, e.Faults)
	careful := p.careful(e)
	pages, err := p.pages(e, careful, frame, base, doorman)
	if err != nil {
		return nil, err
	}
	services := api.Services{Overview: e, Rows: e.Rows, Letters: e.Letters, Operations: careful.operations, Breakers: e.Breakers,
		Sweeps: e.Sweeps, Alarms: e.Alarms, Steps: e.Steps, Faults: careful.faults, Queues: careful.queues, Audit: e.Audit}
	if doorman != nil {
		services.Accounts = doorman
	}
	wc := web.Config{
		Listen: p.cfg.Listen, BasePath: p.cfg.BasePath, PublicURL: p.cfg.PublicURL, AllowedHosts: p.cfg.AllowedHosts, TrustedProxies: p.cfg.TrustedProxies,
		ProbesOnly: p.cfg.Only == pipeline.OnlyWorkers, Limits: web.Limits(p.cfg.Limits), Assets: assets, Logger: p.log,
		API:     api.New(services, p.log),
		Ingest:  handlers.NewIngest(doors, e.Intake, p.log),
		Live:    handlers.NewLive(ctx, e.Events),
		Probes:  handlers.NewProbes(p.log, handlers.Part{Name: "engine", Ready: e.TakesWork}, handlers.Part{Name: storeName(p.cfg), Ready: e.StoreReady}),
		Metrics: metrics.New(e, version(), p.log),
		Pages:   pages,
	}
	if doorman != nil {
		wc.Access = doorman
	}
	return web.New(wc)
}

// storeName is what the probes call the store. What a row can be accepted without
// (SQS, CloudWatch, SNS) is no part of being ready.
func storeName(c *config.Config) string {
	if c.Backend == "aws" {
		return "dynamodb"
	}
	return "store"
}

// careful are the services that ask for the password again.
type careful struct {
	operations stepup.Operations
	faults     stepup.Faults
	queues     stepup.Queues
}

func (p *program) careful(e *pipeline.Engine) careful {
	bulk := stepup.Bulk(p.cfg.Auth.Bulk)
	return careful{operations: stepup.Operations{Operations: e.Operations, Bulk: bulk}, faults: stepup.Faults{Faults: e.Faults},
		queues: stepup.Queues{Queues: e.Queues, Bulk: bulk}}
}

func (p *program) pages(e *pipeline.Engine, c careful, frame handlers.Framer, base string, doorman *access.Service) (web.Pages, error) {
	login, err := p.login(doorman, base, frame)
	if err != nil {
		return web.Pages{}, err
	}
	shell := &handlers.Shell{Base: base, Frame: frame, Log: p.log, Login: login}
	if doorman != nil {
		shell.Confirm = doorman
	}
	letters := handlers.NewDeadLetters(e.Letters, e, e.Operations, e.Audit, frame)
	return web.Pages{
		Shell:       shell,
		Login:       login,
		Overview:    handlers.NewOverview(e, e.Letters, frame),
		Start:       handlers.NewStart(frame, linkBase(p.cfg)),
		Rows:        handlers.NewRows(e.Rows, e, e, e.Audit, c.operations.Bulk, frame),
		DeadLetters: letters,
		Redrives:    handlers.NewRedrives(c.operations, letters, e, frame),
		Breakers:    handlers.NewBreakers(e.Breakers, e, frame),
		Sweeps:      handlers.NewSweeps(e.Sweeps, e, frame),
		Alarms:      handlers.NewAlarms(e.Alarms, frame),
		Steps:       handlers.NewSteps(e.Steps, c.operations, frame),
		Faults:      handlers.NewFaults(c.faults, e, frame),
		Queues:      handlers.NewQueues(c.queues, frame),
		Audit:       handlers.NewAudit(e.Audit, frame),
		Settings:    p.settings(e, frame, doorman),
	}, nil
}

// sentences lets senders read what is wrong with their signature.
type sentences struct{ signature.Verifier }

func (s sentences) Verify(header http.Header, body []byte, now time.Time) error {
	if err := s.Verifier.Verify(header, body, now); err != nil {
		return &pipeline.Error{Code: pipeline.CodeUnsigned, Text: err.Error()}
	}
	return nil
}

// doors are what each pipeline's intake asks of a request.
func doors(c *config.Config, keys *pipeline.IngestKeys) (map[string]handlers.Door, error) {
	list := make(map[string]handlers.Door, len(c.Pipelines))
	for _, p := range c.Pipelines {
		d := handlers.Door{MaxBytes: p.Intake.MaxBytes, Key: handlers.KeySource{Header: p.Intake.IdempotencyKey.Header, Path: p.Intake.IdempotencyKey.Path}}
		if keys.Asked(p.Name) {
			d.Opens = func(key string) bool { return keys.Opens(p.Name, key) }
		}
		if s := p.Intake.Signature; s.Scheme != "none" && s.Scheme != "" {
			secrets := []string{s.Secret.Reveal()}
			if !s.Previous.Empty() {
				secrets = append(secrets, s.Previous.Reveal())
			}
			v, err := signature.New(s.Scheme, secrets...)
			if err != nil {
				return nil, err
			}
			d.Verifier = sentences{v}
		}
		list[p.Name] = d
	}
	return list, nil
}
