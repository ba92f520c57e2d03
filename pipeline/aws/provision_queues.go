package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// stepQueue is one of the two queues of a step.
type stepQueue struct {
	name  string
	other string // the step's other queue
	dead  bool   // the dead-letter queue
}

// stepQueues lists all queues that are Redrive's, each dead-letter queue before
// the queue that names it.
func (p *Provisioner) stepQueues() []stepQueue {
	var list []stepQueue
	for _, pl := range p.pipelines {
		for _, step := range pl.Steps {
			main, dead := p.names.queue(pl.Name, step), p.names.dead(pl.Name, step)
			list = append(list, stepQueue{name: dead, other: main, dead: true}, stepQueue{name: main, other: dead})
		}
	}
	return list
}

func (q stepQueue) resource() string { return "queue " + q.name }

func (q stepQueue) change(text string, creates bool, do func(context.Context) error) Change {
	return Change{Text: text, resource: q.resource(), kind: kindHome, creates: creates, do: do}
}

// liveQueue is a queue as it is on SQS.
type liveQueue struct {
	url        string
	attributes map[string]string // nil: there is no such queue
}

func (l liveQueue) exists() bool { return l.attributes != nil }

func (l liveQueue) arn() string { return l.attributes[string(types.QueueAttributeNameQueueArn)] }

func queueFailed(err error, action, name string) error {
	return explained(err, "sqs:"+action, "queue "+name)
}

// queueURL returns the address of a queue, empty if there is none of that name.
func (p *Provisioner) queueURL(ctx context.Context, name string) (string, error) {
	out, err := p.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if isMissing(err) {
		return "", nil
	}
	if err != nil {
		return "", queueFailed(err, "GetQueueUrl", name)
	}
	return *out.QueueUrl, nil
}

func (p *Provisioner) live(ctx context.Context, name string) (liveQueue, error) {
	url, err := p.queueURL(ctx, name)
	if url == "" {
		return liveQueue{}, err
	}
	// All of them, since naming one that this endpoint does not know is an error.
	out, err := p.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if isMissing(err) {
		return liveQueue{}, nil
	}
	if err != nil {
		return liveQueue{}, queueFailed(err, "GetQueueAttributes", name)
	}
	return liveQueue{url: url, attributes: out.Attributes}, nil
}

func (p *Provisioner) planQueues(d *draft) {
	if d.over() {
		return
	}
	queues := p.stepQueues()
	have, errs := make([]liveQueue, len(queues)), make([]error, len(queues))
	each(len(queues), func(i int) { have[i], errs[i] = p.live(d.ctx, queues[i].name) })
	for i := 0; i < len(queues) && !d.over(); i += 2 {
		if d.ok(queues[i].resource(), errs[i]) && d.ok(queues[i+1].resource(), errs[i+1]) {
			p.planQueue(d, queues[i], have[i], have[i+1].exists())
			p.planQueue(d, queues[i+1], have[i+1], true)
		}
	}
}

// planQueue compares one queue. link: both queues will be there once this one
// is created.
func (p *Provisioner) planQueue(d *draft, q stepQueue, have liveQueue, link bool) {
	if !have.exists() {
		d.add(q.change("create "+q.resource(), true, func(ctx context.Context) error { return p.createQueue(ctx, q, link) }))
		return
	}
	if q.dead && have.attributes[allowPolicyName] == "" && !p.knowsAllow(d.ctx, have.url) {
		d.note("who may give up into dead-letter queues: this endpoint does not know it")
		have.attributes[allowPolicyName] = allowPolicy(sibling(have.arn(), q.other))
	}
	before := len(d.Changes)
	if wrong := p.drift(q, have); len(wrong) > 0 {
		set := map[string]string{}
		var texts []string
		for _, w := range wrong {
			set[w.name] = w.want
			texts = append(texts, fmt.Sprintf("%s %s -> %s", w.name, shown(w.name, w.have), shown(w.name, w.want)))
		}
		d.add(q.change(fmt.Sprintf("change %s: %s", q.resource(), strings.Join(texts, ", ")), false, func(ctx context.Context) error {
			return p.setAttributes(ctx, q.name, have.url, set)
		}))
	}
	p.planQueueTags(d, q, have)
	if len(d.Changes) == before {
		d.Right++
	}
}

// knowsAllow tells whether a policy that is not there could be: an endpoint that
// does not know it refuses to be asked for it by name.
func (p *Provisioner) knowsAllow(ctx context.Context, url string) bool {
	_, err := p.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameRedriveAllowPolicy}})
	_, unknown := errors.AsType[*types.InvalidAttributeName](err)
	return !unknown
}

func (p *Provisioner) planQueueTags(d *draft, q stepQueue, have liveQueue) {
	if len(p.bp.Tags) == 0 {
		return
	}
	out, err := p.sqs.ListQueueTags(d.ctx, &sqs.ListQueueTagsInput{QueueUrl: &have.url})
	if !d.ok("the tags of "+q.resource(), queueFailed(err, "ListQueueTags", q.name)) {
		return
	}
	if text := p.untagged(out.Tags); text != "" {
		d.add(q.change(fmt.Sprintf("tag %s: %s", q.resource(), text), false, func(ctx context.Context) error { return p.tagQueue(ctx, q.name, have.url) }))
	}
}

func (p *Provisioner) tagQueue(ctx context.Context, name, url string) error {
	_, err := p.sqs.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: &url, Tags: p.bp.Tags})
	return queueFailed(err, "TagQueue", name)
}

func (p *Provisioner) setAttributes(ctx context.Context, name, url string, set map[string]string) error {
	_, err := p.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: set})
	return queueFailed(err, "SetQueueAttributes", name)
}
