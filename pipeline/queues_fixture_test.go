package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
)

// waters is a queue service in memory that keeps time: what is taken is hidden,
// and comes back. Its receive counts are exact.
type waters struct {
	mu     sync.Mutex
	queues map[string]*water
	copies map[string]map[string]pipeline.QueueCopy
	native []pipeline.NativeMove
	clock  int
	failed map[string]func() error // by the method's name; asked before it acts
	after  map[string]func() error // asked after it acted: the answer is lost
	calls  []string
}

type water struct {
	facts    pipeline.Queue
	messages []*drop
}

type drop struct {
	pipeline.QueueMessage
	hidden time.Time
}

func newWaters(names ...string) *waters {
	w := &waters{queues: map[string]*water{}, copies: map[string]map[string]pipeline.QueueCopy{}, failed: map[string]func() error{}, after: map[string]func() error{}}
	for _, name := range names {
		w.queues[name] = &water{facts: pipeline.Queue{Name: name, FIFO: strings.HasSuffix(name, ".fifo")}}
	}
	if q := w.queues["orders-dlq"]; q != nil {
		q.facts.Sources = []string{"orders"}
	}
	return w
}

func (w *waters) in(b pipeline.Backend) pipeline.Backend {
	b.Queues, b.Transfers, b.Copies = w, w, copies{w}
	return b
}

// put sends messages and returns their ids.
func (w *waters) put(queue string, bodies ...string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for _, body := range bodies {
		w.clock++
		m := pipeline.QueueMessage{ID: fmt.Sprintf("m%04d", w.clock), Body: body, SentAt: time.Now().UTC().Truncate(time.Millisecond)}
		w.queues[queue].messages = append(w.queues[queue].messages, &drop{QueueMessage: m})
		ids = append(ids, m.ID)
	}
	return ids
}

// bodies of everything in a queue, hidden or not.
func (w *waters) bodies(queue string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, d := range w.queues[queue].messages {
		list = append(list, d.Body)
	}
	slices.Sort(list)
	return list
}

func (w *waters) hidden(queue string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, d := range w.queues[queue].messages {
		if d.hidden.After(time.Now()) {
			n++
		}
	}
	return n
}

// call notes a call; what a test asked to fail fails before it does anything.
func (w *waters) call(name string) (done func(*error), err error) {
	w.calls = append(w.calls, name)
	if fail := w.failed[name]; fail != nil {
		if err := fail(); err != nil {
			return nil, err
		}
	}
	return func(err *error) {
		if lose := w.after[name]; lose != nil && *err == nil {
			*err = lose()
		}
	}, nil
}

func (w *waters) count(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.calls {
		if c == name {
			n++
		}
	}
	return n
}

func (w *waters) when(name string, fail func() error) {
	w.mu.Lock()
	w.failed[name] = fail
	w.mu.Unlock()
}

func (w *waters) lose(name string, fail func() error) {
	w.mu.Lock()
	w.after[name] = fail
	w.mu.Unlock()
}

func (w *waters) List(ctx context.Context) ([]pipeline.Queue, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.call("List"); err != nil {
		return nil, err
	}
	var list []pipeline.Queue
	for name := range w.queues {
		list = append(list, w.now(name))
	}
	slices.SortFunc(list, func(a, b pipeline.Queue) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func (w *waters) now(name string) pipeline.Queue {
	q := w.queues[name].facts
	for _, d := range w.queues[name].messages {
		if d.hidden.After(time.Now()) {
			q.InFlight++
		} else {
			q.Visible++
		}
	}
	q.ReadAt = time.Now().UTC()
	return q
}

func (w *waters) Get(_ context.Context, name string) (pipeline.Queue, error) {
	return pipeline.Queue{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "nobody named queue " + name}
}

func (w *waters) Take(_ context.Context, queue string, n int, hide, _ time.Duration) (list []pipeline.QueueMessage, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	done, err := w.call("Take")
	if err != nil {
		return nil, err
	}
	defer done(&err)
	for _, d := range w.queues[queue].messages {
		if len(list) == n || d.hidden.After(time.Now()) {
			continue
		}
		w.clock++
		d.Receives++
		d.hidden, d.Receipt = time.Now().Add(hide), fmt.Sprintf("r%d", w.clock)
		list = append(list, d.QueueMessage)
	}
	return list, nil
}

func (w *waters) Hide(_ context.Context, queue string, hide time.Duration, msgs ...pipeline.QueueMessage) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.call("Hide"); err != nil {
		return err
	}
	for _, d := range w.queues[queue].messages {
		if slices.ContainsFunc(msgs, func(m pipeline.QueueMessage) bool { return m.Receipt == d.Receipt && m.Receipt != "" }) {
			d.hidden = time.Now().Add(hide)
		}
	}
	return nil
}

func (w *waters) Purge(_ context.Context, queue string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.call("Purge"); err != nil {
		return err
	}
	w.queues[queue].messages = nil
	return nil
}

func (w *waters) Send(_ context.Context, to string, msgs ...pipeline.QueueMessage) []pipeline.QueueSent {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]pipeline.QueueSent, len(msgs))
	done, err := w.call("Send")
	if err == nil {
		for i, m := range msgs {
			list[i] = w.send(to, m)
		}
		done(&err)
	}
	for i := range list {
		if err != nil {
			list[i] = pipeline.QueueSent{State: pipeline.SendUnsure, Err: err}
		}
	}
	return list
}

