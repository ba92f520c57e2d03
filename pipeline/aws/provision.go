package aws

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"redrive/pipeline"
)

// Blueprint is what a configuration asks of AWS beyond what Config says. The
// table, the queues of the steps and the alarms are Redrive's: they are created
// and kept as described. Everything else belongs to others, is looked at only,
// and the policy names what may be done with it.
type Blueprint struct {
	Tags   map[string]string      // of everything that is created
	KMSKey string                 // id, alias or ARN; empty: the encryption each service has by itself
	Alarms []pipeline.AlarmConfig // each a CloudWatch alarm

	Functions []string // of Lambda steps: names, name:alias or ARNs
	Targets   []string // of SQS steps: names or URLs of queues
	Topics    []Topic  // alarms are published to these
	SMS       bool     // and sent to phones

	Only string // console or workers: what this process does; empty: both
}

// Topic is an SNS topic that alarms of some severities are published to.
type Topic struct {
	ARN        string
	Severities []string
}

// Provisioner compares what a configuration needs with what there is.
type Provisioner struct {
	names     names
	pipelines []Pipeline
	foreign   []QueueSelector
	bp        Blueprint
	region    string

	sqs        *sqs.Client
	dynamodb   *dynamodb.Client
	cloudwatch *cloudwatch.Client
	lambda     *lambda.Client

	pause time.Duration // between two looks at what AWS is still making
	looks int           // how often at most
}

// NewProvisioner makes no request. Without an account in cfg it can only print.
func NewProvisioner(cfg Config, bp Blueprint) *Provisioner {
	p := &Provisioner{names: namesOf(cfg), pipelines: cfg.Pipelines, foreign: cfg.Queues, bp: bp, region: Region,
		pause: time.Second, looks: 90}
	if a := cfg.Account; a != nil {
		p.region = a.Region()
		p.sqs, p.dynamodb, p.cloudwatch, p.lambda = a.sqsInTime(), a.dynamodb(), a.cloudwatch(), a.lambda()
	}
	return p
}

// Prepare is what a server does before it opens the backend. It creates what is
// missing if it may, saying each thing in the log, and changes nothing that is
// there. The error is a sentence that names what is missing or forbidden.
// CloudWatch, SNS and what belongs to others only give warnings: rows can be
// taken in without them.
func Prepare(ctx context.Context, cfg Config, bp Blueprint, provision bool, log *slog.Logger) error {
	log = cmp.Or(log, slog.New(slog.DiscardHandler))
	p := NewProvisioner(cfg, bp)
	if err := cfg.Account.Check(ctx); err != nil {
		return err
	}
	missing, err := p.Missing(ctx)
	if err != nil {
		return err
	}
	if provision && missing.creatable() {
		if err := p.create(ctx, log, !missing.blind); err != nil {
			return err
		}
		missing.Table, missing.Queues, missing.Alarms, missing.Expiry = "", nil, nil, false
	}
	if err := missing.Err(); err != nil {
		return err
	}
	for _, text := range missing.Warnings() {
		log.WarnContext(ctx, text)
	}
	return p.Access(ctx)
}

// create makes what is missing and nothing else. Without alarms it asks nothing
// of CloudWatch, which would only hold the start up.
func (p *Provisioner) create(ctx context.Context, log *slog.Logger, alarms bool) error {
	plan := p.compare(ctx, alarms)
	if plan.err != nil {
		return p.reached(plan.err)
	}
	tell := func(line string) { log.InfoContext(ctx, line, "region", p.region) }
	for _, text := range plan.Problems {
		log.WarnContext(ctx, text)
	}
	creations := plan.Creations()
	if err := p.Apply(ctx, creations.only(Change.vital), tell); err != nil {
		return err
	}
	if err := p.Apply(ctx, creations.only(func(c Change) bool { return !c.vital() }), tell); err != nil {
		log.WarnContext(ctx, said(err))
	}
	return nil
}

// orderedKeys gives what is written out the same order each time.
func orderedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
