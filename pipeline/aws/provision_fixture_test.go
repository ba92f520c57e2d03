package aws

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// ground is an account of its own as far as names go, behind proxies that count
// what it is asked.
type ground struct {
	t             *testing.T
	cfg           Config
	bp            Blueprint
	sqs, dynamodb *awstest.Proxy
	cloudwatch    *awstest.CloudWatchFake
}

func newGround(t *testing.T) *ground {
	t.Helper()
	e := awstest.Emulators(t)
	g := &ground{t: t, sqs: awstest.NewProxy(t, e.SQS), dynamodb: awstest.NewProxy(t, e.DynamoDB), cloudwatch: awstest.CloudWatch(t)}
	e.SQS, e.DynamoDB, e.CloudWatch, e.STS = g.sqs.URL, g.dynamodb.URL, g.cloudwatch.URL, awstest.STS(t).URL
	g.cfg = Config{Account: NewAccount(awstest.Config(t, e)), Prefix: "p" + strings.ToLower(rand.Text()[:8]) + "-",
		Pipelines: []Pipeline{{Name: "github", Steps: []string{"validate", "index"}}}}
	return g
}

func (g *ground) provisioner() *Provisioner {
	p := NewProvisioner(g.cfg, g.bp)
	p.pause, p.looks = time.Millisecond, 20
	return p
}

// plan is what has to change, without what an emulator cannot do at all:
// DynamoDB's time to live can only be looked at there.
func (g *ground) plan() Plan {
	g.t.Helper()
	plan, err := g.provisioner().Plan(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	return plan
}

func (p Plan) texts() []string {
	var texts []string
	for _, c := range p.Changes {
		texts = append(texts, c.Text)
	}
	return texts
}

// story collects lines that are said.
type story struct {
	mu    sync.Mutex
	lines []string
}

func (s *story) tell(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

func (s *story) String() string { return strings.Join(s.lines, "\n") }

// apply makes everything that is to be made.
func (g *ground) apply() *story {
	g.t.Helper()
	var said story
	if err := g.provisioner().Apply(g.t.Context(), g.plan(), said.tell); err != nil {
		g.t.Fatalf("%v\n%s", err, &said)
	}
	return &said
}

// writes counts the requests that change something.
func (g *ground) writes() int {
	n := 0
	for _, c := range slices.Concat(g.sqs.Calls(""), g.dynamodb.Calls(""), g.cloudwatch.Calls("")) {
		for _, reads := range []string{"Get", "List", "Describe", "Query", "BatchGet"} {
			if strings.HasPrefix(c.Action, reads) {
				n--
				break
			}
		}
		n++
	}
	return n
}

// prepare is a server's start.
func (g *ground) prepare(provision bool) error {
	return Prepare(g.t.Context(), g.cfg, g.bp, provision, nil)
}

func sentenceOf(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", parts)
	}
	text := said(err)
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("nothing of %q in: %s", part, text)
		}
	}
	if strings.Contains(text, "\n") || strings.Contains(text, "api error") {
		t.Errorf("no sentence: %s", text)
	}
}

// exampleAlarm is one of a configuration.
func exampleAlarm(name string) pipeline.AlarmConfig {
	return pipeline.AlarmConfig{Name: name, Metric: pipeline.MetricDeadLetters, Dimensions: pipeline.Dimensions{Pipeline: "github"}, Statistic: "max",
		Comparison: ">=", Threshold: 5, Period: time.Minute, Periods: 1, Datapoints: 1, Missing: "not_breaching", Severity: "notice"}
}

// nobody has no credentials.
type nobody struct{}

func (nobody) Retrieve(context.Context) (sdkaws.Credentials, error) {
	return sdkaws.Credentials{}, errors.New("no provider in chain")
}

func (g *ground) send(queue, body string) string {
	g.t.Helper()
	live, err := g.provisioner().live(g.t.Context(), g.cfg.Prefix+queue)
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := g.cfg.Account.sqs().SendMessage(g.t.Context(), &sqs.SendMessageInput{QueueUrl: &live.url, MessageBody: &body}); err != nil {
		g.t.Fatal(err)
	}
	return live.url
}

// receives takes one message and says the how manieth time that was.
func (g *ground) receives(url string) string {
	g.t.Helper()
	out, err := g.cfg.Account.sqs().ReceiveMessage(g.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 1,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"ApproximateReceiveCount"}})
	if err != nil || len(out.Messages) != 1 {
		g.t.Fatalf("%d messages, %v", len(out.Messages), err)
	}
	return out.Messages[0].Attributes["ApproximateReceiveCount"]
}
