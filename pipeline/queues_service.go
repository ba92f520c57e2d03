package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	kindQueueLook  = "queue-look"
	queuesFresh    = 5 * time.Second  // pages within so long share a reading: each costs a request a queue
	queueHide      = 2 * time.Minute  // how long messages are hidden while they are moved
	queueLookHide  = 30 * time.Second // how long they are hidden while they are looked at
	queueLookFor   = 20 * time.Second // the longest look, so that nothing comes back while it lasts
	queueTakeWait  = time.Second      // one long poll; it asks every server of the service
	queueBatch     = 10               // messages in one request
	queueLookUsual = 100
	queueLookMost  = 1000
)

// Queues looks into queues that are not ours and moves what lies there. It has
// nothing to do where the backend has no such queues.
type Queues struct {
	e    *Engine
	hide time.Duration

	mu    sync.Mutex
	list  []Queue
	until time.Time // when list is too old to be shown

	moves queueMoves
}

func newQueues(e *Engine) *Queues {
	q := &Queues{e: e, hide: cmp.Or(e.cfg.QueueHide, queueHide)}
	q.moves.live = map[string]*queueRun{}
	return q
}

// Available tells whether the backend has queues that are not ours.
func (q *Queues) Available() bool { return q.e.backend.Queues != nil }

func (q *Queues) available() error {
	if q.Available() {
		return nil
	}
	return notFound("queues that are not ours are looked for on SQS: they need `backend: aws` and `queues:` in the configuration")
}

// List returns the queues, by name, at most a few seconds old.
func (q *Queues) List(ctx context.Context) ([]Queue, error) {
	if err := q.available(); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock() // others wait for the same reading
	if time.Now().Before(q.until) {
		return slices.Clone(q.list), nil
	}
	list, err := q.e.backend.Queues.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing queues: %w", err)
	}
	q.list, q.until = list, time.Now().Add(queuesFresh)
	return slices.Clone(list), nil
}

// Get returns one queue, at most a few seconds old, or ErrNotFound.
func (q *Queues) Get(ctx context.Context, name string) (Queue, error) {
	list, err := q.List(ctx)
	if err != nil {
		return Queue{}, err
	}
	if i := slices.IndexFunc(list, func(other Queue) bool { return other.Name == name }); i >= 0 {
		return list[i], nil
	}
	return q.e.backend.Queues.Get(ctx, name)
}

// there is Get for something that is to be done to the queue: it must exist, and
// its depth is asked for anew.
func (q *Queues) there(ctx context.Context, name string) (Queue, error) {
	if err := q.available(); err != nil {
		return Queue{}, err
	}
	q.forget()
	queue, err := q.Get(ctx, name)
	if err == nil && queue.Error != "" {
		return queue, conflict(queue.Error)
	}
	return queue, err
}

// forget makes the next reading a fresh one.
func (q *Queues) forget() {
	q.mu.Lock()
	q.until = time.Time{}
	q.mu.Unlock()
}

// changed makes the next reading a fresh one and tells the pages.
func (q *Queues) changed(topics ...string) {
	q.forget()
	q.e.Events.Touch(append(topics, TopicQueues)...)
}

// LastLook tells what was last done to a queue from here.
func (q *Queues) LastLook(ctx context.Context, name string) (QueueLook, error) {
	look, _, err := q.look(ctx, name)
	return look, err
}

func (q *Queues) look(ctx context.Context, name string) (look QueueLook, version int64, err error) {
	rec, err := q.e.backend.Records.Get(ctx, kindQueueLook, name)
	if errors.Is(err, ErrNotFound) {
		return look, 0, nil
	}
	if err != nil {
		return look, 0, fmt.Errorf("reading the last look into queue %s: %w", name, err)
	}
	return look, rec.Version, json.Unmarshal(rec.Data, &look)
}

// note changes what is kept of looks into a queue, with the entry.
func (q *Queues) note(ctx context.Context, name string, entry *Entry, change func(*QueueLook)) error {
	for {
		look, version, err := q.look(ctx, name)
		if err != nil {
			return err
		}
		change(&look)
		data, err := json.Marshal(look)
		if err != nil {
			return err
		}
		err = q.e.backend.Records.Put(ctx, entry, Record{Kind: kindQueueLook, ID: name, Version: version, Data: data})
		if !errors.Is(err, ErrVersion) {
			return err
		}
	}
}

// Copies lists what was seen in a queue. Reading copies changes nothing.
func (q *Queues) Copies(ctx context.Context, name string, f QueueCopyFilter) (Page[QueueCopy], error) {
	if _, err := q.Get(ctx, name); err != nil {
		return Page[QueueCopy]{}, err
	}
	if err := searchable(f.Query); err != nil {
		return Page[QueueCopy]{}, err
	}
	f.Blind = f.Blind || ActorFrom(ctx).blind()
	return q.e.backend.Copies.List(ctx, name, f)
}

// Copy returns one of them by its key, or ErrNotFound.
func (q *Queues) Copy(ctx context.Context, name, key string) (QueueCopy, error) {
	if _, err := q.Get(ctx, name); err != nil {
		return QueueCopy{}, err
	}
	return q.e.backend.Copies.Get(ctx, name, key)
}

// Purge deletes everything in a queue. The entry is written first, so that
// nothing is deleted that nobody would know of.
func (q *Queues) Purge(ctx context.Context, name, reason string) (queue Queue, err error) {
	entry := NewEntry(ctx, "queue.purge", queuePath(name), reason, nil)
	defer q.e.Audit.failed(ctx, entry, &err)
	if strings.TrimSpace(reason) == "" {
		return Queue{}, invalid("reason", "say why: it needs a reason")
	}
	if queue, err = q.there(ctx, name); err != nil {
		return queue, err
	}
	if err := q.idle(ctx, name); err != nil {
		return queue, err
	}
	entry.with(map[string]any{"visible": queue.Visible, "in_flight": queue.InFlight, "delayed": queue.Delayed})
	if err := q.e.backend.Audit.Append(ctx, *entry); err != nil {
		return queue, fmt.Errorf("writing the audit: %w", err)
	}
	if err := q.e.backend.Queues.Purge(ctx, name); err != nil {
		return queue, q.refused(ctx, "queue.purge", name, reason, err)
	}
	q.changed(TopicAudit)
	by := ActorFrom(ctx).Name
	if err := q.note(ctx, name, nil, func(l *QueueLook) { l.PurgedAt, l.PurgedBy = time.Now().UTC(), by }); err != nil {
		q.e.log.WarnContext(ctx, "noting a purge", "queue", name, "error", err)
	}
	return q.Get(ctx, name)
}

// refused adds to the audit that what an earlier entry announced did not happen.
func (q *Queues) refused(ctx context.Context, action, name, reason string, why error) error {
	entry := NewEntry(ctx, action, queuePath(name), reason, nil)
	entry.Result = sentenceOf(why)
	if err := q.e.backend.Audit.Append(context.WithoutCancel(ctx), *entry); err != nil {
		q.e.log.WarnContext(ctx, "writing the audit", "queue", name, "error", err)
	}
	q.e.Events.Touch(TopicAudit)
	return why
}

func queuePath(name string) string { return "queues/" + name }

func sentenceOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Text
	}
	return err.Error()
}
