//go:build unix

package pipeline_test

import (
	"context"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/backoff"
	"redrive/pipeline/sqlite"
)

// BenchmarkEngine runs rows of 200 bytes through three chained steps that do
// nothing, at full durability: one b.N is one step execution. Rows are stored
// before the clock starts.
func BenchmarkEngine(b *testing.B) {
	db, err := sqlite.Open(b.Context(), sqlite.Config{Path: b.TempDir(), Durability: "full"})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the end of the benchmark
	rows := max(b.N/3, 1)
	last := make(chan struct{})
	var done atomic.Int64
	step := func(name string, needs ...string) pipeline.Step {
		return pipeline.Step{Name: name, Needs: needs, Concurrency: 512, Retry: backoff.Policy{Attempts: 1},
			Caller: pipeline.CallerFunc(func(context.Context, pipeline.Call) pipeline.Answer {
				if name == "c" && done.Add(1) == int64(rows) {
					close(last)
				}
				return pipeline.Answer{StatusCode: 200}
			})}
	}
	engine, err := pipeline.New(pipeline.Config{Pipelines: []pipeline.Pipeline{{Name: "bench",
		Steps: []pipeline.Step{step("a"), step("b", "a"), step("c", "b")}}}}, db.Backend())
	if err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, 200)
	for left := rows; left > 0; left -= 500 {
		batch := make([]pipeline.Message, min(left, 500))
		for i := range batch {
			batch[i].Payload = payload
		}
		if _, err := engine.Intake.SubmitBatch(b.Context(), "bench", batch); err != nil {
			b.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(b.Context())
	b.ReportAllocs()
	b.ResetTimer()
	started, cpu := time.Now(), cpuTime(b)
	ended := make(chan error)
	go func() { ended <- engine.Run(ctx) }()
	<-last
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(3*rows)/time.Since(started).Seconds(), "steps/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(3*rows), "cpu-µs/step")
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
