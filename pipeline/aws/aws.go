package aws

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"redrive/pipeline"
)

// Config is what the backend is told.
type Config struct {
	Account   *Account
	Prefix    string // of every queue and, by default, of the table
	Table     string // empty: Prefix and "rows"
	Pipelines []Pipeline
	Queues    []QueueSelector // that are not ours, to look into
	Alarms    []pipeline.AlarmConfig
	Worker    string // name of this process
	Logger    *slog.Logger

	// For tests, which cannot wait; zero: as documented beside each.
	Poll  time.Duration // one long poll, at most 20 s; 10 s
	Flush time.Duration // how long counters are added up here before they are written; 1 s
	Age   time.Duration // how old shared state read from a cache may be; 0.6 s
	Lost  time.Duration // silence after which a process that counts is lost; 1 min
}

// Pipeline is what the backend has to know of one.
type Pipeline struct {
	Name        string
	Steps       []string
	SourceQueue string        // literal name; empty: none
	Retention   time.Duration // rows are kept at least as long
}

const (
	defaultRetention = 30 * 24 * time.Hour
	endFor           = 5 * time.Second // how long Close waits for requests under way
	metricsFlush     = 10 * time.Second
	usualPoll        = 10 * time.Second       // of at most 20: a process that stops waits for its last one
	sharedAge        = 600 * time.Millisecond // the engine reads it each second: a forced breaker is known everywhere within two
)

// Store is the backend of one process.
type Store struct {
	cfg   Config
	names names
	table *table
	log   *slog.Logger

	life  context.Context // of requests nobody waits for
	end   context.CancelFunc
	loops sync.WaitGroup
	stop  context.CancelFunc // of the loops

	queues     *queues
	graphs     *graphs
	partitions *partitions
	leases     *leases
	counts     *counts
	floor      *floor
	letters    *letters
	mirror     *mirror
	records    *records
	audit      *auditLog
	metrics    *metrics
	exporter   *exporter
	foreign    *foreignQueues
	once       *once // changes that are counted
	unsure     *once // changes whose answer never came
	over       *once // deliveries that are settled to the end
	expiries   expiries
	deflater   deflater
	outage     outage
	unsent     atomic.Int64 // messages on their way to SQS
	duplicates atomic.Int64 // messages dropped because their step ran already
}

// Open prepares the backend. It creates nothing and asks for nothing.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := newStore(ctx, cfg)
	loops, stop := context.WithCancel(s.life)
	s.stop = stop
	s.loops.Go(func() { s.counts.run(loops, s.cfg.Flush) })
	s.loops.Go(func() { s.metrics.run(loops) })
	s.loops.Go(func() { s.exporter.run(loops) })
	s.loops.Go(func() { s.mirror.run(loops) })
	return s, nil
}

// Rows is for a look at rows: nothing is counted, and nothing written.
func Rows(ctx context.Context, cfg Config) pipeline.RowStore { return rows{newStore(ctx, cfg)} }

// Log is for who reads or writes the audit log and records alone, while other
// processes work: nothing is counted.
func Log(ctx context.Context, cfg Config) (pipeline.AuditLog, pipeline.RecordStore) {
	s := newStore(ctx, cfg)
	return s.audit, s.records
}

func newStore(ctx context.Context, cfg Config) *Store {
	cfg.Poll, cfg.Flush, cfg.Age = cmp.Or(cfg.Poll, usualPoll), cmp.Or(cfg.Flush, time.Second), cmp.Or(cfg.Age, sharedAge)
	cfg.Lost = cmp.Or(cfg.Lost, time.Minute)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{cfg: cfg, names: namesOf(cfg), log: cfg.Logger}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.table = &table{client: cfg.Account.dynamodb(), name: s.names.table}
	s.queues = newQueues(s.life, cfg.Account.sqs())
	s.graphs, s.partitions, s.leases, s.once = newGraphs(s.table), newPartitions(s.table), newLeases(), newOnce()
	s.over, s.unsure = newOnce(), newOnce()
	s.counts = newCounts(s, tokenText(randomToken()))
	s.floor = newFloor(s)
	s.letters = &letters{s: s, known: map[pipeline.StepKey]bool{}}
	s.mirror = newMirror(s)
	upkeep := &table{client: cfg.Account.dynamodbFor(purposeIdle), name: s.names.table}
	s.audit = newAuditLog(upkeep)
	s.records = newRecords(upkeep, s.audit, cfg.Age)
	s.metrics = newMetrics(upkeep, min(metricsFlush, 10*cfg.Flush), cfg.Logger)
	s.exporter = newExporter(cfg.Account.cloudwatch(), s.names.namespace(), cfg.Alarms, cfg.Logger)
	s.foreign = newForeignQueues(cfg.Account.sqs(), s.table, cfg)
	return s
}

