package pipelinetest

import (
	"context"
	"iter"
	"time"

	"redrive/pipeline"
)

type faultyLetters struct {
	pipeline.LetterStore
	f *Fault
}

func (p faultyLetters) List(ctx context.Context, f pipeline.LetterFilter) (pipeline.Page[pipeline.DeadLetter], error) {
	return through(p.f, "Letters.List", func() (pipeline.Page[pipeline.DeadLetter], error) { return p.LetterStore.List(ctx, f) })
}

func (p faultyLetters) Count(ctx context.Context, f pipeline.LetterFilter) (int64, error) {
	return through(p.f, "Letters.Count", func() (int64, error) { return p.LetterStore.Count(ctx, f) })
}

func (p faultyLetters) Groups(ctx context.Context, name, step string) ([]pipeline.Group, error) {
	return through(p.f, "Letters.Groups", func() ([]pipeline.Group, error) { return p.LetterStore.Groups(ctx, name, step) })
}

type faultyMetrics struct {
	pipeline.MetricStore
	f *Fault
}

func (p faultyMetrics) Put(ctx context.Context, points ...pipeline.Point) error {
	return through1(p.f, "Metrics.Put", func() error { return p.MetricStore.Put(ctx, points...) })
}

func (p faultyMetrics) Query(ctx context.Context, q pipeline.MetricQuery) ([]pipeline.Datapoint, error) {
	return through(p.f, "Metrics.Query", func() ([]pipeline.Datapoint, error) { return p.MetricStore.Query(ctx, q) })
}

func (p faultyMetrics) Counts(ctx context.Context) (pipeline.Counts, error) {
	return through(p.f, "Metrics.Counts", func() (pipeline.Counts, error) { return p.MetricStore.Counts(ctx) })
}

func (p faultyMetrics) Trim(ctx context.Context, fine, coarse time.Time) error {
	return through1(p.f, "Metrics.Trim", func() error { return p.MetricStore.Trim(ctx, fine, coarse) })
}

type faultyRecords struct {
	pipeline.RecordStore
	f *Fault
}

func (p faultyRecords) Get(ctx context.Context, kind, id string) (pipeline.Record, error) {
	return through(p.f, "Records.Get", func() (pipeline.Record, error) { return p.RecordStore.Get(ctx, kind, id) })
}

func (p faultyRecords) List(ctx context.Context, kind, cursor string, limit int) (pipeline.Page[pipeline.Record], error) {
	return through(p.f, "Records.List", func() (pipeline.Page[pipeline.Record], error) { return p.RecordStore.List(ctx, kind, cursor, limit) })
}

func (p faultyRecords) Put(ctx context.Context, entry *pipeline.Entry, records ...pipeline.Record) error {
	return through1(p.f, "Records.Put", func() error { return p.RecordStore.Put(ctx, entry, records...) })
}

type faultyAudit struct {
	pipeline.AuditLog
	f *Fault
}

func (p faultyAudit) Append(ctx context.Context, entries ...pipeline.Entry) error {
	return through1(p.f, "Audit.Append", func() error { return p.AuditLog.Append(ctx, entries...) })
}

func (p faultyAudit) List(ctx context.Context, f pipeline.AuditFilter) (pipeline.Page[pipeline.Entry], error) {
	return through(p.f, "Audit.List", func() (pipeline.Page[pipeline.Entry], error) { return p.AuditLog.List(ctx, f) })
}

func (p faultyAudit) Heads(ctx context.Context) ([]pipeline.Link, error) {
	return through(p.f, "Audit.Heads", func() ([]pipeline.Link, error) { return p.AuditLog.Heads(ctx) })
}

func (p faultyAudit) Walk(ctx context.Context, since time.Time) iter.Seq2[pipeline.Entry, error] {
	return func(yield func(pipeline.Entry, error) bool) {
		if fails, _ := p.f.hits("Audit.Walk"); fails {
			yield(pipeline.Entry{}, p.f.err("Audit.Walk"))
			return
		}
		p.AuditLog.Walk(ctx, since)(yield)
	}
}
