package pipeline

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// The topics of live updates. A single row's topic is "row:" and its id.
const (
	TopicOverview   = "overview"
	TopicRows       = "rows"
	TopicLetters    = "dead_letters"
	TopicOperations = "redrives"
	TopicBreakers   = "breakers"
	TopicSweeps     = "sweeps"
	TopicAlarms     = "alarms"
	TopicSteps      = "steps"
	TopicFaults     = "faults"
	TopicAudit      = "audit"
	TopicQueues     = "queues"
	TopicAnyRow     = "row:*" // another process changed some row; which, nobody said
)

// eventsEvery bounds how often a page is told that something changed.
const eventsEvery = 500 * time.Millisecond

// Hub tells pages what changed. It carries names, never data: a page reads what
// it needs again. Changes of one half second are told together.
type Hub struct {
	mu      sync.Mutex
	dirty   map[string]struct{}
	readers map[chan []string][]string // each with the news it had no room for
}

func newHub() *Hub {
	return &Hub{dirty: map[string]struct{}{}, readers: map[chan []string][]string{}}
}

// Touch notes that topics changed.
func (h *Hub) Touch(topics ...string) {
	h.mu.Lock()
	if len(h.readers) > 0 {
		for _, t := range topics {
			h.dirty[t] = struct{}{}
		}
	}
	h.mu.Unlock()
}

// Subscribe returns a channel of changed topics; it is closed when ctx ends. A
// reader that does not keep up gets its news later and together, and never
// blocks others.
func (h *Hub) Subscribe(ctx context.Context) <-chan []string {
	ch := make(chan []string, 4)
	h.mu.Lock()
	h.readers[ch] = nil
	h.mu.Unlock()
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		delete(h.readers, ch)
		close(ch)
		h.mu.Unlock()
	})
	return ch
}

func (h *Hub) run(ctx context.Context) error {
	tick := time.NewTicker(eventsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			h.flush()
		}
	}
}

func (h *Hub) flush() {
	h.mu.Lock()
	defer h.mu.Unlock()
	topics := slices.Sorted(maps.Keys(h.dirty))
	clear(h.dirty)
	for ch, missed := range h.readers {
		news := topics
		if len(missed) > 0 {
			news = slices.Compact(slices.Sorted(slices.Values(slices.Concat(missed, topics))))
		}
		if len(news) == 0 {
			continue
		}
		select {
		case ch <- news:
			h.readers[ch] = nil
		default:
			h.readers[ch] = news
		}
	}
}
