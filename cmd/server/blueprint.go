package main

import (
	"slices"

	"redrive/cmd/server/config"
	"redrive/pipeline"
	"redrive/pipeline/aws"
)

// awsConfig is what the AWS backend is told.
func awsConfig(c *config.Config, account *aws.Account) aws.Config {
	ac := aws.Config{Account: account, Prefix: c.AWS.Prefix, Table: c.AWS.Table}
	for _, p := range c.Pipelines {
		ap := aws.Pipeline{Name: p.Name, SourceQueue: p.Intake.SourceQueue, Retention: p.Retention}
		for _, s := range p.Steps {
			ap.Steps = append(ap.Steps, s.Name)
		}
		ac.Pipelines = append(ac.Pipelines, ap)
	}
	for _, q := range c.Queues {
		ac.Queues = append(ac.Queues, aws.QueueSelector{Name: q.Name, Prefix: q.Prefix})
	}
	return ac
}

// blueprint is what else the configuration asks of AWS.
func blueprint(c *config.Config) aws.Blueprint {
	bp := aws.Blueprint{Tags: c.AWS.Tags, KMSKey: c.AWS.KMSKey, Alarms: alarmConfigs(c), Only: c.Only}
	for _, p := range c.Pipelines {
		for _, s := range p.Steps {
			switch s.Kind() {
			case "lambda":
				bp.Functions = appendNew(bp.Functions, s.Lambda.Function)
			case "sqs":
				bp.Targets = appendNew(bp.Targets, s.SQS.Queue)
			}
		}
	}
	for _, r := range c.Notify {
		switch {
		case r.Topic != "":
			bp.Topics = append(bp.Topics, aws.Topic{ARN: r.Topic, Severities: r.Severities})
		case r.Kind == "sms":
			bp.SMS = true
		}
	}
	return bp
}

func appendNew(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

func alarmConfigs(c *config.Config) []pipeline.AlarmConfig {
	var list []pipeline.AlarmConfig
	for _, a := range c.Alarms {
		list = append(list, pipeline.AlarmConfig{Name: a.Name, Metric: a.Metric,
			Dimensions: pipeline.Dimensions{Pipeline: a.Pipeline, Step: a.Step, Breaker: a.Breaker},
			Statistic:  a.Statistic, Comparison: a.Comparison, Threshold: a.Threshold, Period: a.Period, Periods: a.Periods,
			Datapoints: a.Datapoints, Missing: a.Missing, Severity: a.Severity})
	}
	return list
}
