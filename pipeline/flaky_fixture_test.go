package pipeline_test

import (
	"context"
	"sync"

	"redrive/pipeline"
)

// flaky is a record store that fails when its test says so.
type flaky struct {
	pipeline.RecordStore
	mu   sync.Mutex
	fail func(method, kind string) bool
}

func errDown() error {
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the store is down"}
}

func (f *flaky) fails(method, kind string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fail != nil && f.fail(method, kind)
}

func (f *flaky) when(fail func(method, kind string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *flaky) Get(ctx context.Context, kind, id string) (pipeline.Record, error) {
	if f.fails("Get", kind) {
		return pipeline.Record{}, errDown()
	}
	return f.RecordStore.Get(ctx, kind, id)
}

func (f *flaky) List(ctx context.Context, kind, cursor string, limit int) (pipeline.Page[pipeline.Record], error) {
	if f.fails("List", kind) {
		return pipeline.Page[pipeline.Record]{}, errDown()
	}
	return f.RecordStore.List(ctx, kind, cursor, limit)
}

func (f *flaky) Put(ctx context.Context, entry *pipeline.Entry, records ...pipeline.Record) error {
	for _, r := range records {
		if f.fails("Put", r.Kind) {
			return errDown()
		}
	}
	return f.RecordStore.Put(ctx, entry, records...)
}

func withFlaky(f *flaky, config func(*world) pipeline.Config) func(*world) pipeline.Config {
	return func(w *world) pipeline.Config {
		w.wrap = func(b pipeline.Backend) pipeline.Backend {
			f.RecordStore = b.Records
			b.Records = f
			return b
		}
		return config(w)
	}
}

// nth fails the n-th call of a method for a kind.

func nth(n int, method, kind string) func(string, string) bool {
	return func(m, k string) bool {
		if m == method && k == kind {
			n--
			return n == 0
		}
		return false
	}
}

// A redrive whose rows are discarded, replayed by hand or redriven by another

// still ends.
