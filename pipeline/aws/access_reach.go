package aws

import (
	"context"
	"slices"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline"
)

// Reach looks whether the functions and queues that steps hand over to are there
// for this identity. It calls no function and sends nothing. Each sentence is
// one that is not.
func (p *Provisioner) Reach(ctx context.Context) []string {
	found := make([]string, len(p.bp.Functions)+len(p.bp.Targets))
	each(len(found), func(i int) {
		var err error
		if i < len(p.bp.Functions) {
			err = p.invokes(ctx, p.bp.Functions[i])
		} else {
			err = p.takes(ctx, p.bp.Targets[i-len(p.bp.Functions)])
		}
		if err != nil {
			found[i] = said(err)
		}
	})
	return slices.DeleteFunc(found, func(text string) bool { return text == "" })
}

func (p *Provisioner) invokes(ctx context.Context, function string) error {
	_, err := p.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, InvocationType: types.InvocationTypeDryRun},
		func(o *lambda.Options) { o.Region, o.Retryer = regionOf(function, p.region), sdkaws.NopRetryer{} })
	resource := "function " + function
	if codeOf(err) == "ResourceNotFoundException" {
		return notThere(resource, regionOf(function, p.region), err)
	}
	return failure(err, "lambda:InvokeFunction", resource)
}

// takes answers what keeps a step from sending to a queue.
func (p *Provisioner) takes(ctx context.Context, target string) error {
	name, address, region := queueOf(target, p.region)
	if address == "" {
		var err error
		if address, err = p.queueURL(ctx, name); err != nil {
			return err
		}
	}
	if address == "" {
		return notThere("queue "+name, region, nil)
	}
	_, err := p.askOnce(region).SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &address, Entries: []sqstypes.SendMessageBatchRequestEntry{}})
	switch {
	case isMissing(err):
		return notThere("queue "+name, region, err)
	case isDenied(err), codeOf(err) == "":
		return queueFailed(err, "SendMessage", name)
	}
	return nil
}

func notThere(resource, region string, err error) error {
	return &pipeline.Error{Code: pipeline.CodeNotFound, Err: err, Text: elsewhere(resource, region)}
}
