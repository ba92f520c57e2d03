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
	kindQueueMove  = "queue-move"
	kindQueueBusy  = "queue-busy" // one a queue: which move has it
	queueIDsMost   = 1000         // selected in one move; they are kept with it
	nativeRateMost = 500          // of the queue service
	queueMovesMost = 200          // looked at for those of one queue
)

// queueMoves are the moves at work in this process.
type queueMoves struct {
	mu   sync.Mutex
	live map[string]*queueRun
	all  sync.WaitGroup
	life context.Context // of Run
	over bool            // Run waits for what has begun; nothing begins any more
}

// Move starts to move messages out of a queue and answers at once.
func (q *Queues) Move(ctx context.Context, name string, req QueueMoveRequest) (m QueueMove, err error) {
	entry := NewEntry(ctx, "queue.redrive", queuePath(name), req.Reason, map[string]any{"to": req.To, "all": req.All, "ids": req.IDs,
		"native": req.Native, "rate_per_second": req.Rate})
	defer q.e.Audit.failed(ctx, entry, &err)
	if err := req.validate(); err != nil {
		return QueueMove{}, err
	}
	queue, err := q.there(ctx, name)
	if err != nil {
		return QueueMove{}, err
	}
	to, err := q.target(ctx, &queue, req)
	if err != nil {
		return QueueMove{}, err
	}
	m = QueueMove{ID: NewID(), Queue: name, To: to, Native: req.Native, All: req.All, State: MoveRunning, Rate: req.Rate, Skipped: []Skip{},
		By: ActorFrom(ctx).Name, Reason: req.Reason, StartedAt: time.Now().UTC().Truncate(time.Millisecond),
		Worker: q.e.cfg.Worker, Until: time.Now().UTC().Add(q.e.cfg.Lease)}
	if m.Matched = queue.Visible + queue.Delayed; !req.All {
		m.Open = slices.Compact(slices.Sorted(slices.Values(req.IDs)))
		m.Matched = int64(len(m.Open))
	}
	if err := q.begin(ctx, &m, entry); err != nil {
		return QueueMove{}, err
	}
	q.changed(TopicAudit)
	q.launch(m)
	return m, nil
}

// begin stores a move, for native ones after the service has begun it.
func (q *Queues) begin(ctx context.Context, m *QueueMove, entry *Entry) error {
	entry.with(map[string]any{"move": m.ID, "to": m.To, "all": m.All,
		"ids": m.Open, "native": m.Native, "matched": m.Matched, "rate_per_second": m.Rate})
	claim, err := q.claim(ctx, m)
	if err != nil {
		return err
	}
	if !m.Native {
		err = q.save(ctx, m, entry, claim)
	} else if err = q.e.backend.Records.Put(ctx, entry, claim); err == nil {
		return q.beginNative(ctx, m)
	}
	if errors.Is(err, ErrVersion) {
		return conflict("another redrive of queue " + m.Queue + " began at the same moment; one runs at a time")
	}
	return err
}

func (req QueueMoveRequest) validate() error {
	switch {
	case req.IDs != nil && req.All:
		return invalid("all", "choose either ids or all")
	case req.IDs == nil && !req.All:
		return invalid("ids", "choose either ids or all; neither is given")
	case !req.All && len(req.IDs) == 0:
		return invalid("ids", "ids is empty; name at least one message")
	case len(req.IDs) > queueIDsMost:
		return invalid("ids", fmt.Sprintf("at most %d ids at once; choose all instead", queueIDsMost))
	case slices.ContainsFunc(req.IDs, func(id string) bool { return id == "" || len(id) > 100 }):
		return invalid("ids", "ids holds something that is no message id")
	case req.Native && !req.All:
		return invalid("native", "the native move takes everything: give all, or leave native out")
	case req.Rate < 0 || req.Rate > operationRateMost || req.Rate != req.Rate:
		return invalid("rate_per_second", "rate_per_second is a number from 0, no limit, to a million")
	case req.Native && (req.Rate > nativeRateMost || req.Rate != float64(int(req.Rate))):
		return invalid("rate_per_second", "the native move takes a whole number of at most 500 messages a second, or 0 to leave it to the service")
	case strings.TrimSpace(req.Reason) == "":
		return invalid("reason", "say why: it needs a reason")
	}
	return nil
}

// target finds where the messages go; empty: each to where it came from. Only
// the queue's sources and the queues of the list can be named.
func (q *Queues) target(ctx context.Context, queue *Queue, req QueueMoveRequest) (string, error) {
	if queue.FIFO && !req.Native {
		return "", invalid("native", "queue "+queue.Name+" is FIFO: only the native move keeps the order of its message groups")
	}
	if req.To == "" {
		return q.source(ctx, queue, req.Native)
	}
	list, err := q.List(ctx)
	if err != nil {
		return "", err
	}
	listed := slices.ContainsFunc(list, func(other Queue) bool { return other.Name == req.To && other.Error == "" })
	switch {
	case req.To == queue.Name:
		return "", invalid("to", "to is the queue itself; name another")
	case !listed && !slices.Contains(queue.Sources, req.To):
		return "", invalid("to", "to must be a source of queue "+queue.Name+" or one of the queues listed under /queues; "+req.To+" is neither")
	case strings.HasSuffix(req.To, ".fifo") != queue.FIFO:
		return "", invalid("to", "one of "+queue.Name+" and "+req.To+" is FIFO and the other is not; messages cannot go from one kind to the other")
	}
	return req.To, nil
}

