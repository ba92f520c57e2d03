package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"redrive/pipeline/breaker"
)

// BreakerConfig is a configured breaker.
type BreakerConfig struct {
	Name         string
	FailureRate  float64 // opens at this share of failed calls, above 0 to 1
	MinimumCalls int     // judged only from this many calls in Window
	Window       time.Duration
	OpenFor      time.Duration // then half-open
	Probes       int           // calls let through half-open, in all
}

// BreakerView is a breaker as it stands.
type BreakerView struct {
	BreakerConfig
	State       string // closed, open, half-open
	Held        bool   // by an operator, until HeldUntil
	FailureNow  float64
	Calls       int
	Failed      int
	Since       time.Time
	NextProbeAt time.Time // zero when none is due
	Waiting     int64     // queued and retrying rows at all its steps
	HeldBy      string
	HeldUntil   time.Time
	Reason      string // of the last change
	Granted     int    // half-open: probes let through so far
	Steps       []StepKey
}

// BreakerDetail is a breaker with its history, newest first.
type BreakerDetail struct {
	BreakerView
	History []BreakerChange
	Probed  []Probe
	Rates   []Datapoint // error_rate of its steps by minute, the last hour
}

// BreakerChange is one transition.
type BreakerChange struct {
	At     time.Time `json:"at"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Probe is one call let through half-open.
type Probe struct {
	At       time.Time `json:"at"`
	Row      string    `json:"row_id"`
	Pipeline string    `json:"pipeline"`
	Step     string    `json:"step"`
	OK       bool      `json:"ok"`
	Error    string    `json:"error,omitempty"`
}

// ForceRequest is an operator's hand on a breaker.
type ForceRequest struct {
	State  string        // open, half-open, closed, automatic
	For    time.Duration // open and closed; 0: an hour
	Reason string        // required
}

// Breakers are the circuit breakers of all steps.
type Breakers struct {
	e      *Engine
	guards []*guard
	config map[string]BreakerConfig
}

const (
	breakerLook = 250 * time.Millisecond // how exactly an open breaker probes
	breakerRead = 750 * time.Millisecond // how old the shared state may be in this process, besides a cache of the store
	holdFor     = time.Hour              // of open and closed without a time
	holdMost    = 30 * 24 * time.Hour
)

func newBreakers(e *Engine) *Breakers {
	b := &Breakers{e: e, config: map[string]BreakerConfig{}}
	for _, c := range e.cfg.Breakers {
		b.config[c.Name] = c
		g := newGuard(c, e.fleet)
		g.moved, g.failed = b.moved, b.failed
		b.guards = append(b.guards, g)
	}
	return b
}

// moved interrupts the workers that wait for messages under the old state, and
// lets pages and the log know.
func (b *Breakers) moved(g *guard, t *breaker.Transition) {
	for _, w := range b.e.workers {
		if w.guard == g {
			w.interrupt()
		}
	}
	if t != nil {
		b.e.log.Info("breaker", "breaker", g.name, "from", t.From, "to", t.To, "by", t.By, "reason", t.Reason)
	}
	b.e.Events.Touch(TopicBreakers, TopicOverview, TopicSteps, TopicRows)
}

// failed logs a write of a breaker's state; the next change writes it again.
func (b *Breakers) failed(g *guard, err error) {
	b.e.log.Warn("storing a breaker's state", "breaker", g.name, "error", err)
}

func (b *Breakers) guard(name string) *guard {
	i := slices.IndexFunc(b.guards, func(g *guard) bool { return g.name == name })
	if i < 0 {
		return nil
	}
	return b.guards[i]
}

func (b *Breakers) load(ctx context.Context) error {
	if len(b.guards) == 0 {
		return nil
	}
	records, err := listByID(ctx, b.e.backend.Records, kindBreaker)
	if err != nil {
		return fmt.Errorf("reading breakers: %w", err)
	}
	for _, g := range b.guards {
		if rec, ok := records[g.name]; ok {
			err = errors.Join(err, g.hear(rec))
		}
	}
	return err
}

func (b *Breakers) run(ctx context.Context) error {
	lastRead := time.Now()
	return every(ctx, breakerLook, func(ctx context.Context) {
		var err error
		if time.Since(lastRead) >= breakerRead {
			lastRead = time.Now()
			err = b.load(ctx)
		}
		for _, g := range b.guards {
			err = errors.Join(err, g.tick(ctx, b.due(g.name)))
		}
		if err != nil && ctx.Err() == nil {
			b.e.log.WarnContext(ctx, "looking after breakers", "error", err)
		}
	})
}

// due is the number of the breaker's steps that have a row due and may run it.
func (b *Breakers) due(name string) int {
	n := 0
	for _, w := range b.e.workers {
		if w.step.Breaker == name && w.hasWork() && !w.limits.isPaused() {
			n++
		}
	}
	return n
}

// List returns all breakers in the order of the configuration.
func (b *Breakers) List(context.Context) ([]BreakerView, error) {
	views := make([]BreakerView, 0, len(b.guards))
	for _, g := range b.guards {
		views = append(views, b.view(g))
	}
	return views, nil
}

func (b *Breakers) view(g *guard) BreakerView {
	v := g.view()
	v.BreakerConfig = b.config[g.name]
	for _, w := range b.e.workers {
		if w.step.Breaker == g.name {
			c := b.e.observer.stepCounts(w.pipeline, w.step.Name)
			v.Waiting += c.Queued + c.Retrying
			v.Steps = append(v.Steps, StepKey{w.pipeline, w.step.Name})
		}
	}
	return v
}

// Get returns a breaker with its newest hundred transitions and probes, or
// ErrNotFound.
func (b *Breakers) Get(ctx context.Context, name string) (BreakerDetail, error) {
	g := b.guard(name)
	if g == nil {
		return BreakerDetail{}, notFound("there is no breaker named " + name)
	}
	d := BreakerDetail{BreakerView: b.view(g)}
	var err error
	if d.History, err = readLog[BreakerChange](ctx, b.e.backend.Records, kindTransition+name, 100); err != nil {
		return d, err
	}
	if d.Probed, err = readLog[Probe](ctx, b.e.backend.Records, kindProbe+name, 100); err != nil {
		return d, err
	}
	d.Rates, err = b.e.backend.Metrics.Query(ctx, MetricQuery{Metric: MetricErrorRate, Dimensions: Dimensions{Breaker: name},
		From: time.Now().Add(-time.Hour), To: time.Now(), Period: time.Minute})
	return d, err
}

// Force puts an operator's hand on a breaker. Half-open means probe now; open
// and closed hold for the given time, then the breaker is automatic again.
func (b *Breakers) Force(ctx context.Context, name string, req ForceRequest) (v BreakerView, err error) {
	entry := NewEntry(ctx, "breaker.force", "breakers/"+name, req.Reason, map[string]any{"state": req.State, "for": req.For.String()})
	defer b.e.Audit.failed(ctx, entry, &err)
	g := b.guard(name)
	if g == nil {
		return BreakerView{}, notFound("there is no breaker named " + name)
	}
	if strings.TrimSpace(req.Reason) == "" && req.State != "automatic" {
		return BreakerView{}, invalid("reason", "say why: forcing a breaker needs a reason")
	}
	if req.For < 0 || req.For > holdMost {
		return BreakerView{}, invalid("for", "a breaker is held for at least a moment and at most 720h")
	}
	now := time.Now().UTC()
	by := ActorFrom(ctx).Name
	until := now.Add(cmp.Or(req.For, holdFor))
	change := func(s breaker.Snapshot) (breaker.Snapshot, *breaker.Transition) {
		return g.settings.Force(s, breaker.State(req.State), until, by, req.Reason, now)
	}
	switch req.State {
	case "automatic":
		change = func(s breaker.Snapshot) (breaker.Snapshot, *breaker.Transition) {
			return g.settings.Automatic(s, by, req.Reason, now)
		}
	case string(breaker.Open), string(breaker.Closed), string(breaker.HalfOpen):
	default:
		return BreakerView{}, invalid("state", "state is one of open, half-open, closed, automatic")
	}
	audited := func(s breaker.Snapshot) (breaker.Snapshot, *breaker.Transition) {
		next, t := change(s)
		entry.with(beforeAfter(breakerDetail(s), breakerDetail(next), map[string]any{"state": req.State, "for": req.For.String()}))
		return next, t
	}
	g.mu.Lock()
	err = g.updateAudited(ctx, entry, audited)
	g.mu.Unlock()
	b.e.Events.Touch(TopicBreakers, TopicOverview, TopicAudit)
	return b.view(g), err
}

// breakerDetail is what the audit says of a breaker.
func breakerDetail(s breaker.Snapshot) map[string]any {
	d := map[string]any{"state": s.State, "mode": "automatic"}
	if s.Held {
		d["mode"], d["held_by"], d["held_until"] = "held", s.HeldBy, s.HeldUntil.UTC().Truncate(time.Second)
	}
	return d
}

// readLog reads the newest entries of a history.
func readLog[T any](ctx context.Context, records RecordStore, kind string, limit int) ([]T, error) {
	page, err := records.List(ctx, kind, "", limit)
	if err != nil {
		return nil, err
	}
	list := make([]T, 0, len(page.Items))
	for _, rec := range page.Items {
		var v T
		if err := json.Unmarshal(rec.Data, &v); err != nil {
			return nil, fmt.Errorf("reading %s: %w", kind, err)
		}
		list = append(list, v)
	}
	return list, nil
}