func (w *waters) send(to string, m pipeline.QueueMessage) pipeline.QueueSent {
	if strings.HasPrefix(m.Body, "refused") {
		return pipeline.QueueSent{State: pipeline.SendRefused, Err: &pipeline.Error{Code: pipeline.CodeInvalid, Text: "it is too long"}}
	}
	w.clock++
	id := fmt.Sprintf("m%04d", w.clock)
	sent := pipeline.QueueMessage{ID: id, Body: m.Body, Attributes: m.Attributes, SentAt: time.Now().UTC().Truncate(time.Millisecond)}
	w.queues[to].messages = append(w.queues[to].messages, &drop{QueueMessage: sent})
	return pipeline.QueueSent{ID: id}
}

func (w *waters) Delete(_ context.Context, queue string, msgs ...pipeline.QueueMessage) []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]error, len(msgs))
	done, err := w.call("Delete")
	if err == nil {
		q := w.queues[queue]
		for _, m := range msgs {
			q.messages = slices.DeleteFunc(q.messages, func(d *drop) bool { return d.Receipt == m.Receipt })
		}
		done(&err)
	}
	for i := range list {
		list[i] = err
	}
	return list
}

func (w *waters) StartNative(_ context.Context, _, to string, rate int) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.call("StartNative"); err != nil {
		return "", err
	}
	w.native = append([]pipeline.NativeMove{{Handle: "h1", State: pipeline.MoveRunning, To: to, Rate: rate, ToMove: 40, StartedAt: time.Now().UTC()}}, w.native...)
	return "h1", nil
}

func (w *waters) Native(context.Context, string) ([]pipeline.NativeMove, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.native), nil
}

func (w *waters) CancelNative(context.Context, string, string) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.native[0].State, w.native[0].Handle = pipeline.MoveCancelled, ""
	return w.native[0].Moved, nil
}

// copies is the part of waters that keeps what was seen.
type copies struct{ w *waters }

func (c copies) of(queue string) map[string]pipeline.QueueCopy {
	if c.w.copies[queue] == nil {
		c.w.copies[queue] = map[string]pipeline.QueueCopy{}
	}
	return c.w.copies[queue]
}

func (c copies) Keep(_ context.Context, queue string, at time.Time, msgs ...pipeline.QueueMessage) ([]bool, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	before := make([]bool, len(msgs))
	for i, m := range msgs {
		old, seen := c.of(queue)[m.ID]
		before[i] = seen
		kept := pipeline.QueueCopy{QueueMessage: m, Key: m.ID, Size: len(m.Body), FirstSeenAt: at, SeenAt: at}
		if seen {
			kept.FirstSeenAt = old.FirstSeenAt
		}
		kept.Receipt = ""
		c.of(queue)[m.ID] = kept
	}
	return before, nil
}

func (c copies) Moved(_ context.Context, queue, move string, at time.Time, moved ...pipeline.MovedMessage) error {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	for _, m := range moved {
		if kept, ok := c.of(queue)[m.ID]; ok {
			kept.MovedTo, kept.MovedAt, kept.MovedAs, kept.Move = m.To, at, m.As, move
			c.of(queue)[m.ID] = kept
		}
	}
	return nil
}

func (c copies) Get(_ context.Context, queue, key string) (pipeline.QueueCopy, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	kept, ok := c.of(queue)[key]
	if !ok {
		return kept, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "nobody has seen message " + key}
	}
	return kept, nil
}

func (c copies) List(_ context.Context, queue string, f pipeline.QueueCopyFilter) (pipeline.Page[pipeline.QueueCopy], error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	page := pipeline.Page[pipeline.QueueCopy]{Items: []pipeline.QueueCopy{}}
	for _, kept := range c.of(queue) {
		if strings.Contains(kept.Body, f.Query) {
			page.Items = append(page.Items, kept)
		}
	}
	slices.SortFunc(page.Items, func(a, b pipeline.QueueCopy) int { return strings.Compare(b.ID, a.ID) })
	return page, nil
}

// withWaters runs a test on an engine whose backend has these queues.
func withWaters(t *testing.T, w *waters, test func(*testing.T, *world)) {
	t.Helper()
	newWorld(t, func(world *world) pipeline.Config {
		world.wrap = func(b pipeline.Backend) pipeline.Backend { return w.in(b) }
		cfg := diamond(world)
		cfg.QueueHide = 30 * time.Second
		return cfg
	}, test)
}

// once fails the first time it is asked.
func once(err error) func() error {
	asked := false
	return func() error {
		if asked {
			return nil
		}
		asked = true
		return err
	}
}

func numbered(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s%03d", prefix, i)
	}
	return list
}
