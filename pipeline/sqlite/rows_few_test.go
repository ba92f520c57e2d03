package sqlite

import (
	"testing"
	"time"

	"redrive/pipeline"
)

// TestQueuedRowsFarBehind lists rows queued at the second step, which are older
// than thousands at the first, page by page and from both ends.
func TestQueuedRowsFarBehind(t *testing.T) {
	db := openStore(t, Config{Durability: "normal"})
	b, ctx := db.Backend(), t.Context()
	const behind, before = 2*fewRows + 500, 6000
	for range (behind + before) / 500 {
		rows := make([]pipeline.NewRow, 500)
		for i := range rows {
			rows[i] = plainRow(t, nil)
		}
		if _, err := b.Rows.Insert(ctx, rows...); err != nil {
			t.Fatal(err)
		}
	}
	ds, err := b.Work.Receive(ctx, request("a", behind))
	if err != nil || len(ds) != behind {
		t.Fatal(len(ds), err)
	}
	outcomes := make([]pipeline.Outcome, len(ds))
	for i, d := range ds {
		outcomes[i] = processedA(d)
	}
	if _, err := b.Work.Settle(ctx, outcomes...); err != nil {
		t.Fatal(err)
	}
	set := []string{ds[0].Row, ds[behind/2].Row, ds[behind-1].Row}
	if _, err := b.Moves.Discard(ctx, nil, "op", "why", set...); err != nil {
		t.Fatal(err)
	}
	for _, oldest := range []bool{false, true} {
		f, last, n := pipeline.RowFilter{Step: "b", State: pipeline.StateQueued, Limit: 400, Oldest: oldest}, "", 0
		for pages := 0; pages == 0 || f.Cursor != ""; pages++ {
			p, err := b.Rows.List(ctx, f)
			if err != nil || pages > behind {
				t.Fatal(pages, err)
			}
			for _, r := range p.Items {
				if last != "" && (r.ID > last) != oldest {
					t.Fatalf("row %s comes after %s", r.ID, last)
				}
				last = r.ID
				n++
			}
			f.Cursor = p.Next
		}
		if n != behind {
			t.Errorf("%d rows, want %d, oldest first %v", n, behind, oldest)
		}
	}
}

// TestSearchesAreBounded looks for what is nowhere in more payload than one call
// reads, and is sent on until the end.
func TestSearchesAreBounded(t *testing.T) {
	db := openStore(t, Config{Durability: "normal"})
	b, ctx := db.Backend(), t.Context()
	const rows = 30
	for range rows {
		if _, err := b.Rows.Insert(ctx, plainRow(t, make([]byte, 1<<20))); err != nil {
			t.Fatal(err)
		}
	}
	f, scanned, calls := pipeline.RowFilter{Query: "nowhere"}, 0, 0
	for calls == 0 || f.Cursor != "" {
		start := time.Now()
		p, err := b.Rows.List(ctx, f)
		if err != nil || len(p.Items) > 0 || calls > rows {
			t.Fatal(len(p.Items), err)
		}
		if p.Scanned > scanBytes>>20+1 {
			t.Errorf("one call looked at %d MiB in %v", p.Scanned, time.Since(start))
		}
		scanned += p.Scanned
		f.Cursor = p.Next
		calls++
	}
	if scanned != rows {
		t.Errorf("%d rows looked at, want %d", scanned, rows)
	}
}
