package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"redrive/pipeline"
)

// TestPowerLoss models the power going off: a copy of the file and of the log up
// to some point is what the next start finds. Whatever the point, the store
// opens and its counters are right; with the whole log nothing acknowledged is
// missing.
func TestPowerLoss(t *testing.T) {
	db := openStore(t, Config{})
	b, ctx := db.Backend(), t.Context()
	acked := 0
	for i := range 6 {
		if _, err := b.Rows.Insert(ctx, plainRow(t, []byte(fmt.Sprint(i))), plainRow(t, nil)); err != nil {
			t.Fatal(err)
		}
		acked += 2
		ds, err := b.Work.Receive(ctx, request("a", 1))
		if err != nil || len(ds) != 1 {
			t.Fatal(ds, err)
		}
		if _, err := b.Work.Settle(ctx, processedA(ds[0])); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(db.path)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(db.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	const head, frame = 32, 24 + 4096
	last := -1
	for cut := head; cut < len(log); cut += 9 * frame {
		for _, n := range []int{cut, cut + frame/2} {
			rows := rowsAfterCrash(t, file, log[:min(n, len(log))])
			if rows < last {
				t.Fatalf("%d rows with %d bytes of the log, %d with fewer", rows, n, last)
			}
			last = rows
		}
	}
	if rows := rowsAfterCrash(t, file, log); rows != acked {
		t.Errorf("%d rows, %d were acknowledged", rows, acked)
	}
}

func rowsAfterCrash(t *testing.T, file, log []byte) int {
	t.Helper()
	dir := t.TempDir()
	for name, b := range map[string][]byte{FileName: file, FileName + "-wal": log} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := Open(t.Context(), Config{Path: dir, Durability: "normal"})
	if err != nil {
		t.Fatalf("with %d bytes of the log: %v", len(log), err)
	}
	defer db.Close()
	mustVerify(t, db)
	page, err := db.Backend().Rows.List(t.Context(), pipeline.RowFilter{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Items {
		for _, f := range r.Steps {
			if f.State == pipeline.StateRunning {
				t.Errorf("step %s still runs after a crash", f.Name)
			}
		}
	}
	return len(page.Items)
}
