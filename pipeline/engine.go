package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config is everything the engine is told.
type Config struct {
	Pipelines  []Pipeline
	Breakers   []BreakerConfig
	Sweep      SweepSettings
	Alarms     []AlarmConfig
	Routes     []Route
	IngestKeys []IngestKey
	Cron       CronParser
	Worker     string        // name of this process in attempts; "worker" by default
	Version    string        // of this program, for the list of instances
	Only       string        // what this process does: OnlyConsole, OnlyWorkers, or everything when empty
	Drain      time.Duration // how long calls in flight may go on at the end; 20 s by default
	Lease      time.Duration // how long a step is leased without a sign of life; 30 s by default
	QueueHide  time.Duration // how long messages of queues that are not ours are hidden while they are moved; 2 min by default
	Random     func() float64
	Logger     *slog.Logger
}

// What a process does, where several run on one store.
const (
	OnlyConsole = "console" // intake and operations, no calls of steps, no schedule, no alarms
	OnlyWorkers = "workers" // everything; that it answers no pages is its caller's affair
)

// CronParser reads a schedule of five fields and returns what finds the next
// time after a given one, in UTC; zero when there is none.
type CronParser func(spec string) (next func(after time.Time) time.Time, err error)

// Engine runs pipelines on a backend. Make one with New, then Run it. Its
// fields are the services that pages and the API call.
type Engine struct {
	Intake     *IntakeService
	Rows       *Rows
	Letters    *Letters
	Operations *Operations
	Breakers   *Breakers
	Sweeps     *Sweeps
	Alarms     *Alarms
	Steps      *Steps
	Faults     *Faults
	Queues     *Queues
	Audit      *Audit
	IngestKeys *IngestKeys
	Events     *Hub

	cfg       Config
	backend   Backend
	log       *slog.Logger
	graphs    *graphs
	fleet     *fleet
	observer  *observer
	workers   []*worker
	accepting atomic.Bool
}

// New checks the configuration and prepares the services. It writes nothing.
func New(cfg Config, b Backend) (*Engine, error) {
	cfg.Worker = cmp.Or(cfg.Worker, "worker")
	cfg.Drain = cmp.Or(cfg.Drain, 20*time.Second)
	cfg.Lease = cmp.Or(cfg.Lease, 30*time.Second)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Random == nil {
		cfg.Random = rand.Float64
	}
	if err := onlyError(cfg.Only, b.Shared); err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, backend: b, log: cfg.Logger, Events: newHub()}
	e.fleet = newFleet(e)
	var err error
	if e.graphs, err = newGraphs(cfg.Pipelines, b.Records); err != nil {
		return nil, err
	}
	e.Breakers = newBreakers(e)
	e.Faults = newFaults(e)
	e.Steps = newSteps(e)
	for i := range cfg.Pipelines {
		p := &e.cfg.Pipelines[i]
		for _, s := range p.Steps {
			if s.Breaker != "" && e.Breakers.guard(s.Breaker) == nil {
				return nil, fmt.Errorf("step %s of pipeline %s names breaker %s, which is not configured", s.Name, p.Name, s.Breaker)
			}
			e.workers = append(e.workers, newWorker(e, p.Name, s))
		}
	}
	e.observer = newObserver(e)
	e.Intake = &IntakeService{e: e}
	e.Rows = &Rows{e: e}
	e.Letters = &Letters{e: e}
	e.Operations = newOperations(e)
	if e.Sweeps, err = newSweeps(e); err != nil {
		return nil, err
	}
	e.Alarms = newAlarms(e)
	e.Audit = newAudit(e)
	e.IngestKeys = newIngestKeys(e)
	e.Queues = newQueues(e)
	return e, nil
}

func onlyError(only string, shared bool) error {
	switch {
	case only == "":
		return nil
	case only != OnlyConsole && only != OnlyWorkers:
		return fmt.Errorf("a process does only %s, only %s, or everything; not %q", OnlyConsole, OnlyWorkers, only)
	case !shared:
		return fmt.Errorf("this store has one process, which does everything; it cannot do only %s", only)
	}
	return nil
}

// worksSteps tells whether this process calls steps, sweeps on schedule and may
// lead.
func (e *Engine) worksSteps() bool { return e.cfg.Only != OnlyConsole }

