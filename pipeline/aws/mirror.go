package aws

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline"
)

const (
	tidyAfter  = 5 * time.Second // after a letter was moved
	tidyEvery  = 5 * time.Minute // what SQS put there by itself is looked for
	tidyHide   = 60 * time.Second
	tidyMost   = 10_000 // messages one look goes through
	emptyLooks = 3      // short polls without a message that end a look: each asks some servers only
)

// mirror keeps the dead-letter queues of the steps like the dead letters in the
// table, for whoever watches queues: a message lies there for each dead step and
// goes when the step is moved. The table is the truth; the queue follows.
//
// It also fetches back what SQS itself moved there after too many receives: a
// worker that dies again and again lets SQS do so. The row's own budget decides.
type mirror struct {
	s *Store

	mu    sync.Mutex
	dirty map[pipeline.StepKey]bool
}

// deadMessage is a message of a dead-letter queue. Its Letter is empty in one that
// SQS moved there.
type deadMessage struct {
	stepMessage
	Step  string `json:"step,omitempty"`
	Group string `json:"group,omitempty"`
}

func newMirror(s *Store) *mirror { return &mirror{s: s, dirty: map[pipeline.StepKey]bool{}} }

// touch notes that letters of a step were moved.
func (m *mirror) touch(name, step string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dirty[pipeline.StepKey{Pipeline: name, Step: step}] = true
}

// add puts a message for a dead step into its dead-letter queue. If it cannot,
// the letter is in the table all the same.
func (m *mirror) add(ctx context.Context, r *row, step string) {
	c := r.cells[step]
	if c.Dead == nil {
		return
	}
	q, err := m.s.queues.get(ctx, m.s.names.dead(r.pipeline(), step))
	if err == nil {
		body, _ := json.Marshal(deadMessage{stepMessage: stepMessage{Row: r.id.text, Gen: c.Gen, Letter: c.Dead.ID}, Step: step, Group: c.Dead.Group}) //nolint:errchkjson // plain values
		err = q.sends.do(ctx, string(body))[0]
	}
	if err != nil {
		m.s.outage.note(m.s.log, err)
	}
}

// run tidies until ctx ends.
func (m *mirror) run(ctx context.Context) {
	soon, full := time.NewTicker(tidyAfter), time.NewTicker(tidyEvery)
	defer soon.Stop()
	defer full.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-full.C:
			for _, p := range m.s.cfg.Pipelines {
				for _, step := range p.Steps {
					m.touch(p.Name, step)
				}
			}
		case <-soon.C:
		}
		m.tidyAll(ctx)
	}
}

func (m *mirror) tidyAll(ctx context.Context) {
	m.mu.Lock()
	dirty := m.dirty
	m.dirty = map[pipeline.StepKey]bool{}
	m.mu.Unlock()
	for key := range dirty {
		if err := m.tidy(ctx, key); err != nil && ctx.Err() == nil {
			m.s.outage.note(m.s.log, err)
		}
	}
}

// tidy goes through a dead-letter queue once, if there is anything in it.
func (m *mirror) tidy(ctx context.Context, key pipeline.StepKey) error {
	q, err := m.s.queues.get(ctx, m.s.names.dead(key.Pipeline, key.Step))
	if err != nil {
		return err
	}
	visible, _, _, err := q.depth(ctx)
	if err != nil || visible == 0 {
		return err
	}
	var stay []hide
	defer func() {
		q.hides.later(stay...)
	}()
	for seen, empty := 0, 0; seen < tidyMost && empty < emptyLooks && ctx.Err() == nil; {
		messages, err := q.receive(ctx, batchMost, tidyHide, 0)
		if err != nil {
			return err
		}
		if seen += len(messages); len(messages) == 0 {
			empty++
			continue
		}
		empty = 0
		kept, err := m.sort(ctx, key, q, messages)
		if stay = append(stay, kept...); err != nil {
			return err
		}
	}
	return nil
}

// sort deletes the messages that are stale, fetches back those that SQS moved,
// and answers those that stay.
func (m *mirror) sort(ctx context.Context, key pipeline.StepKey, q *queue, messages []types.Message) ([]hide, error) {
	parsed := make([]deadMessage, len(messages))
	var ids []string
	for i, msg := range messages {
		if json.Unmarshal([]byte(sdkaws.ToString(msg.Body)), &parsed[i]) == nil && parsed[i].Row != "" && msg.MessageAttributes[reasonAttribute].StringValue == nil {
			ids = append(ids, parsed[i].Row)
		} else {
			parsed[i] = deadMessage{} // set aside, or not ours: it stays
		}
	}
	found, err := m.s.rowsOf(ctx, ids)
	var stay []hide
	for i, msg := range messages {
		handle := sdkaws.ToString(msg.ReceiptHandle)
		d := parsed[i]
		if err != nil || d.Row == "" {
			stay = append(stay, hide{handle: handle})
			continue
		}
		r := found[d.Row]
		switch {
		case d.Letter != "" && r != nil && r.aside == nil && r.cells[key.Step].Dead != nil && r.cells[key.Step].Dead.ID == d.Letter:
			stay = append(stay, hide{handle: handle})
		case d.Letter != "" || r == nil:
			q.deletes.later(handle)
		default:
			if backErr := m.fetchBack(ctx, key, q, r, d, handle); backErr != nil {
				return stay, backErr
			}
		}
	}
	return stay, err
}

// fetchBack puts a message that SQS moved here back into its step's queue, if
// its step still waits for it.
func (m *mirror) fetchBack(ctx context.Context, key pipeline.StepKey, q *queue, r *row, d deadMessage, handle string) error {
	if c, ok := r.cell(key.Step); ok && c.open() && c.Gen == d.Gen && r.aside == nil {
		body := stepMessage{Row: d.Row, Gen: d.Gen, Base: c.Seen}.encode()
		if err := m.s.send(ctx, key, body); err != nil {
			return err
		}
		m.s.log.WarnContext(ctx, "fetched a message back that SQS had moved to the dead-letter queue", "queue", q.name, "row", d.Row)
	}
	q.deletes.later(handle)
	return nil
}

// renewAfter is how many receives a message may have before it is sent anew:
// below what the queue's redrive policy takes for a crash loop, so that a step
// that is retried for ever stays out of the dead-letter queue.
const renewAfter = 50

// renew sends a message anew for a later time, carrying on its receives, and
// deletes the old one after.
func (s *Store) renew(ctx context.Context, q *queue, row string, gen int64, count int, handle string, wait time.Duration) error {
	body := stepMessage{Row: row, Gen: gen, Base: count}.encode()
	delay := wholeSeconds(wait, longestDelay)
	if _, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body, DelaySeconds: delay}); err != nil {
		return q.fail(err, "SendMessage")
	}
	q.deletes.later(handle)
	return nil
}

// longestDelay is as long as SQS lets a message be delayed at its sending.
const longestDelay = 15 * time.Minute
