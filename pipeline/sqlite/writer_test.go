package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	zs "zombiezen.com/go/sqlite"

	"redrive/pipeline"
)

func openStore(t *testing.T, cfg Config) *DB {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = t.TempDir()
	}
	db, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// graphOf chains steps, each after the one before.
func graphOf(t testing.TB, name string, steps ...string) *pipeline.Graph {
	t.Helper()
	var nodes []pipeline.Node
	for i, s := range steps {
		nodes = append(nodes, pipeline.Node{Name: s, Needs: steps[max(0, i-1):i]})
	}
	g, err := pipeline.NewGraph(name, nodes)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func plainRow(t testing.TB, payload []byte) pipeline.NewRow {
	return pipeline.NewRow{Pipeline: "p", Graph: graphOf(t, "p", "a", "b"), Payload: payload, At: time.Now().UTC()}
}

func request(step string, n int) pipeline.ReceiveRequest {
	return pipeline.ReceiveRequest{Pipeline: "p", Step: step, N: n, Hide: time.Minute, Worker: "w"}
}

func processedA(d pipeline.Delivery) pipeline.Outcome {
	return pipeline.Outcome{Delivery: d, Verdict: pipeline.Processed, Attempt: pipeline.Attempt{Number: d.Attempt, StartedAt: time.Now()},
		Unlocks: []pipeline.Unlock{{Step: "b", Needs: []string{"a"}}}, Sinks: []string{"b"}}
}

// limitPages makes the file as full as a disk, or gives room again.
func limitPages(t *testing.T, db *DB, more int64) {
	t.Helper()
	err := db.do(t.Context(), 1, true, func(w *writer) error {
		n, err := w.conn.value("SELECT page_count FROM pragma_page_count")
		if err != nil {
			return err
		}
		return w.conn.script(fmt.Sprintf("PRAGMA max_page_count = %d", n+more))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func mustVerify(t *testing.T, db *DB) {
	t.Helper()
	if err := db.Verify(t.Context()); err != nil {
		t.Errorf("counters: %v", err)
	}
}

// started stores rows and receives some of them.
func started(t *testing.T, b pipeline.Backend, rows, n int) []pipeline.Delivery {
	t.Helper()
	for range rows {
		if _, err := b.Rows.Insert(t.Context(), plainRow(t, nil)); err != nil {
			t.Fatal(err)
		}
	}
	ds, err := b.Work.Receive(t.Context(), request("a", n))
	if err != nil || len(ds) != n {
		t.Fatal(ds, err)
	}
	return ds
}

func TestAFullDiskLosesNothing(t *testing.T) {
	db := openStore(t, Config{})
	b, ctx := db.Backend(), t.Context()
	ds := started(t, b, 2, 2)
	limitPages(t, db, 0)
	acked := 2
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range 50 {
		wg.Go(func() {
			_, err := b.Rows.Insert(ctx, plainRow(t, bytes.Repeat([]byte("x"), 20_000)))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				acked++
			} else if !errors.Is(err, pipeline.ErrUnavailable) {
				t.Errorf("insert answers %v", err)
			}
			if _, err := b.Rows.List(ctx, pipeline.RowFilter{}); err != nil {
				t.Errorf("the console cannot list: %v", err)
			}
			if _, err := b.Metrics.Counts(ctx); err != nil {
				t.Errorf("the console cannot count: %v", err)
			}
		})
	}
	wg.Wait()
	page, err := b.Rows.List(ctx, pipeline.RowFilter{Limit: 500})
	if err != nil || len(page.Items) != acked {
		t.Errorf("%d rows, %d were acknowledged, %v", len(page.Items), acked, err)
	}
	limitPages(t, db, 100_000)
	if errs, err := b.Work.Settle(ctx, processedA(ds[0]), processedA(ds[1])); errors.Join(append(errs, err)...) != nil {
		t.Errorf("leases did not survive: %v %v", errs, err)
	}
	next, err := b.Work.Receive(ctx, request("b", 5))
	if err != nil || len(next) != 2 {
		t.Errorf("received %d after room was made, %v", len(next), err)
	}
	mustVerify(t, db)
}

func TestAGroupThatFailsIsUndoneInMemory(t *testing.T) {
	db := openStore(t, Config{})
	b, ctx := db.Backend(), t.Context()
	ds := started(t, b, 3, 1)
	boom := errors.New("boom")
	for range 3 {
		err := db.do(ctx, 1, false, func(w *writer) error {
			o := processedA(ds[0])
			q := w.leases.find(ds[0].Receipt).q
			if err := w.settle(w.leases.find(ds[0].Receipt), &o); err != nil {
				return err
			}
			fresh := plainRow(t, nil)
			fresh.Pipeline = "unheard of"
			if _, err := w.insert(&fresh); err != nil {
				return err
			}
			wt := &waiter{q: q, n: 2, hide: 1000}
			if err := w.fill(wt); err != nil || len(wt.got) != 2 {
				t.Errorf("filled %d, %v", len(wt.got), err)
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Errorf("answered %v", err)
		}
		mustVerify(t, db)
	}
	if _, ok := db.names.Load().id(namePipeline, 0, "unheard of"); ok {
		t.Error("a name survived")
	}
	if errs, err := b.Work.Settle(ctx, processedA(ds[0])); errors.Join(append(errs, err)...) != nil {
		t.Errorf("the lease did not survive: %v %v", errs, err)
	}
	rest, err := b.Work.Receive(ctx, request("a", 5))
	if err != nil || len(rest) != 2 || rest[0].Attempt != 1 {
		t.Errorf("received %v, %v", rest, err)
	}
	mustVerify(t, db)
}

func TestAPoisonedJobDoesNotHurtItsNeighbours(t *testing.T) {
	db := openStore(t, Config{})
	b, ctx := db.Backend(), t.Context()
	hold, held := make(chan struct{}), make(chan struct{})
	go db.do(ctx, 1, true, func(w *writer) error {
		w.conn.db.Limit(zs.LimitLength, 100_000)
		close(held)
		<-hold
		return nil
	})
	<-held
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			size := 100
			if i == 7 {
				size = 200_000
			}
			_, err := b.Rows.Insert(ctx, plainRow(t, make([]byte, size)))
			if large := i == 7; (err != nil) != large {
				t.Errorf("%d bytes: %v", size, err)
			}
		})
	}
	for len(db.jobs) < 20 {
		time.Sleep(time.Millisecond)
	}
	close(hold)
	wg.Wait()
	mustVerify(t, db)
}

// TestABacklogIsDrained drains hundreds of rows, with retries and releases that
// leave the queue and enter it again.
func TestABacklogIsDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openStore(t, Config{Durability: "normal"})
		b, ctx, rng := db.Backend(), t.Context(), rand.New(rand.NewPCG(1, 2))
		const rows = 400
		for range rows {
			if _, err := b.Rows.Insert(ctx, plainRow(t, nil)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Microsecond)
		}
		done := map[string]int{}
		for len(done) < rows {
			r := request("a", 1+rng.IntN(40))
			r.Wait = time.Hour
			ds, err := b.Work.Receive(ctx, r)
			if err != nil || len(ds) == 0 {
				t.Fatalf("received nothing with %d of %d done, %v", len(done), rows, err)
			}
			settleMixed(t, b, rng, ds, done)
		}
		for id, n := range done {
			if n != 1 {
				t.Errorf("row %s was processed %d times", id, n)
			}
		}
		if ds, err := b.Work.Receive(ctx, request("a", 10)); err != nil || len(ds) != 0 {
			t.Errorf("received %d more, %v", len(ds), err)
		}
		next, err := b.Work.Receive(ctx, request("b", 2*rows))
		if err != nil || len(next) != rows {
			t.Errorf("received %d of %d at the next step, %v", len(next), rows, err)
		}
		mustVerify(t, db)
	})
}

