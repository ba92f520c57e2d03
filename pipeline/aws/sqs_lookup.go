package aws

import (
	"context"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// lookupFor is how long the address of a queue may take to be found.
const lookupFor = 15 * time.Second

// lookup is a question for a queue's address, of all who want it at the same
// time.
type lookup struct {
	done  chan struct{}
	queue *queue
	err   error
}

// get finds a queue by name. Its address is asked for once.
func (qs *queues) get(ctx context.Context, name string) (*queue, error) {
	qs.mu.Lock()
	if q := qs.byName[name]; q != nil {
		qs.mu.Unlock()
		return q, nil
	}
	l := qs.lookups[name]
	if l == nil {
		l = &lookup{done: make(chan struct{})}
		qs.lookups[name] = l
		cause := purposeOf(ctx)
		qs.all.Go(func() { qs.look(cause, name, l) })
	}
	qs.mu.Unlock()
	select {
	case <-l.done:
		return l.queue, l.err
	case <-ctx.Done():
		return nil, failure(ctx.Err(), "sqs:GetQueueUrl", "queue "+name)
	}
}

// look goes on when the one who began it has given up: others may be waiting.
func (qs *queues) look(cause purpose, name string, l *lookup) {
	ctx, cancel := context.WithTimeout(onBehalf(qs.life, cause), lookupFor)
	defer cancel()
	out, err := qs.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if l.err = failure(err, "sqs:GetQueueUrl", "queue "+name); err == nil {
		l.queue = qs.open(name, sdkaws.ToString(out.QueueUrl))
		qs.byName[name] = l.queue
	}
	delete(qs.lookups, name)
	close(l.done)
}