// source is where messages go when nothing is said. With several sources the
// messages themselves must tell.
func (q *Queues) source(ctx context.Context, queue *Queue, native bool) (string, error) {
	switch len(queue.Sources) {
	case 0:
		if native {
			return "", nil // the service knows, or refuses
		}
		return "", invalid("to", "queue "+queue.Name+" is no dead-letter queue of a queue that is known here: say where to, in to")
	case 1:
		return queue.Sources[0], nil
	}
	if native {
		return "", nil
	}
	tell, err := q.TellSource(ctx, queue.Name)
	if err == nil && !tell {
		err = invalid("to", "queue "+queue.Name+" is the dead-letter queue of "+strings.Join(queue.Sources, ", ")+
			", and the messages seen do not say which of them they came from: say where to, in to")
	}
	return "", err
}

// TellSource tells whether every message that was seen in a queue, of the newest
// twenty, said which queue it came from.
func (q *Queues) TellSource(ctx context.Context, name string) (bool, error) {
	page, err := q.e.backend.Copies.List(ctx, name, QueueCopyFilter{Limit: 20})
	silent := func(c QueueCopy) bool { return c.Source == "" }
	return len(page.Items) > 0 && !slices.ContainsFunc(page.Items, silent), err
}

// claim is the record that makes a move the only one of its queue.
func (q *Queues) claim(ctx context.Context, m *QueueMove) (Record, error) {
	claim := Record{Kind: kindQueueBusy, ID: m.Queue, Data: fmt.Appendf(nil, `{"move":%q}`, m.ID)}
	rec, err := q.e.backend.Records.Get(ctx, kindQueueBusy, m.Queue)
	if errors.Is(err, ErrNotFound) {
		return claim, nil
	}
	if err != nil {
		return claim, fmt.Errorf("reading whether queue %s is being moved: %w", m.Queue, err)
	}
	claim.Version = rec.Version
	var held struct{ Move string }
	if err := json.Unmarshal(rec.Data, &held); err != nil {
		return claim, err
	}
	other, err := q.readMove(ctx, held.Move)
	if err == nil && !other.State.Final() {
		return claim, busy(&other)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return claim, err
	}
	return claim, nil
}

func busy(m *QueueMove) error {
	return conflict(fmt.Sprintf("queue %s has a redrive that is %s already (%s, by %s); one at a time, wait for it or cancel it", m.Queue, m.State, m.ID, m.By))
}

// idle refuses while messages of a queue are being moved.
func (q *Queues) idle(ctx context.Context, name string) error {
	_, err := q.claim(ctx, &QueueMove{Queue: name})
	return err
}

// GetMove returns a move as it stands, or ErrNotFound.
func (q *Queues) GetMove(ctx context.Context, name, id string) (QueueMove, error) {
	if err := q.available(); err != nil {
		return QueueMove{}, err
	}
	m, err := q.readMove(ctx, id)
	if err == nil && m.Queue != name {
		return QueueMove{}, notFound("queue " + name + " has no redrive " + id)
	}
	return m, err
}

func (q *Queues) readMove(ctx context.Context, id string) (QueueMove, error) {
	rec, err := q.e.backend.Records.Get(ctx, kindQueueMove, id)
	if errors.Is(err, ErrNotFound) {
		return QueueMove{}, notFound("there is no redrive " + id + " of a queue")
	}
	if err != nil {
		return QueueMove{}, err
	}
	return moveOf(rec)
}

func moveOf(rec Record) (QueueMove, error) {
	var m QueueMove
	err := json.Unmarshal(rec.Data, &m)
	m.version = rec.Version
	return m, err
}

// Moves lists the moves of a queue, or all with an empty name, newest first.
func (q *Queues) Moves(ctx context.Context, name string, limit int) ([]QueueMove, error) {
	if err := q.available(); err != nil {
		return nil, err
	}
	page, err := q.e.backend.Records.List(ctx, kindQueueMove, "", queueMovesMost)
	if err != nil {
		return nil, err
	}
	list := []QueueMove{}
	for _, rec := range page.Items {
		m, err := moveOf(rec)
		if err != nil {
			return nil, err
		}
		if (name == "" || m.Queue == name) && len(list) < cmp.Or(limit, queueMovesMost) {
			list = append(list, m)
		}
	}
	return list, nil
}

func (q *Queues) save(ctx context.Context, m *QueueMove, entry *Entry, more ...Record) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	rec := Record{Kind: kindQueueMove, ID: m.ID, Version: m.version, Data: data, ExpiresAt: m.StartedAt.Add(keepOperations)}
	if err := q.e.backend.Records.Put(ctx, entry, append([]Record{rec}, more...)...); err != nil {
		return fmt.Errorf("storing redrive %s of queue %s: %w", m.ID, m.Queue, err)
	}
	m.version++
	return nil
}