// Pipelines as configured.
func (e *Engine) Pipelines() []Pipeline { return e.cfg.Pipelines }

// Counts are the newest counters, at most a second old.
func (e *Engine) Counts(ctx context.Context) (Counts, error) { return e.backend.Metrics.Counts(ctx) }

// Run works until ctx ends, then stops taking work, lets calls in flight end
// for at most Drain, and returns nil. It returns early only with the error that
// stopped it.
func (e *Engine) Run(ctx context.Context) error {
	leave, err := e.fleet.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := e.load(ctx); err != nil {
		return err
	}
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	stopCut := context.AfterFunc(ctx, func() { time.AfterFunc(e.cfg.Drain, cut) })
	defer stopCut()

	e.accepting.Store(true)
	defer e.accepting.Store(false)
	notReady := context.AfterFunc(ctx, func() { e.accepting.Store(false) }) // while calls in flight end
	defer notReady()
	var all sync.WaitGroup
	errs := make(chan error, 16)
	keep := func(run func(context.Context) error) {
		all.Go(func() {
			if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				errs <- err
			}
		})
	}
	for _, w := range e.workers {
		if e.worksSteps() {
			all.Go(func() { w.run(ctx, calls) })
		}
	}
	for _, run := range []func(context.Context) error{e.Events.run, e.fleet.run, e.Breakers.run, e.Steps.run, e.Faults.run,
		e.observer.run, e.Alarms.run, e.Operations.run, e.Sweeps.run, e.Queues.run, e.IngestKeys.run, e.Audit.heads.run, e.expire} {
		keep(run)
	}
	all.Wait()
	e.Audit.heads.last(ctx)
	close(errs)
	return <-errs
}

// load reads what an earlier run or another process left in the store.
func (e *Engine) load(ctx context.Context) error {
	for _, step := range []func(context.Context) error{e.graphs.store, e.Breakers.load, e.Steps.load, e.Alarms.load, e.observer.sample} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("reading the stored state: %w", err)
		}
	}
	return nil
}

// Ready answers nil while the engine takes work and the backend answers.
func (e *Engine) Ready(ctx context.Context) error {
	if err := e.TakesWork(ctx); err != nil {
		return err
	}
	return e.StoreReady(ctx)
}

// TakesWork answers nil while the engine runs and is not about to end.
func (e *Engine) TakesWork(context.Context) error {
	if !e.accepting.Load() {
		return &Error{Code: CodeUnavailable, Text: "the engine is starting or stopping"}
	}
	return nil
}

// StoreReady answers nil while the backend answers.
func (e *Engine) StoreReady(ctx context.Context) error { return e.backend.Ready(ctx) }

// worker finds the runtime of a configured step, or nil.
func (e *Engine) worker(pipeline, step string) *worker {
	i := slices.IndexFunc(e.workers, func(w *worker) bool { return w.pipeline == pipeline && w.step.Name == step })
	if i < 0 {
		return nil
	}
	return e.workers[i]
}

func (e *Engine) pipeline(name string) *Pipeline {
	i := slices.IndexFunc(e.cfg.Pipelines, func(p Pipeline) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &e.cfg.Pipelines[i]
}

// expireEvery is how often rows over their retention are deleted, expireSlice
// how many at once, so that nobody waits behind a long delete.
const (
	expireEvery = time.Minute
	expireSlice = 500
	keepFine    = 3 * time.Hour
	keepCoarse  = 15 * 24 * time.Hour
)

func (e *Engine) expire(ctx context.Context) error {
	return every(ctx, expireEvery, func(ctx context.Context) {
		if !e.fleet.leads() {
			return
		}
		now := time.Now()
		for _, p := range e.cfg.Pipelines {
			for p.Retention > 0 && ctx.Err() == nil {
				n, err := e.backend.Rows.Expire(ctx, p.Name, now.Add(-p.Retention), expireSlice)
				if err != nil {
					e.log.WarnContext(ctx, "deleting expired rows", "pipeline", p.Name, "error", err)
				}
				if err != nil || n < expireSlice {
					break
				}
			}
		}
		if err := e.backend.Metrics.Trim(ctx, now.Add(-keepFine), now.Add(-keepCoarse)); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "trimming metrics", "error", err)
		}
	})
}

// every calls do at once and then each period until ctx ends.
func every(ctx context.Context, period time.Duration, do func(context.Context)) error {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		do(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
