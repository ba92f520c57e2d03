package sqlite_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"redrive/pipeline"
	"redrive/pipeline/sqlite"
)

// Users are added while the server runs: both write records and audit at once,
// and there is one chain.
func TestTwoProcessesWriteRecordsAndAudit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, server := openAt(t, sqlite.Config{Path: dir})
	beside, err := sqlite.OpenBeside(t.Context(), sqlite.Config{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = beside.Close() })
	const each = 40
	var all sync.WaitGroup
	for i, b := range []pipeline.Backend{server, beside.Backend()} {
		all.Go(func() {
			for n := range each {
				ctx := pipeline.WithActor(context.WithoutCancel(t.Context()), pipeline.Actor{Name: fmt.Sprint("writer", i)})
				entry := pipeline.NewEntry(ctx, "user.add", fmt.Sprintf("users/%d-%d", i, n), "", nil)
				if err := b.Records.Put(ctx, entry, pipeline.Record{Kind: "user", ID: fmt.Sprintf("%d-%d", i, n), Data: []byte("{}")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	page, err := server.Records.List(t.Context(), "user", "", 500)
	if err != nil || len(page.Items) != 2*each {
		t.Errorf("%d records, %v", len(page.Items), err)
	}
	check, err := pipeline.VerifyAudit(t.Context(), server.Audit, server.Records, pipeline.AuditBounds{})
	if err != nil || check.Bad != nil || check.Entries != 2*each {
		t.Errorf("%+v, %v", check, err)
	}
}

func TestThereMustBeAStoreToOpenBeside(t *testing.T) {
	t.Parallel()
	if _, err := sqlite.OpenBeside(t.Context(), sqlite.Config{Path: t.TempDir()}); err == nil {
		t.Error("an empty folder was opened")
	}
}
