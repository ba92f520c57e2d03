package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

const (
	kindSetting     = "setting"
	settingsRead    = 750 * time.Millisecond // how old another process's change may be here, besides a cache of the store
	concurrencyMost = 10000
	rateMost        = 1e6
)

// override is what an operator changed at a step; nil means as configured.
type override struct {
	Paused      *bool     `json:"paused,omitempty"`
	Concurrency *int      `json:"concurrency,omitempty"`
	Rate        *float64  `json:"rate,omitempty"`
	By          string    `json:"by"`
	Reason      string    `json:"reason"`
	At          time.Time `json:"at"`
}

// Steps are the configured steps, their settings and how they do.
type Steps struct {
	e *Engine

	mu        sync.RWMutex
	overrides map[string]override
	versions  map[string]int64
}

func newSteps(e *Engine) *Steps {
	return &Steps{e: e, overrides: map[string]override{}, versions: map[string]int64{}}
}

func settingID(pipeline, step string) string { return pipeline + "/" + step }

// load reads what operators changed and applies it, with this process's share
// of each rate.
func (s *Steps) load(ctx context.Context) error {
	records, err := listByID(ctx, s.e.backend.Records, kindSetting)
	if err != nil {
		return fmt.Errorf("reading the settings of steps: %w", err)
	}
	for _, w := range s.e.workers {
		o, err := overrideOf(records[settingID(w.pipeline, w.step.Name)])
		if err != nil {
			return err
		}
		s.apply(w, o, records[settingID(w.pipeline, w.step.Name)].Version)
	}
	return nil
}

// read reads the settings of one step, as they are now.
func (s *Steps) read(ctx context.Context, w *worker) error {
	id := settingID(w.pipeline, w.step.Name)
	rec, err := s.e.backend.Records.Get(ctx, kindSetting, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("reading the settings of %s: %w", id, err)
	}
	o, err := overrideOf(rec)
	if err == nil {
		s.apply(w, o, rec.Version)
	}
	return err
}

func overrideOf(rec Record) (override, error) {
	var o override
	if rec.Data == nil {
		return o, nil
	}
	if err := json.Unmarshal(rec.Data, &o); err != nil {
		return o, fmt.Errorf("reading the settings of %s: %w", rec.ID, err)
	}
	return o, nil
}

