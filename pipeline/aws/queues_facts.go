package aws

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline"
)

// sourcesFresh is how long the sources of a dead-letter queue are believed: who
// gives up into it changes rarely, and asking costs a request a queue.
const sourcesFresh = 5 * time.Minute

// sourcesOf is what SQS said of who gives up into a queue.
type sourcesOf struct {
	names []string
	until time.Time
}

// facts reads queues, some at once, in the order of their names.
func (f *foreignQueues) facts(ctx context.Context, names []string) []pipeline.Queue {
	list := make([]pipeline.Queue, len(names))
	each(len(names), func(i int) {
		q, err := f.read(ctx, names[i])
		if err != nil {
			q.Error = err.Error()
			if e, ok := err.(*pipeline.Error); ok { //nolint:errorlint // fail answers no other
				q.Error = e.Text
			}
		}
		list[i] = q
	})
	return list
}

// each calls do for 0 to n-1, some at once.
func each(n int, do func(int)) {
	var all sync.WaitGroup
	free := make(chan struct{}, queuesAtOnce)
	for i := range n {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			do(i)
		})
	}
	all.Wait()
}

func (f *foreignQueues) read(ctx context.Context, name string) (pipeline.Queue, error) {
	q := pipeline.Queue{Name: name, FIFO: strings.HasSuffix(name, ".fifo"), Step: f.dead[name], ReadAt: time.Now().UTC(), Sources: []string{}}
	url, err := f.url(ctx, name)
	if err != nil {
		return q, err
	}
	out, err := f.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed, types.QueueAttributeNameQueueArn,
		types.QueueAttributeNameRedrivePolicy, types.QueueAttributeNameMessageRetentionPeriod}})
	if err != nil {
		return q, f.fail(err, "GetQueueAttributes", name)
	}
	n := func(a types.QueueAttributeName) int64 {
		v, _ := strconv.ParseInt(out.Attributes[string(a)], 10, 64)
		return v
	}
	q.URL, q.ARN = *url, out.Attributes[string(types.QueueAttributeNameQueueArn)]
	q.Visible, q.InFlight = n(types.QueueAttributeNameApproximateNumberOfMessages), n(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)
	q.Delayed = n(types.QueueAttributeNameApproximateNumberOfMessagesDelayed)
	q.Retention = time.Duration(n(types.QueueAttributeNameMessageRetentionPeriod)) * time.Second
	q.DeadLetterQueue, q.MaxReceives = policyOf(out.Attributes[string(types.QueueAttributeNameRedrivePolicy)])
	f.mu.Lock()
	f.arns[name] = q.ARN
	f.mu.Unlock()
	return q, nil
}

// arn is what SQS's own moves call a queue.
func (f *foreignQueues) arn(ctx context.Context, name string) (*string, error) {
	f.mu.Lock()
	arn := f.arns[name]
	f.mu.Unlock()
	if arn != "" {
		return &arn, nil
	}
	q, err := f.read(ctx, name)
	return &q.ARN, err
}

// policyOf reads where a queue gives up to. SQS writes the count as a
// number or as a text, as it was set.
func policyOf(text string) (dead string, receives int) {
	var p struct {
		Target string      `json:"deadLetterTargetArn"`
		Count  json.Number `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(text), &p) != nil {
		var quoted struct {
			Target string `json:"deadLetterTargetArn"`
			Count  string `json:"maxReceiveCount"`
		}
		if json.Unmarshal([]byte(text), &quoted) != nil {
			return "", 0
		}
		p.Target, p.Count = quoted.Target, json.Number(quoted.Count)
	}
	n, _ := p.Count.Int64()
	return nameIn(p.Target, ":"), int(n)
}

// relate finds the sources of queues: what SQS says of each, and what follows
// from the redrive policies seen here.
func (f *foreignQueues) relate(ctx context.Context, list []pipeline.Queue) {
	each(len(list), func(i int) {
		if q := &list[i]; q.Error == "" {
			q.Sources = append(q.Sources, f.told(ctx, q.Name)...)
			if q.Ours() {
				q.Sources = append(q.Sources, strings.TrimSuffix(q.Name, "-dlq"))
			}
		}
	})
	for i := range list {
		for _, other := range list {
			if other.DeadLetterQueue == list[i].Name {
				list[i].Sources = append(list[i].Sources, other.Name)
			}
		}
		slices.Sort(list[i].Sources)
		list[i].Sources = slices.Compact(list[i].Sources)
	}
}

// told are the sources that SQS names, at most some minutes ago.
func (f *foreignQueues) told(ctx context.Context, name string) []string {
	f.mu.Lock()
	last, unasked := f.sources[name], f.unasked
	f.mu.Unlock()
	if unasked || time.Now().Before(last.until) {
		return last.names
	}
	names, err := f.ask(ctx, name)
	f.mu.Lock()
	defer f.mu.Unlock()
	if isUnknown(err) {
		f.unasked = true
		return nil
	}
	if err != nil {
		f.log.WarnContext(ctx, "asking for the sources of a queue", "queue", name, "error", err)
		return last.names
	}
	f.sources[name] = sourcesOf{names: names, until: time.Now().Add(sourcesFresh)}
	return names
}

func (f *foreignQueues) ask(ctx context.Context, name string) ([]string, error) {
	url, err := f.url(ctx, name)
	if err != nil {
		return nil, err
	}
	names := []string{}
	pages := sqs.NewListDeadLetterSourceQueuesPaginator(f.client, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: url, MaxResults: sdkaws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, source := range page.QueueUrls {
			names = append(names, nameIn(source, "/"))
		}
	}
	return names, nil
}