// Backend returns the ports.
func (s *Store) Backend() pipeline.Backend {
	b := pipeline.Backend{
		Rows: rows{s}, Work: work{s}, Moves: moves{s}, Letters: s.letters, Metrics: s.exporter.tap(metricStore{s.metrics, s.counts}),
		Records: s.records, Audit: s.audit, Ready: s.ready, Close: s.Close, Empty: s.empty, Poll: s.cfg.Poll, Shared: true, Costs: s.costs,
		Watchman: newWatchman(s.cfg.Account, s.cfg.Prefix),
	}
	s.foreign.addTo(&b)
	return b
}

// metricStore is measurements and counters together.
type metricStore struct {
	*metrics
	counters *counts
}

func (m metricStore) Counts(ctx context.Context) (pipeline.Counts, error) {
	return m.counters.Counts(ctx)
}

// Close lets requests under way end, writes what has been counted, and ends
// everything. Long polls end by themselves: one that is cut off may have hidden
// messages already, and when they come back they count as attempts that were lost.
func (s *Store) Close() error {
	s.stop()
	s.loops.Wait()
	s.within(endFor, s.queues.drain)
	var err error
	s.within(endFor, func(ctx context.Context) { err = s.leave(ctx) })
	s.log.Info("long polls under way end by themselves", "within", s.cfg.Poll)
	s.within(s.cfg.Poll+endFor, s.queues.polling.wait)
	s.within(endFor, s.queues.drain)
	s.end()
	s.queues.polling.Wait()
	s.queues.all.Wait()
	return err
}

// within gives something so much time, whatever else has ended by now.
func (s *Store) within(most time.Duration, do func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.life), most)
	defer cancel()
	do(ctx)
}

// leave writes what this process has counted and takes it off the list.
func (s *Store) leave(ctx context.Context) error {
	err := cmp.Or(s.counts.flush(ctx), s.metrics.flush(ctx))
	if err == nil {
		err = s.counts.leave(ctx)
	}
	if err != nil {
		return &pipeline.Error{Code: pipeline.CodeUnavailable, Err: err, Text: "what this process counted last is not written: " + said(err)}
	}
	return nil
}

func (s *Store) age() time.Duration { return s.cfg.Age }

func (s *Store) retention(name string) time.Duration {
	if i := slices.IndexFunc(s.cfg.Pipelines, func(p Pipeline) bool { return p.Name == name }); i >= 0 && s.cfg.Pipelines[i].Retention > 0 {
		return s.cfg.Pipelines[i].Retention
	}
	return defaultRetention
}

func (s *Store) hasStep(name, step string) bool {
	return slices.ContainsFunc(s.cfg.Pipelines, func(p Pipeline) bool { return p.Name == name && slices.Contains(p.Steps, step) })
}

// ready asks the table for an item that does not exist: whether it answers, and
// this identity may read. A write is not tried: throttled or forbidden writes
// show where they happen.
func (s *Store) ready(ctx context.Context) error {
	_, err := s.table.get(ctx, pipelinesPK, "ready", false)
	return err
}

// empty tells when a step's queue was last seen empty: by a poll of this
// process, or by asking for its depth now.
func (s *Store) empty(ctx context.Context, key pipeline.StepKey) (time.Time, error) {
	ctx = spend(ctx, purposeSweep)
	q, err := s.queues.get(ctx, s.names.queue(key.Pipeline, key.Step))
	if err != nil {
		return time.Time{}, err
	}
	now := time.Now().UTC()
	visible, hidden, delayed, err := q.depth(ctx)
	if err != nil || visible+delayed > 0 {
		return q.emptyAt(), err
	}
	if hidden == 0 {
		return now, nil
	}
	return q.emptyAt(), nil
}
