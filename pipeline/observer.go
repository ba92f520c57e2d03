package pipeline

import (
	"context"
	"sync"
	"time"
)

const (
	sampleEvery = time.Second     // counters
	measureEach = 2 * time.Second // metrics and alarms
	paceOver    = 60              // seconds of history behind a pace
)

// observer watches the counters: it knows paces and ages without asking the
// store, writes the metrics, and has the alarms judged.
type observer struct {
	e *Engine

	mu       sync.RWMutex
	counts   Counts
	paces    map[StepKey]*pace
	arrivals map[string]*pace // rows, by pipeline
	accepted map[string]int64 // since the start, by pipeline
}

// pace is a counter's history, a sample a second.
type pace struct {
	in, out [paceOver]int64
	n       int // samples taken
}

func (p *pace) add(in, out int64) {
	p.in[p.n%paceOver], p.out[p.n%paceOver] = in, out
	p.n++
}

// rates are events a second over at most the last minute.
func (p *pace) rates() (in, out float64) {
	n := min(p.n, paceOver)
	if n < 2 {
		return 0, 0
	}
	first, last := (p.n-n)%paceOver, (p.n-1)%paceOver
	span := float64(n - 1)
	return max(0, float64(p.in[last]-p.in[first])/span), max(0, float64(p.out[last]-p.out[first])/span)
}

func newObserver(e *Engine) *observer {
	return &observer{e: e, paces: map[StepKey]*pace{}, arrivals: map[string]*pace{}, accepted: map[string]int64{}}
}

func (o *observer) run(ctx context.Context) error {
	var measured time.Time
	return every(ctx, sampleEvery, func(ctx context.Context) {
		err := o.sample(ctx)
		if err == nil && time.Since(measured) >= measureEach {
			measured = time.Now()
			err = o.measure(ctx)
		}
		if err != nil && ctx.Err() == nil {
			o.e.log.WarnContext(ctx, "measuring", "error", err)
		}
	})
}

// sample reads the counters and notes the paces.
func (o *observer) sample(ctx context.Context) error {
	c, err := o.e.backend.Metrics.Counts(ctx)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.e.fleet.shared && !o.counts.same(c) {
		o.e.Events.Touch(TopicOverview, TopicRows, TopicSteps, TopicLetters, TopicAnyRow)
		if len(o.e.fleet.open()) > 0 {
			o.e.Events.Touch(TopicOperations)
		}
	}
	o.counts = c
	for _, w := range o.e.workers {
		key := StepKey{w.pipeline, w.step.Name}
		p := o.paces[key]
		if p == nil {
			p = &pace{}
			o.paces[key] = p
		}
		s := c.Steps[key]
		p.add(s.Queued+s.Running+s.Retrying+s.Dead+s.ProcessedTotal, s.ProcessedTotal)
	}
	for _, pl := range o.e.cfg.Pipelines {
		p := o.arrivals[pl.Name]
		if p == nil {
			p = &pace{}
			o.arrivals[pl.Name] = p
		}
		p.add(o.accepted[pl.Name], c.Rows[pl.Name][StatusDone])
	}
	return nil
}

func (o *observer) arrived(pipeline string, n int) {
	o.mu.Lock()
	o.accepted[pipeline] += int64(n)
	o.mu.Unlock()
}

func (o *observer) stepCounts(pipeline, step string) StepCounts {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.counts.Steps[StepKey{pipeline, step}]
}

func (o *observer) stepPace(key StepKey) (in, out float64) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if p := o.paces[key]; p != nil {
		return p.rates()
	}
	return 0, 0
}

// rowPace is of all processes.
func (o *observer) rowPace(pipeline string) (in, out float64) {
	o.mu.RLock()
	if p := o.arrivals[pipeline]; p != nil {
		in, out = p.rates()
	}
	o.mu.RUnlock()
	return in + o.e.fleet.arrivals(pipeline), out
}

