package aws

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
	"redrive/pipeline/backoff"
)

const ordersPipeline = "orders"

// orders is the pipeline of these tests: a fan-out and a join.
var orders = []pipeline.Node{{Name: "check"}, {Name: "bill", Needs: []string{"check"}}, {Name: "pack", Needs: []string{"check"}},
	{Name: "ship", Needs: []string{"bill", "pack"}}}

// works is the whole engine on this backend, in as many processes as a test
// starts: a table and queues that nobody else uses, a proxy in front of each
// service, and a downstream that remembers what it was asked.
type works struct {
	t           *testing.T
	prefix      string
	emulators   awstest.Endpoints
	dynamo, sqs *awstest.Proxy
	watch       *awstest.CloudWatchFake
	down        *ledger
	http        *http.Client

	lease     time.Duration
	exclusive bool
	alternate bool                   // every other step, from the second, is exclusive where its neighbours are not
	shape     func(*pipeline.Config) // changes the configuration of every process
	strict    bool                   // nothing happens that could cut off an attempt: none may be lost, none made twice

	processes []*machine
	mu        sync.Mutex
	accepted  []string // ids that were answered
	unsure    int      // submissions that were not
	next      int
	slowest   time.Duration // the table's answer to a question, see sawState
}

// machine is one process.
type machine struct {
	w      *works
	engine *pipeline.Engine
	store  *Store
	wire   *wire
	stop   context.CancelFunc
	ended  chan error
	over   sync.Once
}

// workFloor has room for so many works at the same time: each is busy, and they share
// the emulators. It is a variable of the package for the reason that those are one.
var workFloor = make(chan struct{}, 10)

func newWorks(t *testing.T) *works {
	t.Helper()
	t.Parallel()
	workFloor <- struct{}{}
	t.Cleanup(func() { <-workFloor })
	w := &works{t: t, prefix: "f" + strings.ToLower(rand.Text()) + "-", emulators: awstest.Emulators(t), lease: 20 * time.Second, down: newLedger(t)}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	w.http = &http.Client{Transport: transport}
	w.watch = awstest.CloudWatch(t)
	w.emulators.CloudWatch = w.watch.URL
	w.dynamo, w.sqs = awstest.NewProxy(t, w.emulators.DynamoDB), awstest.NewProxy(t, w.emulators.SQS)
	makeTable(t, w.emulators, w.prefix+"rows")
	n := namesOf(Config{Prefix: w.prefix})
	for _, node := range orders {
		w.makeQueue(n.queue(ordersPipeline, node.Name))
		w.makeQueue(n.dead(ordersPipeline, node.Name))
	}
	t.Cleanup(func() {
		w.dynamo.Heal()
		w.sqs.Heal()
		for _, m := range w.processes {
			m.end()
		}
		transport.CloseIdleConnections()
	})
	return w
}

func (w *works) makeQueue(name string) {
	w.t.Helper()
	if _, err := w.client().CreateQueue(w.t.Context(), &sqs.CreateQueueInput{QueueName: &name}); err != nil {
		w.t.Fatal(err)
	}
}

// client goes past the proxy.
func (w *works) client() *sqs.Client { return sqs.NewFromConfig(awstest.Quick(w.t, w.emulators)) }

func (w *works) configuration(m *machine) pipeline.Config {
	c := pipeline.Config{Lease: w.lease, Worker: fmt.Sprintf("worker-%d", len(w.processes)), Drain: 2 * time.Second,
		Sweep:     pipeline.SweepSettings{StuckAfter: time.Second},
		Pipelines: []pipeline.Pipeline{{Name: ordersPipeline}},
		Logger:    slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	for i, n := range orders {
		c.Pipelines[0].Steps = append(c.Pipelines[0].Steps, pipeline.Step{Name: n.Name, Needs: n.Needs, Caller: pipeline.CallerFunc(m.call), Concurrency: 16,
			Timeout: 20 * time.Second, Exclusive: w.exclusive != (w.alternate && i%2 == 1), Retry: backoff.Policy{Attempts: attempts, Base: 10 * time.Millisecond, Cap: time.Second, Jitter: backoff.None}})
	}
	if w.shape != nil {
		w.shape(&c)
	}
	return c
}

// call is made by a process that lives; a dead one calls nobody any more.
func (m *machine) call(ctx context.Context, c pipeline.Call) pipeline.Answer {
	if m.wire.cut.Load() {
		<-ctx.Done()
		return pipeline.Answer{Kind: pipeline.AnswerAborted}
	}
	return m.w.down.serve(ctx, c)
}

// aside makes a store that no engine uses.
func (w *works) aside(at awstest.Endpoints, way *wire) *Store {
	w.t.Helper()
	s := w.open(at, way)
	w.t.Cleanup(func() { _ = s.Close() })
	return s
}

func (w *works) open(at awstest.Endpoints, way *wire) *Store {
	w.t.Helper()
	cfg := awstest.Config(w.t, at)
	cfg.HTTPClient = way
	c := Config{Account: NewAccount(cfg), Prefix: w.prefix, Worker: "worker", Poll: time.Second, Flush: 100 * time.Millisecond, Age: 100 * time.Millisecond, Lost: 7 * time.Second,
		Pipelines: []Pipeline{{Name: ordersPipeline, Retention: time.Hour}}, Logger: slog.New(slog.NewTextHandler(w.t.Output(), nil))}
	for _, n := range orders {
		c.Pipelines[0].Steps = append(c.Pipelines[0].Steps, n.Name)
	}
	s, err := Open(context.WithoutCancel(w.t.Context()), c)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *works) endpoints() awstest.Endpoints {
	return awstest.Endpoints{SQS: w.sqs.URL, DynamoDB: w.dynamo.URL, CloudWatch: w.watch.URL}
}

func (w *works) newWire() *wire { return &wire{client: w.http} }

// start begins a process that works.
func (w *works) start() *machine { return w.startWith(w.newWire()) }

func (w *works) startWith(way *wire) *machine {
	w.t.Helper()
	m := &machine{w: w, wire: way, ended: make(chan error, 1)}
	m.store = w.open(w.endpoints(), m.wire)
	var err error
	if m.engine, err = pipeline.New(w.configuration(m), m.store.Backend()); err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))
	m.stop = stop
	w.processes = append(w.processes, m)
	go func() { m.ended <- m.engine.Run(ctx) }()
	return m
}

