package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"redrive/pipeline/breaker"
)

const (
	kindBreaker     = "breaker"
	kindTransition  = "breaker-history/" // + name
	kindProbe       = "breaker-probe/"   // + name
	keepHistory     = 30 * 24 * time.Hour
	halfOpenLook    = 200 * time.Millisecond // how soon an idle step looks again at a half-open breaker
	breakerWriteFor = 5 * time.Second
)

// guard is one breaker in this process: the shared state as last read from the
// store, and the calls this process made lately. State is written on
// transitions and probes only, never for each call.
type guard struct {
	name     string
	settings breaker.Settings
	records  RecordStore
	fleet    *fleet
	moved    func(*guard, *breaker.Transition) // told of every change of state; the transition is nil if another process made it
	failed   func(*guard, error)               // told of a write that failed

	mu       sync.Mutex
	snap     breaker.Snapshot
	version  int64 // of the stored record
	window   *breaker.Window
	inFlight int           // probes being called by this process
	changed  chan struct{} // closed and replaced at each change
}

// permit is the right to make calls, given by a breaker.
type permit struct {
	probe bool
	round int64
}

func newGuard(c BreakerConfig, f *fleet) *guard {
	return &guard{name: c.Name, records: f.e.backend.Records, fleet: f, snap: breaker.New(time.Now().UTC()), changed: make(chan struct{}),
		settings: breaker.Settings{FailureRate: c.FailureRate, MinimumCalls: c.MinimumCalls, Window: c.Window, OpenFor: c.OpenFor, Probes: c.Probes},
		window:   breaker.NewWindow(c.Window)}
}

// admit answers how many of n calls may be made. With none it says how long to
// wait at most and what closes when the breaker changes.
func (g *guard) admit(ctx context.Context, n int, work bool) (int, permit, time.Duration, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch g.snap.State {
	case breaker.Closed:
		return n, permit{round: g.snap.Round}, 0, nil
	case breaker.Open:
		return 0, permit{}, time.Minute, g.changed
	}
	if !work {
		return 0, permit{}, halfOpenLook, g.changed
	}
	granted := 0
	err := g.update(ctx, func(s breaker.Snapshot) (breaker.Snapshot, *breaker.Transition) {
		if s.State != breaker.HalfOpen {
			granted = 0
			return s, nil
		}
		s, granted = g.settings.Grant(s, g.fleet.id, n, time.Now())
		return s, nil
	})
	if err != nil || granted == 0 {
		return 0, permit{}, halfOpenLook, g.changed
	}
	g.inFlight += granted
	return granted, permit{probe: true, round: g.snap.Round}, 0, nil
}

// valid tells whether a permit still stands: nothing has changed since.
func (g *guard) valid(p permit) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.snap.Round == p.round && g.snap.State != breaker.Open
}

// giveBack frees probes that found no message.
func (g *guard) giveBack(ctx context.Context, p permit, n int) {
	if !p.probe || n == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.round == g.snap.Round {
		g.inFlight -= n
	}
	g.logged(ctx, g.update(context.WithoutCancel(ctx), func(s breaker.Snapshot) (breaker.Snapshot, *breaker.Transition) {
		return g.settings.GiveBack(s, g.fleet.id, p.round, n), nil
	}))
}

// report takes what a call came to. A permanent answer is a sign of life; an
// answer that was never asked for counts as nothing.
func (g *guard) report(ctx context.Context, end *ended) {
	g.mu.Lock()
	defer g.mu.Unlock()
	kind := end.answer.Kind
	made := kind != AnswerAborted && end.outcome.Verdict != Release && end.answer.Cause != CauseRequest
	ok := kind == AnswerProcessed || kind == AnswerPermanent
	if end.permit.probe {
		g.reportProbe(ctx, end, made, ok)
		return
	}
	if !made || end.permit.round != g.snap.Round || kind == AnswerThrottled {
		return
	}
	now := time.Now()
	g.window.Add(now, ok)
	if ok || g.snap.State != breaker.Closed {
		return
	}
	calls, failed := g.counts(now)
	if next, _ := g.settings.Trip(g.snap, calls, failed, now); next.Version == g.snap.Version {
		return
	}
	g.logged(ctx, g.update(ctx, func(s breaker.Snapshot) (breaker.Snapshot, *breaker.Transition) {
		return g.settings.Trip(s, calls, failed, now)
	}))
}

// counts are the calls in the window, of all processes: those of others as they
// last told. The caller holds the lock.
func (g *guard) counts(now time.Time) (calls, failed int) {
	calls, failed = g.window.Counts(now)
	others, theirs := g.fleet.calls(g.name, g.snap.Round)
	return calls + others, failed + theirs
}

// counted is this process's part of them, and the round they belong to.
func (g *guard) counted() (round int64, calls, failed int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	calls, failed = g.window.Counts(time.Now())
	return g.snap.Round, calls, failed
}

func (g *guard) reportProbe(ctx context.Context, end *ended, made, ok bool) {
	if end.permit.round == g.snap.Round {
		g.inFlight--
	}
	if !made {
		g.logged(ctx, g.update(ctx, func(s breaker.Snapshot) (breaker.Snapshot, *breaker.Transition) {
			return g.settings.GiveBack(s, g.fleet.id, end.permit.round, 1), nil
		}))
		return
	}
	d := end.outcome.Delivery
	rec, err := logRecord(kindProbe+g.name, Probe{At: time.Now().UTC(), Row: d.Row, Pipeline: d.Pipeline, Step: d.Step, OK: ok, Error: end.answer.Error})
	if err != nil {
		g.logged(ctx, err)
		return
	}
	g.logged(ctx, g.update(ctx, func(s breaker.Snapshot) (breaker.Snapshot, *breaker.Transition) {
		return g.settings.ProbeResult(s, g.fleet.id, end.permit.round, ok, time.Now())
	}, rec))
}

