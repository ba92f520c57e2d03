package aws

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"redrive/pipeline"
)

// metrics keeps points packed: all that one process measured in one slot of
// time is one item, in two grains. A point of its own for each would cost
// dollars a day.
//
// An item has one writer, which keeps what it says in memory and writes it
// whole, again if more is added: that needs no condition and can be repeated.
// A slot of ten seconds is written once, when it is over; the coarse one it
// belongs to every three flushes. A crash loses what was not written yet.
//
// Readers add the items of all processes up. What is older than a moment never
// changes and is kept decoded; the newest slots are read again every half flush.
type metrics struct {
	t     *table
	every time.Duration // between two flushes
	log   *slog.Logger

	fine, coarse *grain
	writing      turn       // of who writes
	mu           sync.Mutex // over all below and what the grains keep
	written      time.Time  // last
	trimmed      trimmed
	parts        map[partKey]*part
}

// grain is a resolution points are kept in. A partition of the table has the
// slots of one span.
type grain struct {
	name    string
	slot    time.Duration
	span    time.Duration
	keep    time.Duration // until DynamoDB may delete an item: longer than the engine wants them
	patient time.Duration // how long a change of a slot that is not over may wait to be written
	own     map[int64]*ownSlot
}

func newMetrics(t *table, flush time.Duration, log *slog.Logger) *metrics {
	return &metrics{
		t: t, every: flush, log: log, writing: newTurn(), parts: map[partKey]*part{},
		fine:   &grain{name: "f", slot: pipeline.Resolution, span: time.Hour, keep: 4 * time.Hour, patient: flush, own: map[int64]*ownSlot{}},
		coarse: &grain{name: "c", slot: pipeline.Coarse, span: 24 * time.Hour, keep: 16 * 24 * time.Hour, patient: 3 * flush, own: map[int64]*ownSlot{}},
	}
}

func (m *metrics) grains() []*grain { return []*grain{m.fine, m.coarse} }

// Put adds points to what this process keeps and writes what is due. An error
// says that the table cannot be written; the points are kept and written with
// the next flush.
func (m *metrics) Put(ctx context.Context, points ...pipeline.Point) error {
	if len(points) == 0 {
		return nil
	}
	return m.put(ctx, time.Now(), points)
}

func (m *metrics) put(ctx context.Context, now time.Time, points []pipeline.Point) error {
	m.mu.Lock()
	for i := range points {
		for _, g := range m.grains() {
			g.add(&points[i], now)
		}
	}
	silent := now.Sub(m.written) >= 2*m.every // the first points in a while wait for nothing
	due := silent || slices.ContainsFunc(m.grains(), func(g *grain) bool { return g.isDue(now) })
	m.mu.Unlock()
	if !due {
		return nil
	}
	return m.write(ctx, now, silent)
}

// run flushes until ctx ends, and once more then.
func (m *metrics) run(ctx context.Context) {
	tick := time.NewTicker(m.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putFor)
			defer cancel()
			m.logged(ctx, m.flush(ctx))
			return
		case <-tick.C:
			m.logged(ctx, m.write(ctx, time.Now(), false))
		}
	}
}

func (m *metrics) logged(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		m.log.WarnContext(ctx, "writing metrics", "error", err)
	}
}

// flush writes everything that is not written yet.
func (m *metrics) flush(ctx context.Context) error { return m.write(ctx, time.Now(), true) }

// write writes what is due, or all of it, one writer at a time: an older state
// of an item must not be written over a newer one.
func (m *metrics) write(ctx context.Context, now time.Time, all bool) error {
	if err := m.writing.take(ctx); err != nil {
		return m.t.fail(err, "BatchWriteItem")
	}
	defer m.writing.end()
	due, writes, err := m.due(now, all)
	if err != nil || len(due) == 0 {
		return err
	}
	if err := m.t.writeMany(ctx, writes); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.written = now
	for _, d := range due {
		d.slot.stored, d.slot.last = d.changes, now
	}
	return nil
}

// dueSlot is a slot that is being written, as it is after so many changes.
type dueSlot struct {
	slot    *ownSlot
	changes int
}

func (m *metrics) due(now time.Time, all bool) (due []dueSlot, writes []write, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range m.grains() {
		for _, s := range g.own {
			if !s.dirty() || !all && !s.isDue(g, now) {
				continue
			}
			it, err := s.item(g)
			if err != nil {
				return nil, nil, err
			}
			due, writes = append(due, dueSlot{s, s.changes}), append(writes, write{put: it})
		}
		m.retire(g, now)
	}
	return due, writes, nil
}
