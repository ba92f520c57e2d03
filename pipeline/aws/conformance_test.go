package aws

import (
	"context"
	"crypto/rand"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
	"redrive/pipeline/pipelinetest"
)

// together is how many tests wait for real time together: it is what they do most.
const together = "64"

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", together)
	}
	os.Exit(m.Run())
}

// Exclusive steps are claimed before the call: every rule of a lease holds over
// all processes.
func TestConformance(t *testing.T) { conform(t, pipelinetest.Harness{Exclusive: true, Seeds: 8}) }

// Other steps are not: until the outcome is written a lease is known to its own
// process, and to others when its message comes back.
func TestConformanceUnclaimed(t *testing.T) {
	conform(t, pipelinetest.Harness{Unclaimed: true, Seeds: 8})
}

func conform(t *testing.T, h pipelinetest.Harness) {
	t.Parallel()
	var homes sync.Map // *home by the Audit of its backends, which all of them have for themselves
	open := func(t *testing.T, h *home) pipeline.Backend {
		b := h.open(t)
		homes.Store(b.Audit, h)
		return b
	}
	homeOf := func(b pipeline.Backend) *home {
		h, _ := homes.Load(b.Audit)
		return h.(*home)
	}
	h.New = func(t *testing.T) pipeline.Backend { return open(t, newHome(t)) }
	h.Reopen = func(t *testing.T, b pipeline.Backend) pipeline.Backend {
		homeOf(b).line.cut.Store(true) // what the process that is gone still does reaches nobody
		go homeOf(b).end()
		return open(t, homeOf(b).again())
	}
	h.Peer = func(t *testing.T, b pipeline.Backend) pipeline.Backend { return open(t, homeOf(b).again()) }
	h.Break = func(_ *testing.T, b pipeline.Backend) { homeOf(b).line.cut.Store(true) }
	h.Precision, h.Lag, h.Unordered, h.Grain = time.Second, 600*time.Millisecond, true, time.Hour
	pipelinetest.Run(t, h)
}

// home is where the backend of one test keeps everything: a table and queues
// that nobody else uses. line is the way of one process to it.
type home struct {
	prefix string
	at     awstest.Endpoints
	line   *line
	end    func() // closes the store that was opened last
}

// again is another process's way to the same home.
func (h *home) again() *home { return &home{prefix: h.prefix, at: h.at, line: &line{}} }

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{prefix: "t" + strings.ToLower(rand.Text()) + "-", at: awstest.Emulators(t), line: &line{}}
	makeTable(t, h.at, h.prefix+"rows")
	h.makeQueues(t)
	return h
}

func makeTable(t testing.TB, at awstest.Endpoints, name string) {
	t.Helper()
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	_, err := dynamodb.NewFromConfig(awstest.Quick(t, at)).CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{text(attrPK), text(attrSK)},
		KeySchema:            []types.KeySchemaElement{key(attrPK, types.KeyTypeHash), key(attrSK, types.KeyTypeRange)},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// makeQueues makes what provisioning would, so far as the backend needs it.
func (h *home) makeQueues(t testing.TB) {
	t.Helper()
	n, client := namesOf(Config{Prefix: h.prefix}), sqs.NewFromConfig(awstest.Quick(t, h.at))
	var all sync.WaitGroup
	for _, g := range pipelinetest.Graphs(t) {
		for _, node := range g.Nodes() {
			for _, name := range []string{n.queue(g.Pipeline(), node.Name), n.dead(g.Pipeline(), node.Name)} {
				all.Go(func() {
					if _, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name}); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	all.Wait()
}

func (h *home) account(t testing.TB) *Account {
	cfg := awstest.Config(t, h.at)
	cfg.HTTPClient = h.line
	return NewAccount(cfg)
}

func (h *home) open(t *testing.T) pipeline.Backend {
	t.Helper()
	return h.store(t).Backend()
}

func (h *home) store(t *testing.T, changes ...func(*Config)) *Store {
	t.Helper()
	cfg := Config{Account: h.account(t), Prefix: h.prefix, Worker: "worker-1", Flush: 40 * time.Millisecond, Age: 40 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, g := range pipelinetest.Graphs(t) {
		p := Pipeline{Name: g.Pipeline()}
		for _, n := range g.Nodes() {
			p.Steps = append(p.Steps, n.Name)
		}
		cfg.Pipelines = append(cfg.Pipelines, p)
	}
	for _, change := range changes {
		change(&cfg)
	}
	s, err := Open(context.WithoutCancel(t.Context()), cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.end = sync.OnceFunc(func() { _ = s.Close() })
	t.Cleanup(h.end)
	return s
}

// line is how a process reaches AWS. When it is cut, every request fails at
// once and is not worth another try.
type line struct {
	cut atomic.Bool
}

func (l *line) Do(r *http.Request) (*http.Response, error) {
	if l.cut.Load() {
		return nil, cutError{}
	}
	return awstest.HTTP().Do(r)
}

type cutError struct{}

func (cutError) Error() string       { return "the line is cut" }
func (cutError) CanceledError() bool { return true } // the SDK does not try again
