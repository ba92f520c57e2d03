//go:build unix

package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/sqlite"
)

// chain is three steps in a row, as the loop of a worker sees them.
var chain = []string{"validate", "enrich", "deliver"}

func chainRow(b testing.TB, payload []byte) pipeline.NewRow {
	b.Helper()
	g, err := pipeline.NewGraph("chain", []pipeline.Node{{Name: chain[0]}, {Name: chain[1], Needs: chain[:1]}, {Name: chain[2], Needs: chain[1:2]}})
	if err != nil {
		b.Fatal(err)
	}
	return pipeline.NewRow{Pipeline: "chain", Graph: g, Status: pipeline.StatusAccepted, ContentType: "application/json",
		Label: "push", Payload: payload, At: time.Now().UTC()}
}

func chainDone(d pipeline.Delivery, step int) pipeline.Outcome {
	o := pipeline.Outcome{Delivery: d, Verdict: pipeline.Processed, Sinks: chain[2:],
		Attempt: pipeline.Attempt{Step: d.Step, Number: d.Attempt, StartedAt: d.CreatedAt, Duration: time.Millisecond, Outcome: pipeline.AttemptProcessed, StatusCode: 200}}
	if step+1 < len(chain) {
		o.Unlocks = []pipeline.Unlock{{Step: chain[step+1], Needs: chain[step : step+1]}}
	}
	return o
}

func openBench(b *testing.B) pipeline.Backend {
	b.Helper()
	db, err := sqlite.Open(b.Context(), sqlite.Config{Path: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return db.Backend()
}

// cpuTime is what this process has used so far, of all processors: on a busy
// machine it tells more than the clock.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// insertMany stores n rows, 500 a call, and returns how long that took.
func insertMany(b *testing.B, be pipeline.Backend, n int) time.Duration {
	b.Helper()
	payload := make([]byte, 200)
	start := time.Now()
	for n > 0 {
		rows := make([]pipeline.NewRow, min(n, 500))
		for i := range rows {
			rows[i] = chainRow(b, payload)
		}
		if _, err := be.Rows.Insert(b.Context(), rows...); err != nil {
			b.Fatal(err)
		}
		n -= len(rows)
	}
	return time.Since(start)
}

// BenchmarkSteps measures the worker's side alone: receive and settle of three
// chained steps at full durability, with so many deliveries a call.
func BenchmarkSteps(b *testing.B) {
	for _, group := range []int{1, 16, 128, 512} {
		b.Run(fmt.Sprintf("group=%d", group), func(b *testing.B) {
			be := openBench(b)
			rows := max(b.N/3, 1) + group
			insertMany(b, be, rows)
			b.ReportAllocs()
			b.ResetTimer()
			start, cpu := time.Now(), cpuTime(b)
			steps := drain(b.Context(), b, be, rows, group)
			b.ReportMetric(float64(steps)/time.Since(start).Seconds(), "steps/s")
			b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(steps), "cpu-µs/step")
		})
	}
}

// drain works off all rows with two loops a step.
func drain(ctx context.Context, tb testing.TB, be pipeline.Backend, rows, group int) int64 {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var steps atomic.Int64
	var wg sync.WaitGroup
	for i := range chain {
		for range 2 {
			wg.Go(func() {
				for ctx.Err() == nil {
					n, err := workOnce(ctx, be, i, group)
					if err != nil && ctx.Err() == nil {
						tb.Error(err)
						return
					}
					if steps.Add(int64(n)) == int64(rows*len(chain)) {
						cancel()
					}
				}
			})
		}
	}
	wg.Wait()
	return steps.Load()
}

func workOnce(ctx context.Context, be pipeline.Backend, step, group int) (int, error) {
	ds, err := be.Work.Receive(ctx, pipeline.ReceiveRequest{Pipeline: "chain", Step: chain[step], N: group,
		Hide: time.Minute, Wait: time.Second, Worker: "bench"})
	if err != nil || len(ds) == 0 {
		return 0, err
	}
	outcomes := make([]pipeline.Outcome, len(ds))
	for i, d := range ds {
		outcomes[i] = chainDone(d, step)
	}
	errs, err := be.Work.Settle(ctx, outcomes...)
	if err != nil {
		return 0, err
	}
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return len(ds), nil
}

// BenchmarkInsert measures intake with so many callers at once.
func BenchmarkInsert(b *testing.B) {
	for _, callers := range []int{1, 16, 128, 512} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			be := openBench(b)
			payload := make([]byte, 200)
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			start, cpu := time.Now(), cpuTime(b)
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := be.Rows.Insert(b.Context(), chainRow(b, payload)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "rows/s")
			b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "cpu-µs/row")
		})
	}
}

// BenchmarkPages measures what pages ask for, and how much memory the process
// takes with that. REDRIVE_BENCH_ROWS sets how many rows there are.
func BenchmarkPages(b *testing.B) {
	be := openBench(b)
	n, _ := strconv.Atoi(os.Getenv("REDRIVE_BENCH_ROWS"))
	n = max(n, 2000)
	took := insertMany(b, be, n)
	b.Logf("%d rows, %.0f a second", n, float64(n)/took.Seconds())
	for range n / 10 / 500 { // a tenth is under way
		if _, err := workOnce(b.Context(), be, 0, 500); err != nil {
			b.Fatal(err)
		}
	}
	page, err := be.Rows.List(b.Context(), pipeline.RowFilter{})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		call func(context.Context) error
	}{
		{"newest", listOf(be, pipeline.RowFilter{})},
		{"by pipeline and status", listOf(be, pipeline.RowFilter{Pipeline: "chain", Status: pipeline.StatusAccepted})},
		{"under way", listOf(be, pipeline.RowFilter{Status: pipeline.StatusInProgress})},
		{"of a status without rows", listOf(be, pipeline.RowFilter{Status: pipeline.StatusDone})},
		{"by step and state", listOf(be, pipeline.RowFilter{Step: "validate", State: pipeline.StateQueued})},
		{"by a state far behind", listOf(be, pipeline.RowFilter{Step: "enrich", State: pipeline.StateQueued})},
		{"by text, nothing found", listOf(be, pipeline.RowFilter{Query: "nowhere"})},
		{"counts", func(ctx context.Context) error { _, err := be.Metrics.Counts(ctx); return err }},
		{"row", func(ctx context.Context) error { _, err := be.Rows.Get(ctx, page.Items[0].ID); return err }},
		{"dead letters", func(ctx context.Context) error { _, err := be.Letters.List(ctx, pipeline.LetterFilter{}); return err }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if err := c.call(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(residentMB(b), "MB-resident")
		})
	}
}

// residentMB is what the process has in memory now.
func residentMB(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0 // not Linux
	}
	var size, resident int
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		b.Fatal(err)
	}
	return float64(resident*os.Getpagesize()) / (1 << 20)
}

func listOf(be pipeline.Backend, f pipeline.RowFilter) func(context.Context) error {
	return func(ctx context.Context) error { _, err := be.Rows.List(ctx, f); return err }
}