// apply puts settings in force. What was read before a newer change is late and
// forgotten. A change ends the long poll, which asks for as much as was allowed
// before.
func (s *Steps) apply(w *worker, o override, version int64) {
	id := settingID(w.pipeline, w.step.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if version < s.versions[id] {
		return
	}
	if version != s.versions[id] {
		s.e.Events.Touch(TopicSteps, TopicOverview, TopicAudit)
	}
	s.overrides[id], s.versions[id] = o, version
	in := inForce(w.step, o)
	n, settled := s.e.fleet.share(id)
	if w.limits.set(in.Concurrency, in.Rate/float64(n), in.Paused || in.Rate > 0 && !settled) {
		w.interrupt()
	}
}

// inForce are a step's settings as they are now.
func (s *Steps) inForce(w *worker) StepSettings {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return inForce(w.step, s.overrides[settingID(w.pipeline, w.step.Name)])
}

func inForce(step Step, o override) StepSettings {
	in := StepSettings{Concurrency: step.Concurrency, Rate: step.Rate}
	if o.Paused != nil {
		in.Paused = *o.Paused
	}
	if o.Concurrency != nil {
		in.Concurrency = *o.Concurrency
	}
	if o.Rate != nil {
		in.Rate = *o.Rate
	}
	return in
}

func (s *Steps) run(ctx context.Context) error {
	return every(ctx, settingsRead, func(ctx context.Context) {
		if err := s.load(ctx); err != nil && ctx.Err() == nil {
			s.e.log.WarnContext(ctx, "reading settings", "error", err)
		}
	})
}

// Change applies an operator's change at once and for restarts to come.
func (s *Steps) Change(ctx context.Context, pipeline, step string, c StepChange) (v StepView, err error) {
	entry := NewEntry(ctx, "step.change", "steps/"+settingID(pipeline, step), c.Reason, nil)
	defer s.e.Audit.failed(ctx, entry, &err)
	w := s.e.worker(pipeline, step)
	if w == nil {
		return StepView{}, notFound(fmt.Sprintf("pipeline %s has no step %s", pipeline, step))
	}
	if err := c.validate(); err != nil {
		return StepView{}, err
	}
	for {
		if err := s.read(ctx, w); err != nil {
			return StepView{}, err
		}
		err := s.write(ctx, w, c, entry)
		if errors.Is(err, ErrVersion) {
			continue
		}
		if err != nil {
			return StepView{}, err
		}
		s.e.Events.Touch(TopicSteps, TopicOverview, TopicAudit)
		return s.view(w), nil
	}
}

func (c StepChange) validate() error {
	switch {
	case c.Concurrency != nil && (*c.Concurrency < 1 || *c.Concurrency > concurrencyMost):
		return invalid("concurrency", fmt.Sprintf("concurrency is a whole number from 1 to %d", concurrencyMost))
	case c.Rate != nil && (*c.Rate < 0 || *c.Rate > rateMost || math.IsNaN(*c.Rate)):
		return invalid("rate", "rate is a number of calls a second, 0 for no limit, at most a million")
	case c.Paused == nil && c.Concurrency == nil && c.Rate == nil && !c.Reset:
		return invalid("", "say what to change: paused, concurrency or rate")
	}
	return nil
}

func (s *Steps) write(ctx context.Context, w *worker, c StepChange, entry *Entry) error {
	id := settingID(w.pipeline, w.step.Name)
	s.mu.RLock()
	before, version := s.overrides[id], s.versions[id]
	s.mu.RUnlock()
	after := before.changed(c)
	after.By, after.Reason, after.At = ActorFrom(ctx).Name, c.Reason, time.Now().UTC()
	data, err := json.Marshal(after)
	if err != nil {
		return err
	}
	entry.with(beforeAfter(settingsDetail(inForce(w.step, before)), settingsDetail(inForce(w.step, after)), nil))
	if err := s.e.backend.Records.Put(ctx, entry, Record{Kind: kindSetting, ID: id, Version: version, Data: data}); err != nil {
		return err
	}
	s.apply(w, after, version+1)
	return nil
}

func (o override) changed(c StepChange) override {
	if c.Reset {
		o = override{}
	}
	if c.Paused != nil {
		o.Paused = c.Paused
	}
	if c.Concurrency != nil {
		o.Concurrency = c.Concurrency
	}
	if c.Rate != nil {
		o.Rate = c.Rate
	}
	return o
}

func settingsDetail(s StepSettings) map[string]any {
	return map[string]any{"paused": s.Paused, "concurrency": s.Concurrency, "rate": s.Rate}
}

// Get returns a step with its history, or ErrNotFound.
func (s *Steps) Get(ctx context.Context, pipeline, step string) (StepDetail, error) {
	w := s.e.worker(pipeline, step)
	if w == nil {
		if v, ok := s.gone(pipeline, step); ok {
			return StepDetail{StepView: v}, nil
		}
		return StepDetail{}, notFound(fmt.Sprintf("pipeline %s has no step %s", pipeline, strings.TrimSpace(step)))
	}
	d := StepDetail{StepView: s.view(w)}
	now := time.Now().UTC()
	dims := Dimensions{Pipeline: pipeline, Step: step}
	var err error
	if d.Errors, err = s.e.backend.Metrics.Query(ctx, MetricQuery{Metric: MetricErrorRate, Dimensions: dims,
		From: now.Add(-24 * time.Hour).Truncate(Coarse), To: now, Period: Coarse}); err != nil {
		return d, err
	}
	if d.Flow, err = s.e.backend.Metrics.Query(ctx, MetricQuery{Metric: MetricProcessed, Dimensions: dims,
		From: now.Add(-time.Hour).Truncate(time.Minute), To: now, Period: time.Minute}); err != nil {
		return d, err
	}
	if d.Costs, err = s.e.Costs(ctx); err != nil {
		return d, err
	}
	d.Retries, err = s.retries(ctx, pipeline, step, now)
	return d, err
}

// retries is when the step's retrying rows will be tried, in half minutes of
// the next quarter of an hour, from at most a thousand of them.
func (s *Steps) retries(ctx context.Context, pipeline, step string, now time.Time) ([]Bucket, error) {
	const slot, slots = 30 * time.Second, 30
	buckets := make([]Bucket, slots)
	for i := range buckets {
		buckets[i].At = now.Add(time.Duration(i) * slot)
	}
	f := RowFilter{Pipeline: pipeline, Step: step, State: StateRetrying, Limit: 500,
		Statuses: []Status{StatusAccepted, StatusInProgress, StatusDead}}
	for range 2 {
		page, err := s.e.backend.Rows.List(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			if flag, ok := page.Items[i].Flag(step); ok {
				n := max(0, int(flag.NextAttemptAt.Sub(now)/slot))
				if n < slots {
					buckets[n].Count++
				}
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	return buckets, nil
}