// arrivalRates are the rows a second this process takes in, by pipeline.
func (o *observer) arrivalRates() map[string]float64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	rates := map[string]float64{}
	for pipeline, p := range o.arrivals {
		if in, _ := p.rates(); in > 0 {
			rates[pipeline] = in
		}
	}
	return rates
}

// measure writes what this process did since the last time. Where several run,
// one of them also writes how things stand and has the alarms look at it.
func (o *observer) measure(ctx context.Context) error {
	now := time.Now().UTC()
	at := now.Truncate(Resolution)
	var points []Point
	for _, w := range o.e.workers {
		for _, p := range w.meter.take(Dimensions{Pipeline: w.pipeline, Step: w.step.Name}, at) {
			points = append(points, p, withDimensions(p, Dimensions{Pipeline: w.pipeline}), withDimensions(p, Dimensions{}))
			if w.step.Breaker != "" {
				points = append(points, withDimensions(p, Dimensions{Breaker: w.step.Breaker}))
			}
		}
	}
	leads := o.e.fleet.leads()
	if leads {
		points = append(points, o.gauges(now, at)...)
	}
	if len(points) > 0 {
		if err := o.e.backend.Metrics.Put(ctx, points...); err != nil {
			return err
		}
	}
	if !leads {
		return o.e.Alarms.follow(ctx)
	}
	return o.e.Alarms.lead(ctx, now)
}

func withDimensions(p Point, d Dimensions) Point {
	p.Dimensions = d
	return p
}

// gauges are how things stand, each for a step, its pipeline and all of it.
func (o *observer) gauges(now, at time.Time) []Point {
	o.mu.RLock()
	defer o.mu.RUnlock()
	var list []Point
	gauge := func(metric string, d Dimensions, v float64) {
		list = append(list, Point{Metric: metric, Dimensions: d, At: at, Sum: v, Count: 1, Min: v, Max: v})
	}
	var allDead, allDepth int64
	var oldest float64
	for _, p := range o.e.cfg.Pipelines {
		var dead, depth int64
		for key, s := range o.counts.Steps {
			if key.Pipeline != p.Name {
				continue
			}
			d := Dimensions{Pipeline: key.Pipeline, Step: key.Step}
			gauge(MetricDeadLetters, d, float64(s.Dead))
			gauge(MetricQueueDepth, d, float64(s.Queued+s.Retrying))
			gauge(MetricOldestWaiting, d, age(s.OldestDue, now))
			dead, depth = dead+s.Dead, depth+s.Queued+s.Retrying
		}
		waited := age(o.counts.Oldest[p.Name], now)
		gauge(MetricDeadLetters, Dimensions{Pipeline: p.Name}, float64(dead))
		gauge(MetricQueueDepth, Dimensions{Pipeline: p.Name}, float64(depth))
		gauge(MetricOldestWaiting, Dimensions{Pipeline: p.Name}, waited)
		allDead, allDepth, oldest = allDead+dead, allDepth+depth, max(oldest, waited)
	}
	gauge(MetricDeadLetters, Dimensions{}, float64(allDead))
	gauge(MetricQueueDepth, Dimensions{}, float64(allDepth))
	gauge(MetricOldestWaiting, Dimensions{}, oldest)
	return append(list, o.breakerGauges(at)...)
}

func (o *observer) breakerGauges(at time.Time) []Point {
	var list []Point
	var anyOpen float64
	for _, g := range o.e.Breakers.guards {
		v := 0.0
		if g.view().State != "closed" {
			v, anyOpen = 1, 1
		}
		list = append(list, Point{Metric: MetricBreakerOpen, Dimensions: Dimensions{Breaker: g.name}, At: at, Sum: v, Count: 1, Min: v, Max: v})
	}
	if len(list) > 0 {
		list = append(list, Point{Metric: MetricBreakerOpen, At: at, Sum: anyOpen, Count: 1, Min: anyOpen, Max: anyOpen})
	}
	return list
}

// age in seconds since a time in the past, else 0.
func age(since, now time.Time) float64 {
	if since.IsZero() || since.After(now) {
		return 0
	}
	return now.Sub(since).Seconds()
}
