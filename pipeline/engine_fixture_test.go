package pipeline_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/backoff"
	"redrive/pipeline/sqlite"
)

// world is an engine on a real store with a scripted downstream, inside a
// bubble in which hours pass at once.
type world struct {
	t      *testing.T
	dir    string
	db     *sqlite.DB
	engine *pipeline.Engine
	config pipeline.Config
	wrap   func(pipeline.Backend) pipeline.Backend
	log    slog.Handler // in place of the test's own
	guest  bool         // the store is another world's

	stop  context.CancelFunc
	ended chan error

	mu     sync.Mutex
	script func(pipeline.Call) pipeline.Answer
	hang   string // step whose calls never answer
	calls  []call
}

type call struct {
	pipeline.Call
	at time.Time
}

var policy = backoff.Policy{Attempts: 3, Base: time.Second, Cap: 10 * time.Second, Jitter: backoff.None}

// newWorld runs test in a bubble with the pipeline of the given steps, which
// all succeed until it says otherwise.
func newWorld(t *testing.T, config func(*world) pipeline.Config, test func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: t.TempDir(), script: ok}
		w.config = config(w)
		w.open()
		defer w.close()
		test(t, w)
	})
}

func ok(pipeline.Call) pipeline.Answer { return pipeline.Answer{StatusCode: 200} }

func broken(pipeline.Call) pipeline.Answer {
	return pipeline.Answer{Kind: pipeline.AnswerTransient, StatusCode: 503, Error: "503 from downstream"}
}

func (w *world) answer(script func(pipeline.Call) pipeline.Answer) {
	w.mu.Lock()
	w.script = script
	w.mu.Unlock()
}

// Call records and plays the script.
func (w *world) Call(ctx context.Context, c pipeline.Call) pipeline.Answer {
	w.mu.Lock()
	w.calls = append(w.calls, call{c, time.Now()})
	script, hangs := w.script, w.hang == c.Step
	w.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return pipeline.Answer{Kind: pipeline.AnswerAborted}
	}
	return script(c)
}

func (w *world) made(match func(call) bool) []call {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []call
	for _, c := range w.calls {
		if match(c) {
			list = append(list, c)
		}
	}
	return list
}

func at(step string) func(call) bool { return func(c call) bool { return c.Step == step } }

func (w *world) step(name string, needs ...string) pipeline.Step {
	return pipeline.Step{Name: name, Needs: needs, Caller: w, Concurrency: 8, Timeout: 5 * time.Second, Retry: policy}
}

// diamond is the usual pipeline: a fan-out and a join.
func diamond(w *world) pipeline.Config {
	return pipeline.Config{Pipelines: []pipeline.Pipeline{{Name: "p", Steps: []pipeline.Step{
		w.step("validate"), w.step("index", "validate"), w.step("notify", "validate"), w.step("archive", "index", "notify")}}},
		Sweep: pipeline.SweepSettings{Cron: "each minute", StuckAfter: time.Minute}, Cron: eachMinute}
}

// eachMinute stands for a parser of schedules.
func eachMinute(spec string) (func(time.Time) time.Time, error) {
	if spec != "each minute" {
		return nil, fmt.Errorf("%q is no schedule", spec)
	}
	return func(after time.Time) time.Time { return after.Truncate(time.Minute).Add(time.Minute) }, nil
}

func (w *world) open() {
	w.t.Helper()
	var err error
	if !w.guest {
		if w.db, err = sqlite.Open(w.t.Context(), sqlite.Config{Path: w.dir, Logger: slog.New(slog.NewTextHandler(w.t.Output(), nil))}); err != nil {
			w.t.Fatal(err)
		}
	}
	b := w.db.Backend()
	if w.wrap != nil {
		b = w.wrap(b)
	}
	w.config.Logger = slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	if w.log != nil {
		w.config.Logger = slog.New(w.log)
	}
	if w.engine, err = pipeline.New(w.config, b); err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(w.t.Context())
	w.stop, w.ended = stop, make(chan error, 1)
	go func() { w.ended <- w.engine.Run(ctx) }()
	synctest.Wait()
}

// close ends the engine and the store.
func (w *world) close() {
	w.t.Helper()
	w.stop()
	if err := <-w.ended; err != nil && w.wrap == nil {
		w.t.Errorf("the engine ended with %v", err)
	}
	if w.guest {
		return
	}
	if err := w.db.Close(); err != nil {
		w.t.Error(err)
	}
}

// restart ends everything and begins again, with another configuration if one
// is given.
func (w *world) restart(config func(*world) pipeline.Config) {
	w.t.Helper()
	w.close()
	if config != nil {
		w.config = config(w)
	}
	w.open()
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) submit(n int) []string {
	w.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		s, err := w.engine.Intake.Submit(w.t.Context(), "p", pipeline.Message{Payload: fmt.Appendf(nil, `{"n":%d}`, i), ContentType: "application/json"})
		if err != nil {
			w.t.Fatal(err)
		}
		ids[i] = s.ID
	}
	return ids
}

func (w *world) row(id string) pipeline.RowDetail {
	w.t.Helper()
	row, err := w.engine.Rows.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return row
}

func (w *world) state(id, step string) pipeline.State {
	w.t.Helper()
	row := w.row(id)
	f, _ := row.Flag(step)
	return f.State
}

func (w *world) wantStatus(want pipeline.Status, ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		if row := w.row(id); row.Status != want {
			w.t.Errorf("row %s is %s, want %s: %+v", id, row.Status, want, row.Steps)
		}
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