// ready waits until a process works.
func (m *machine) ready() *machine {
	m.w.t.Helper()
	m.w.within(10*time.Second, "the engine is ready", func() bool { return m.engine.Ready(m.w.t.Context()) == nil })
	return m
}

// end stops a process in good order, or waits for what is left of a dead one.
func (m *machine) end() { m.over.Do(m.endNow) }

func (m *machine) endNow() {
	m.stop()
	if err := <-m.ended; err != nil && !m.wire.cut.Load() {
		m.w.t.Errorf("the engine ended with %v", err)
	}
	if err := m.store.Close(); err != nil && !m.wire.cut.Load() {
		m.w.t.Errorf("closing the store: %v", err)
	}
}

// kill ends a process in the middle of whatever it does: nothing of it reaches
// AWS any more. What is left of it is ended too: it would go on trying.
func (m *machine) kill() {
	m.wire.cut.Store(true)
	m.stop()
	go m.end()
}

// submit sends n rows at the same time, each until it is accepted.
func (m *machine) submit(n int) []string {
	m.w.t.Helper()
	ids, errs := make([]string, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			row := m.w.number() // the same in each try: what it does depends on that
			for range 5 {
				if ids[i], errs[i] = m.sendAs(row); errs[i] == nil {
					return
				}
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		m.w.t.Fatalf("a row was not accepted: %v", err)
	}
	return ids
}

// send sends one row. One that is not answered may exist all the same.
func (m *machine) send() (string, error) { return m.sendAs(m.w.number()) }

func (w *works) number() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	return w.next - 1
}

func (m *machine) sendAs(n int) (string, error) {
	w := m.w
	s, err := m.engine.Intake.Submit(w.t.Context(), ordersPipeline, pipeline.Message{Payload: fmt.Appendf(nil, `{"n":%d}`, n), ContentType: "application/json"})
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.unsure++
		return "", err
	}
	w.accepted = append(w.accepted, s.ID)
	return s.ID, nil
}

// attempts are more than a lease of a few seconds uses up on a busy machine.
const attempts = 12

// busy is how much longer things take on a machine with other work.
const busy = 6

// within waits until something holds, longer on a busy machine.
func (w *works) within(d time.Duration, what string, holds func() bool) {
	w.t.Helper()
	d *= busy
	for deadline := time.Now().Add(d); !holds(); {
		if time.Now().After(deadline) {
			w.t.Fatalf("after %s: not yet that %s", d, what)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// wire is how a process reaches AWS. When it is cut nothing gets through, and no
// answer of what is under way comes back.
type wire struct {
	client *http.Client
	cut    atomic.Bool
	point  *crashPoint
	gate   atomic.Pointer[chan struct{}]
}

// hold keeps every request from now on waiting, until the function it answers is
// called.
func (l *wire) hold() (wake func()) {
	gate := make(chan struct{})
	l.gate.Store(&gate)
	return func() {
		l.gate.Store(nil)
		close(gate)
	}
}

// crashPoint is the request at which a process ends.
type crashPoint struct {
	counts func(action, body string) bool
	nth    int64
	after  bool // the service still does it
	hit    func()
	seen   atomic.Int64
}

func (l *wire) Do(r *http.Request) (*http.Response, error) {
	if l.cut.Load() {
		return nil, cutError{}
	}
	if p := l.point; p != nil && p.isIt(r) {
		l.cut.Store(true)
		if p.after {
			if answer, err := l.client.Do(r.WithContext(context.WithoutCancel(r.Context()))); err == nil {
				_ = answer.Body.Close()
			}
		}
		if p.hit != nil {
			p.hit()
		}
		return nil, cutError{}
	}
	if gate := l.gate.Load(); gate != nil {
		select {
		case <-*gate:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	answer, err := l.client.Do(r)
	if l.cut.Load() {
		if err == nil {
			_ = answer.Body.Close()
		}
		return nil, cutError{}
	}
	return answer, err
}

func (p *crashPoint) isIt(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return p.counts(action, string(body)) && p.seen.Add(1) == p.nth
}
