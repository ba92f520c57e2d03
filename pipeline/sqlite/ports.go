package sqlite

import (
	"context"
	"time"

	"redrive/pipeline"
)

// The ports, each a view of the store.
type (
	rowStore    struct{ db *DB }
	work        struct{ db *DB }
	moves       struct{ db *DB }
	letterStore struct{ db *DB }
	metricStore struct{ db *DB }
	recordStore struct{ db *DB }
	auditLog    struct{ db *DB }
)

var (
	_ pipeline.RowStore    = rowStore{}
	_ pipeline.Work        = work{}
	_ pipeline.Moves       = moves{}
	_ pipeline.LetterStore = letterStore{}
	_ pipeline.MetricStore = metricStore{}
	_ pipeline.RecordStore = recordStore{}
	_ pipeline.AuditLog    = auditLog{}
)

func (s rowStore) Insert(ctx context.Context, rows ...pipeline.NewRow) ([]pipeline.Inserted, error) {
	return s.db.insertRows(ctx, rows)
}

func (s work) Receive(ctx context.Context, q pipeline.ReceiveRequest) ([]pipeline.Delivery, error) {
	return s.db.receive(ctx, q)
}

func (s work) Extend(ctx context.Context, hide time.Duration, ds ...pipeline.Delivery) ([]error, error) {
	return s.db.extend(ctx, hide, ds)
}

func (s work) Settle(ctx context.Context, outcomes ...pipeline.Outcome) ([]error, error) {
	return s.db.settle(ctx, outcomes)
}

func (s moves) Requeue(ctx context.Context, entry *pipeline.Entry, list ...pipeline.Move) ([]error, error) {
	return s.db.requeue(ctx, entry, list)
}

func (s moves) Discard(ctx context.Context, entry *pipeline.Entry, operation, reason string, rows ...string) ([]error, error) {
	return s.db.discard(ctx, entry, operation, reason, rows)
}

func (s moves) Restore(ctx context.Context, entry *pipeline.Entry, operation string, rows ...string) ([]error, error) {
	return s.db.restore(ctx, entry, operation, rows)
}

func (s moves) Discarded(ctx context.Context, operation, cursor string, limit int) (pipeline.Page[string], error) {
	return s.db.discarded(ctx, operation, cursor, limit)
}

func (s moves) Progress(ctx context.Context, operation string) (pipeline.Progress, error) {
	return s.db.progress(ctx, operation)
}
