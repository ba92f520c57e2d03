package aws

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
	"redrive/pipeline/backoff"
)

// BenchmarkCost prints what the emulators were asked for, as AWS bills it: rows
// of a kilobyte through three chained steps, and a while in which nothing
// happens. Figures are counted, not timed: once is enough (-benchtime 1x).
func BenchmarkCost(b *testing.B) {
	const rows = 300
	for _, c := range []struct {
		name      string
		keys      bool
		exclusive bool
		together  int
		result    int // bytes of each answer
	}{
		{"full-batches", false, false, 50, 11},
		{"full-batches-keys", true, false, 50, 11},
		{"exclusive", false, true, 50, 11},
		{"one-at-a-time", false, false, 1, 11},
		{"answers-of-256-bytes", false, false, 50, 256},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				t := newTill(b, time.Second)
				t.result = c.result
				n := rows
				if c.together == 1 {
					n = 50
				}
				t.put(n, 1024, c.keys)
				t.work(n, c.together, c.exclusive)
				t.settled()
				t.print(b)
			}
		})
	}
	for _, c := range []struct {
		name        string
		concurrency int
		call        time.Duration
	}{{"engine-100-at-once", 100, 20 * time.Millisecond}, {"engine-8-at-once", 8, 20 * time.Millisecond}} {
		b.Run(c.name, func(b *testing.B) { benchmarkEngine(b, c.concurrency, c.call) })
	}
	b.Run("idle", benchmarkIdle)
}

// print reports figures a row and a step.
func (c *till) print(b *testing.B) {
	costs := c.costs()
	row, step := c.total(purposeIntake), c.total(purposeSteps)
	rows, steps := float64(costs.Rows), float64(costs.Steps)
	dollars, _ := costs.PerMillion()
	all := c.total(purposeIntake, purposeSteps, purposeIdle, purposeOther)
	if testing.Verbose() {
		for _, u := range costs.Use {
			b.Logf("%+v", u)
		}
		b.Log(c.items())
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(row.writes/rows, "write-units/row-intake")
	b.ReportMetric((row.queueRequests+step.queueRequests)/steps, "sqs-requests/step")
	b.ReportMetric(step.reads/steps, "read-units/step")
	b.ReportMetric(step.writes/steps, "write-units/step")
	b.ReportMetric(dollars, "dollars/million-rows")
	b.ReportMetric(all.dollars()/rows*1e6, "dollars/million-rows-with-upkeep")
}

// engine is a whole process on the till's store.
func (c *till) engine(b testing.TB, concurrency int, call time.Duration) *pipeline.Engine {
	p := pipeline.Pipeline{Name: c.graph.Pipeline(), Retention: 24 * time.Hour, Intake: pipeline.Intake{MaxBytes: 1 << 18}}
	for _, n := range c.graph.Nodes() {
		p.Steps = append(p.Steps, pipeline.Step{Name: n.Name, Needs: n.Needs, Concurrency: concurrency, Timeout: time.Minute,
			Retry: backoff.Policy{Attempts: 3, Base: time.Second, Cap: time.Minute},
			Caller: pipeline.CallerFunc(func(ctx context.Context, _ pipeline.Call) pipeline.Answer {
				pauseFor(ctx, call)
				return pipeline.Answer{Kind: pipeline.AnswerProcessed, StatusCode: 200, Result: []byte(`{"ok":true}`)}
			})})
	}
	e, err := pipeline.New(pipeline.Config{Pipelines: []pipeline.Pipeline{p}, Worker: "worker-1", Drain: time.Second, Logger: slog.New(slog.DiscardHandler)}, c.backend)
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	for e.Ready(b.Context()) != nil {
		pauseFor(b.Context(), 10*time.Millisecond)
	}
	return e
}

// benchmarkEngine has the engine do it: its own workers, batches as they come.
func benchmarkEngine(b *testing.B, concurrency int, call time.Duration) {
	const rows = 300
	for b.Loop() {
		c := newTill(b, time.Second)
		c.engine(b, concurrency, call)
		c.put(rows, 1024, false)
		for c.costs().Steps < 3*rows {
			pauseFor(b.Context(), 50*time.Millisecond)
		}
		c.settled()
		c.print(b)
	}
}

// benchmarkIdle has a process wait for work as long as two polls, and works out a
// day.
func benchmarkIdle(b *testing.B) {
	for b.Loop() {
		c := newTill(b, 0)
		c.engine(b, 100, 0)
		pauseFor(b.Context(), 2*time.Second) // what is done once
		before := c.total(purposeIdle, purposeOther, purposeSweep)
		began := time.Now()
		pauseFor(b.Context(), 2*usualPoll+time.Second/2)
		used := c.total(purposeIdle, purposeOther, purposeSweep)
		days := float64(time.Since(began)) / float64(24*time.Hour)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric((used.queueRequests-before.queueRequests)/days, "sqs-requests/day")
		b.ReportMetric((used.reads-before.reads)/days, "read-units/day")
		b.ReportMetric((used.writes-before.writes)/days, "write-units/day")
		b.ReportMetric((used.dollars()-before.dollars())/days, "idle-dollars/day")
	}
}

// BenchmarkMeter is what counting adds to a request that is answered at once.
func BenchmarkMeter(b *testing.B) {
	cfg := awstest.Config(b, awstest.Endpoints{})
	cfg.HTTPClient = instant{}
	for name, client := range map[string]*dynamodb.Client{"without": dynamodb.NewFromConfig(cfg), "with": NewAccount(cfg).dynamodbFor(purposeIdle)} {
		b.Run(name, func(b *testing.B) {
			in := &dynamodb.GetItemInput{TableName: sdkaws.String("t"), Key: keyOf("a", "b")}
			for b.Loop() {
				if _, err := client.GetItem(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// instant answers every request, with nothing.
type instant struct{}

func (instant) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}