// tick does what time alone does, and closes a round that nobody waits for.
// waiting is the number of steps with a row due.
func (g *guard) tick(ctx context.Context, waiting int) error {
	gone, err := g.absent(ctx)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if next, _ := g.ticked(g.snap, waiting, gone, now); next.Version == g.snap.Version {
		return nil
	}
	return g.update(ctx, func(s breaker.Snapshot) (breaker.Snapshot, *breaker.Transition) {
		return g.ticked(s, waiting, gone, now)
	})
}

func (g *guard) ticked(s breaker.Snapshot, waiting int, gone map[string]bool, now time.Time) (breaker.Snapshot, *breaker.Transition) {
	next, t := g.settings.Tick(s, now)
	if t == nil && next.State == breaker.HalfOpen {
		return g.settings.Settle(next, breaker.Crew{Waiting: waiting, By: g.fleet.id, InFlight: g.inFlight,
			Gone: func(by string) bool { return gone[by] }}, now)
	}
	return next, t
}

// absent are the processes that have a probe out and are gone.
func (g *guard) absent(ctx context.Context) (map[string]bool, error) {
	g.mu.Lock()
	out := g.snap.Out
	g.mu.Unlock()
	gone := map[string]bool{}
	for _, o := range out {
		var err error
		if gone[o.By], err = g.fleet.gone(ctx, o.By); err != nil {
			return nil, fmt.Errorf("looking for who probes breaker %s: %w", g.name, err)
		}
	}
	return gone, nil
}

// update changes the shared state: read, change, write if nobody else did
// meanwhile, else again. The caller holds the lock.
func (g *guard) update(ctx context.Context, change func(breaker.Snapshot) (breaker.Snapshot, *breaker.Transition), also ...Record) error {
	return g.updateAudited(ctx, nil, change, also...)
}

func (g *guard) updateAudited(ctx context.Context, entry *Entry, change func(breaker.Snapshot) (breaker.Snapshot, *breaker.Transition), also ...Record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), breakerWriteFor)
	defer cancel()
	for {
		next, t := change(g.snap)
		records := also
		if next.Version != g.snap.Version {
			rec, err := g.record(next)
			if err != nil {
				return err
			}
			records = append(records, rec)
		}
		if t != nil {
			rec, err := logRecord(kindTransition+g.name, BreakerChange{At: t.At.UTC(), From: string(t.From), To: string(t.To), By: t.By, Reason: t.Reason})
			if err != nil {
				return err
			}
			records = append(records, rec)
		}
		if len(records) == 0 && entry == nil {
			return nil
		}
		err := g.records.Put(ctx, entry, records...)
		if errors.Is(err, ErrVersion) {
			if err := g.reload(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("storing breaker %s: %w", g.name, err)
		}
		if next.Version != g.snap.Version {
			g.version++
			g.take(next, t)
		}
		return nil
	}
}

// take makes a state this process's own.
func (g *guard) take(next breaker.Snapshot, t *breaker.Transition) {
	if next.Round != g.snap.Round {
		g.window.Reset()
		g.inFlight = 0
	}
	moved := next.Round != g.snap.Round
	g.snap = next
	if moved {
		g.moved(g, t)
	}
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *guard) record(s breaker.Snapshot) (Record, error) {
	data, err := json.Marshal(s)
	return Record{Kind: kindBreaker, ID: g.name, Version: g.version, Data: data}, err
}

// hear takes a state that was read with all others; one read before this
// process's own last write is late and forgotten.
func (g *guard) hear(rec Record) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if rec.Version <= g.version {
		return nil
	}
	return g.read(rec)
}

// reload reads what other processes wrote. The caller holds the lock.
func (g *guard) reload(ctx context.Context) error {
	rec, err := g.records.Get(ctx, kindBreaker, g.name)
	if errors.Is(err, ErrNotFound) {
		g.version = 0
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading breaker %s: %w", g.name, err)
	}
	if rec.Version == g.version {
		return nil
	}
	return g.read(rec)
}

func (g *guard) read(rec Record) error {
	var s breaker.Snapshot
	if err := json.Unmarshal(rec.Data, &s); err != nil {
		return fmt.Errorf("reading breaker %s: %w", g.name, err)
	}
	g.version = rec.Version
	g.take(s, nil)
	return nil
}

func (g *guard) logged(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		g.failed(g, err)
	}
}

// view is the breaker as pages show it, without what other parts know.
func (g *guard) view() BreakerView {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.snap
	v := BreakerView{State: string(s.State), Held: s.Held, Since: s.Since, NextProbeAt: s.NextProbeAt, HeldBy: s.HeldBy,
		HeldUntil: s.HeldUntil, Reason: s.Reason, Granted: s.Granted}
	v.Calls, v.Failed = g.counts(time.Now())
	if v.Calls > 0 {
		v.FailureNow = float64(v.Failed) / float64(v.Calls)
	}
	return v
}

// logRecord makes a record of a history: its id carries its time.
func logRecord(kind string, value any) (Record, error) {
	data, err := json.Marshal(value)
	return Record{Kind: kind, ID: NewID(), Data: data, ExpiresAt: time.Now().Add(keepHistory).UTC()}, err
}
