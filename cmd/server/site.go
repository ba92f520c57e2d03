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
	"redrive/pipeline"
	"redrive/pipeline/signature"
	"redrive/static"
	"redrive/views"
	"redrive/web"
)

// site joins the engine's services with pages, API and intake.
func (p *program) site(ctx context.Context, e *pipeline.Engine, doors map[string]handlers.Door) (http.Handler, error) {
	assets := static.New()
	base := strings.TrimRight(p.cfg.BasePath, "/") + "/"
	frame := handlers.NewFramer(views.Page{Base: base, Assets: assets, Queues: e.Queues.Available(), Demo: p.demo != nil, Version: version(),
		Env: views.Environment{Name: p.cfg.Environment.Name, Colour: p.cfg.Environment.Colour}, Durability: promise(p.cfg)}, e, e.Faults)
	return web.New(web.Config{
		Listen: p.cfg.Listen, BasePath: p.cfg.BasePath, PublicURL: p.cfg.PublicURL, AllowedHosts: p.cfg.AllowedHosts, TrustedProxies: p.cfg.TrustedProxies,
		ProbesOnly: p.cfg.Only == pipeline.OnlyWorkers, Assets: assets, Logger: p.log,
		API: api.New(api.Services{Overview: e, Rows: e.Rows, Letters: e.Letters, Operations: e.Operations, Breakers: e.Breakers,
			Sweeps: e.Sweeps, Alarms: e.Alarms, Steps: e.Steps, Faults: e.Faults, Queues: e.Queues, Audit: e.Audit}, p.log),
		Ingest:  handlers.NewIngest(doors, e.Intake, p.log),
		Live:    handlers.NewLive(ctx, e.Events),
		Probes:  handlers.NewProbes(p.log, handlers.Part{Name: "engine", Ready: e.TakesWork}, handlers.Part{Name: storeName(p.cfg), Ready: e.StoreReady}),
		Metrics: metrics.New(e, version(), p.log),
		Pages:   pages(p.cfg, e, frame, base, p),
	})
}

// storeName is what the probes call the store. What a row can be accepted without
// (SQS, CloudWatch, SNS) is no part of being ready.
func storeName(c *config.Config) string {
	if c.Backend == "aws" {
		return "dynamodb"
	}
	return "store"
}

func pages(c *config.Config, e *pipeline.Engine, frame handlers.Framer, base string, p *program) web.Pages {
	letters := handlers.NewDeadLetters(e.Letters, e, e.Operations, e.Audit, frame)
	return web.Pages{
		Shell:       &handlers.Shell{Base: base, Frame: frame, Log: p.log},
		Overview:    handlers.NewOverview(e, e.Letters, frame),
		Start:       handlers.NewStart(frame, linkBase(c)),
		Rows:        handlers.NewRows(e.Rows, e, e, e.Audit, frame),
		DeadLetters: letters,
		Redrives:    handlers.NewRedrives(e.Operations, letters, e, frame),
		Breakers:    handlers.NewBreakers(e.Breakers, e, frame),
		Sweeps:      handlers.NewSweeps(e.Sweeps, e, frame),
		Alarms:      handlers.NewAlarms(e.Alarms, frame),
		Steps:       handlers.NewSteps(e.Steps, e.Operations, frame),
		Faults:      handlers.NewFaults(e.Faults, e, frame),
		Queues:      handlers.NewQueues(e.Queues, frame),
		Audit:       handlers.NewAudit(e.Audit, frame),
	}
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
func doors(c *config.Config) (map[string]handlers.Door, error) {
	list := make(map[string]handlers.Door, len(c.Pipelines))
	for _, p := range c.Pipelines {
		d := handlers.Door{MaxBytes: p.Intake.MaxBytes, Key: handlers.KeySource{Header: p.Intake.IdempotencyKey.Header, Path: p.Intake.IdempotencyKey.Path}}
		if s := p.Intake.Signature; s.Scheme != "none" && s.Scheme != "" {
			v, err := signature.New(s.Scheme, s.Secret.Reveal())
			if err != nil {
				return nil, err
			}
			d.Verifier = sentences{v}
		}
		list[p.Name] = d
	}
	return list, nil
}
