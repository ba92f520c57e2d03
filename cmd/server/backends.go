package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"redrive/cmd/server/config"
	"redrive/handlers"
	"redrive/pipeline"
	"redrive/pipeline/aws"
	"redrive/pipeline/sqlite"
)

// store is the backend that was chosen, with what only this one has.
type store struct {
	pipeline.Backend
	account *aws.Account // nil where nothing of the configuration needs AWS
	cloud   *aws.Store   // nil on the embedded backend
}

// openStore opens the backend of the configuration. On AWS what is missing is
// created first, if the configuration lets it.
func openStore(ctx context.Context, c *config.Config, log *slog.Logger) (store, error) {
	account, err := login(ctx, c)
	if err != nil {
		return store{}, err
	}
	if c.Backend == "aws" {
		return openAWS(ctx, c, account, log)
	}
	db, err := sqlite.Open(ctx, sqlite.Config{Path: c.Embedded.Path, Durability: c.Embedded.Durability, Logger: log})
	if err != nil {
		return store{}, err
	}
	return store{Backend: db.Backend(), account: account}, nil
}

func openAWS(ctx context.Context, c *config.Config, account *aws.Account, log *slog.Logger) (store, error) {
	ac := awsConfig(c, account)
	ac.Logger, ac.Worker, ac.Alarms = log, workerName(), alarmConfigs(c)
	if err := aws.Prepare(ctx, ac, blueprint(c), c.AWS.Provision, log); err != nil {
		return store{}, plain(err)
	}
	cloud, err := aws.Open(ctx, ac)
	if err != nil {
		return store{}, err
	}
	return store{Backend: cloud.Backend(), account: account, cloud: cloud}, nil
}

// plain is the sentence of an error without the SDK's own account of it.
func plain(err error) error {
	if e, ok := errors.AsType[*pipeline.Error](err); ok {
		return errors.New(e.Text)
	}
	return err
}

// login finds the AWS account, if the configuration needs one.
func login(ctx context.Context, c *config.Config) (*aws.Account, error) {
	if !needsAWS(c) {
		return nil, nil
	}
	return aws.Login(ctx, c.AWS.Region, c.AWS.Endpoint)
}

func needsAWS(c *config.Config) bool {
	if c.Backend == "aws" {
		return true
	}
	for _, r := range c.Notify {
		if r.Kind == "sms" {
			return true
		}
	}
	for _, p := range c.Pipelines {
		for _, s := range p.Steps {
			if s.Kind() != "http" {
				return true
			}
		}
	}
	return false
}

// promise is what a 202 survives, for the foot of every page.
func promise(c *config.Config) string {
	switch {
	case c.Backend == "aws":
		return "A 202 survives the loss of this machine: the row is in DynamoDB."
	case c.Embedded.Durability == "normal":
		return "A 202 survives the end of this process, not a power cut."
	}
	return "A 202 survives a power cut."
}

// sources are the readers of the source queues: what others put there becomes
// rows like any other.
func (p *program) sources(s store, e *pipeline.Engine, doors map[string]handlers.Door) []*aws.Source {
	var list []*aws.Source
	if s.cloud == nil || p.cfg.Only == pipeline.OnlyWorkers {
		return nil
	}
	for _, pl := range p.cfg.Pipelines {
		if pl.Intake.SourceQueue == "" {
			continue
		}
		door, attribute := doors[pl.Name], pl.Intake.IdempotencyKey.Attribute
		list = append(list, s.cloud.Source(pl.Intake.SourceQueue, func(ctx context.Context, ms []aws.SourceMessage) error {
			messages := make([]pipeline.Message, len(ms))
			for i, m := range ms {
				messages[i] = door.FromQueue(handlers.Arrival{ID: m.ID, Key: m.Attributes[attribute], Attributes: m.Header, Body: m.Body})
			}
			if _, err := e.Intake.SubmitBatch(ctx, pl.Name, messages); err != nil {
				return fmt.Errorf("storing messages of queue %s: %w", pl.Intake.SourceQueue, err)
			}
			return nil
		}))
	}
	return list
}