// settleMixed processes most deliveries and notes their rows; the others go back.
func settleMixed(t *testing.T, b pipeline.Backend, rng *rand.Rand, ds []pipeline.Delivery, done map[string]int) {
	t.Helper()
	outcomes := make([]pipeline.Outcome, len(ds))
	for i, d := range ds {
		outcomes[i] = processedA(d)
		switch rng.IntN(5) {
		case 0:
			outcomes[i].Verdict, outcomes[i].RetryAt = pipeline.Retry, time.Now().Add(time.Duration(rng.IntN(3000))*time.Millisecond)
		case 1:
			outcomes[i].Verdict = pipeline.Release
		default:
			done[d.Row]++
		}
	}
	errs, err := b.Work.Settle(t.Context(), outcomes...)
	if errors.Join(append(errs, err)...) != nil {
		t.Fatal(errs, err)
	}
}

// TestWorkAtOnce runs every kind of call from many goroutines and counts again.
func TestWorkAtOnce(t *testing.T) {
	db := openStore(t, Config{Durability: "normal"})
	b := db.Backend()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(7, uint64(i)))
			for range 60 {
				if err := somethingAtRandom(ctx, t, b, rng); err != nil {
					t.Errorf("%v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	mustVerify(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again := openStore(t, Config{Path: db.path[:len(db.path)-len(FileName)]})
	mustVerify(t, again)
}

func somethingAtRandom(ctx context.Context, t testing.TB, b pipeline.Backend, rng *rand.Rand) error {
	page, err := b.Rows.List(ctx, pipeline.RowFilter{Limit: 20})
	if err != nil {
		return err
	}
	id := "0000000000000"
	if len(page.Items) > 0 {
		id = page.Items[rng.IntN(len(page.Items))].ID
	}
	switch rng.IntN(8) {
	case 0, 1:
		r := plainRow(t, []byte("x"))
		r.Key = fmt.Sprint(rng.IntN(200))
		_, err = b.Rows.Insert(ctx, r, r, plainRow(t, nil))
	case 2:
		_, err = b.Moves.Discard(ctx, nil, fmt.Sprint("op", rng.IntN(3)), "why", id)
	case 3:
		_, err = b.Moves.Restore(ctx, nil, "", id)
	case 4:
		states := pipeline.States()
		_, err = b.Moves.Requeue(ctx, nil, pipeline.Move{Row: id, Step: "a", If: states[rng.IntN(len(states))], Reset: []string{"b"},
			Operation: "op", Alone: rng.IntN(4) == 0, At: time.Now()})
	default:
		err = workAtRandom(ctx, b, rng)
	}
	return err
}

func workAtRandom(ctx context.Context, b pipeline.Backend, rng *rand.Rand) error {
	r := request([]string{"a", "b"}[rng.IntN(2)], 1+rng.IntN(5))
	r.Hide = time.Duration(rng.IntN(50)) * time.Millisecond
	ds, err := b.Work.Receive(ctx, r)
	if err != nil {
		return err
	}
	outcomes := make([]pipeline.Outcome, len(ds))
	for i, d := range ds {
		o := processedA(d)
		if d.Step == "b" {
			o.Unlocks = nil
		}
		o.Verdict = []pipeline.Verdict{pipeline.Processed, pipeline.Processed, pipeline.Retry, pipeline.Dead, pipeline.Release}[rng.IntN(5)]
		o.RetryAt, o.Free = time.Now().Add(time.Duration(rng.IntN(30))*time.Millisecond), rng.IntN(3) == 0
		o.Letter = pipeline.NewLetter{Group: fmt.Sprint(d.Step, rng.IntN(3)), Cause: "cause", Error: "error"}
		outcomes[i] = o
	}
	_, err = b.Work.Settle(ctx, outcomes...)
	return err
}
