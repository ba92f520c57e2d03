package aws

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// polls are the long polls of one queue. A poll whose caller goes away (a pause,
// an open breaker) is not cut off, because SQS may have hidden messages for it
// already: the next caller takes it over, or what it brings is given back.
type polls struct {
	mu    sync.Mutex
	going *poll
	empty time.Time // when a poll last brought nothing
}

type poll struct {
	done     chan struct{}
	taken    bool // its caller waits
	messages []types.Message
	err      error
	at       time.Time // of the answer
}

// wait answers what a poll brings; with ctx over it leaves the poll to the next
// caller. give takes what comes for nobody.
func (q *queue) wait(ctx context.Context, life context.Context, all *underWay, n int, hide, wait time.Duration, give func([]types.Message)) ([]types.Message, time.Time, error) {
	q.polls.mu.Lock()
	p := q.polls.going
	if p == nil || p.taken {
		p = &poll{done: make(chan struct{})}
		if q.polls.going == nil {
			q.polls.going = p
		}
		all.Go(func() { q.run(life, p, n, hide, wait, give) })
	}
	p.taken = true
	q.polls.mu.Unlock()
	select {
	case <-p.done:
		return p.messages, p.at, p.err
	case <-ctx.Done():
	}
	q.polls.mu.Lock()
	defer q.polls.mu.Unlock()
	select {
	case <-p.done: // just now: the caller has it after all
		return p.messages, p.at, p.err
	default:
	}
	p.taken = false
	if q.polls.going == nil {
		q.polls.going = p
	}
	return nil, time.Time{}, ctx.Err()
}

func (q *queue) run(life context.Context, p *poll, n int, hide, wait time.Duration, give func([]types.Message)) {
	ctx, cancel := context.WithTimeout(life, wait+longestPoll)
	defer cancel()
	messages, err := q.receive(ctx, n, hide, wait)
	q.polls.mu.Lock()
	p.messages, p.err, p.at = messages, err, time.Now()
	if err == nil && len(messages) == 0 && wait >= time.Second { // a short poll asks some of SQS's servers only
		q.polls.empty = p.at
	}
	if q.polls.going == p {
		q.polls.going = nil
	}
	orphan := !p.taken
	close(p.done)
	q.polls.mu.Unlock()
	if orphan && len(messages) > 0 {
		give(messages)
	}
}

// emptyAt is when a poll of this process last brought nothing, zero if none did.
func (q *queue) emptyAt() time.Time {
	q.polls.mu.Lock()
	defer q.polls.mu.Unlock()
	return q.polls.empty
}
