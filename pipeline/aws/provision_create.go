package aws

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline"
)

// createQueue makes a queue or, where somebody else has just made it otherwise,
// makes it what it should be.
func (p *Provisioner) createQueue(ctx context.Context, q stepQueue, link bool) error {
	want := p.plain()
	other, err := p.live(ctx, q.other)
	if err != nil {
		return err
	}
	if !q.dead {
		if !other.exists() {
			return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: fmt.Sprintf("%s is not there for %s to name", "queue "+q.other, q.resource())}
		}
		want[string(types.QueueAttributeNameRedrivePolicy)] = redrivePolicy(other.arn())
	}
	have, err := p.make(ctx, q, want)
	if err != nil || !link {
		return err
	}
	if q.dead {
		return p.setAttributes(ctx, q.name, have.url, map[string]string{allowPolicyName: allowPolicy(other.arn())})
	}
	return p.setAttributes(ctx, q.other, other.url, map[string]string{allowPolicyName: allowPolicy(have.arn())})
}

// make creates a queue and waits until it can be seen, which SQS says takes a
// second.
func (p *Provisioner) make(ctx context.Context, q stepQueue, want map[string]string) (liveQueue, error) {
	_, err := p.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &q.name, Attributes: want, Tags: p.bp.Tags})
	_, other := errors.AsType[*types.QueueNameExists](err)
	if _, recent := errors.AsType[*types.QueueDeletedRecently](err); recent {
		return liveQueue{}, &pipeline.Error{Code: pipeline.CodeUnavailable, Err: err,
			Text: fmt.Sprintf("%s was deleted within the last 60 seconds, and SQS does not give its name away again before: run this again in a minute", q.resource())}
	}
	if err != nil && !other {
		return liveQueue{}, queueFailed(err, "CreateQueue", q.name)
	}
	var have liveQueue
	err = p.await(ctx, func() (bool, error) {
		have, err = p.live(ctx, q.name)
		return err != nil || have.exists(), err
	})
	if err != nil || !other {
		return have, err
	}
	if err := p.setAttributes(ctx, q.name, have.url, want); err != nil || len(p.bp.Tags) == 0 {
		return have, err
	}
	return have, p.tagQueue(ctx, q.name, have.url)
}
