package aws

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"redrive/pipeline"
)

// QueueSelector names queues that are not ours: one, or all whose names begin
// with a prefix.
type QueueSelector struct{ Name, Prefix string }

const (
	queuesAtOnce  = 8                // requests at once for the facts of queues
	queuesListFor = 10 * time.Second // the longest a list may take
)

// foreignQueues are the queues on SQS that are not ours, and the dead-letter
// queues of our steps. What is seen in them is kept in the table.
type foreignQueues struct {
	client *sqs.Client
	table  *table
	log    *slog.Logger
	named  []QueueSelector
	steps  map[string]bool             // queues of our steps: never looked into, whatever the prefix
	dead   map[string]pipeline.StepKey // and their dead-letter queues

	mu      sync.Mutex
	urls    map[string]string
	arns    map[string]string
	sources map[string]sourcesOf // what SQS said, a while ago
	unasked bool                 // this SQS does not know ListDeadLetterSourceQueues
}

func newForeignQueues(client *sqs.Client, t *table, cfg Config) *foreignQueues {
	f := &foreignQueues{client: client, table: t, log: cfg.Logger, named: cfg.Queues, steps: map[string]bool{}, dead: map[string]pipeline.StepKey{},
		urls: map[string]string{}, arns: map[string]string{}, sources: map[string]sourcesOf{}}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	n := namesOf(cfg)
	for _, p := range cfg.Pipelines {
		for _, step := range p.Steps {
			f.steps[n.queue(p.Name, step)] = true
			f.dead[n.dead(p.Name, step)] = pipeline.StepKey{Pipeline: p.Name, Step: step}
		}
	}
	return f
}

// addTo gives a backend its queues that are not ours.
func (f *foreignQueues) addTo(b *pipeline.Backend) {
	b.Queues, b.Transfers, b.Copies = f, f, queueCopies{f.table}
}

// List reads all queues at once. One that cannot be read says why in its place,
// so that the others can be seen.
func (f *foreignQueues) List(ctx context.Context) ([]pipeline.Queue, error) {
	ctx, cancel := context.WithTimeout(ctx, queuesListFor)
	defer cancel()
	names, broken := f.names(ctx)
	list := f.facts(ctx, names)
	var dead []string // of these, not named themselves
	for _, q := range list {
		if d := q.DeadLetterQueue; d != "" && !slices.Contains(names, d) && !slices.Contains(dead, d) && !f.ours(d) {
			dead = append(dead, d)
		}
	}
	list = append(list, f.facts(ctx, dead)...)
	for _, q := range f.facts(ctx, f.deadNames()) {
		if q.Depth() > 0 {
			list = append(list, q)
		}
	}
	f.relate(ctx, list)
	list = append(list, broken...)
	slices.SortFunc(list, func(a, b pipeline.Queue) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Get reads the dead-letter queue of a step.
func (f *foreignQueues) Get(ctx context.Context, name string) (pipeline.Queue, error) {
	if _, ours := f.dead[name]; !ours {
		return pipeline.Queue{}, &pipeline.Error{Code: pipeline.CodeNotFound,
			Text: "there is no queue " + name + " here: the console looks into those that `queues:` names in the configuration, their dead-letter queues, and those of its own steps"}
	}
	list := f.facts(ctx, []string{name})
	f.relate(ctx, list)
	return list[0], nil
}

// ours tells whether a queue belongs to one of our steps.
func (f *foreignQueues) ours(name string) bool {
	_, dead := f.dead[name]
	return dead || f.steps[name]
}

func (f *foreignQueues) deadNames() []string {
	names := make([]string, 0, len(f.dead))
	for name := range f.dead {
		names = append(names, name)
	}
	return names
}

// names are the queues that are named, by themselves or by a prefix. A prefix
// that cannot be asked for is a queue with an error.
func (f *foreignQueues) names(ctx context.Context) (names []string, broken []pipeline.Queue) {
	for _, s := range f.named {
		if s.Name != "" {
			names = append(names, s.Name)
			continue
		}
		found, err := f.begin(ctx, s.Prefix)
		if err != nil {
			broken = append(broken, pipeline.Queue{Name: s.Prefix + "*", Error: err.(*pipeline.Error).Text, ReadAt: time.Now().UTC()}) //nolint:errorlint,forcetypeassert // fail answers no other
		}
		names = append(names, found...)
	}
	names = slices.DeleteFunc(names, f.ours)
	slices.Sort(names)
	return slices.Compact(names), broken
}

// begin lists the queues whose names begin with a prefix.
func (f *foreignQueues) begin(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	pages := sqs.NewListQueuesPaginator(f.client, &sqs.ListQueuesInput{QueueNamePrefix: &prefix, MaxResults: sdkaws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return names, f.fail(err, "ListQueues", prefix+"*")
		}
		for _, url := range page.QueueUrls {
			name := nameIn(url, "/")
			f.remember(name, url)
			names = append(names, name)
		}
	}
	return names, nil
}

func (f *foreignQueues) remember(name, url string) {
	f.mu.Lock()
	f.urls[name] = url
	f.mu.Unlock()
}

// url is where a queue is. It is asked for once, and again when the queue is
// gone.
func (f *foreignQueues) url(ctx context.Context, name string) (*string, error) {
	f.mu.Lock()
	url, known := f.urls[name]
	f.mu.Unlock()
	if known {
		return &url, nil
	}
	out, err := f.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return nil, f.fail(err, "GetQueueUrl", name)
	}
	f.remember(name, sdkaws.ToString(out.QueueUrl))
	return out.QueueUrl, nil
}

// fail turns an error into a sentence. What will not pass by itself is told
// apart from what may.
func (f *foreignQueues) fail(err error, action, name string) error {
	if err == nil {
		return nil
	}
	told := failure(err, "sqs:"+action, "queue "+name).(*pipeline.Error) //nolint:errorlint,forcetypeassert // failure answers no other
	switch {
	case isMissing(err):
		f.mu.Lock()
		delete(f.urls, name)
		f.mu.Unlock()
		return &pipeline.Error{Code: pipeline.CodeNotFound, Text: "queue " + name + " does not exist in this region and account (sqs:" + action + ")", Err: err}
	case isDenied(err):
		return &pipeline.Error{Code: pipeline.CodeConflict, Text: told.Text, Err: err}
	}
	return told
}

// entry turns what SQS said of one entry of a batch into a sentence.
func (f *foreignQueues) entry(err error, action, name string) error {
	e, ok := errors.AsType[*entryError](err)
	if !ok {
		return err
	}
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "sqs:" + action + " on queue " + name + " failed with " + e.code, Err: err}
}

// nameIn an address or ARN is the name of the queue.
func nameIn(text, separator string) string { return text[strings.LastIndex(text, separator)+1:] }
