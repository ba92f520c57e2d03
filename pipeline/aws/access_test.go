package aws

import (
	"context"
	"net"
	"strings"
	"testing"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

func noSuchHost(_ context.Context, _, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
}

func TestAForbiddenActionIsNamedAtTheStart(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.cfg.Pipelines[0].SourceQueue = g.cfg.Prefix + "orders"
	g.cfg.Pipelines = append(g.cfg.Pipelines, Pipeline{Name: "x", SourceQueue: ""})
	g.makeQueue("orders")
	if err := g.prepare(true); err != nil {
		t.Fatal(err)
	}
	pre := g.cfg.Prefix
	for _, c := range []struct {
		proxy  *awstest.Proxy
		denied string // as requested
		queue  string
		says   string
	}{
		{g.dynamodb, "DescribeTable", "", "dynamodb:DescribeTable on table " + pre + "rows"},
		{g.dynamodb, "GetItem", "", "dynamodb:GetItem on table " + pre + "rows"},
		{g.dynamodb, "BatchGetItem", "", "dynamodb:BatchGetItem on table " + pre + "rows"},
		{g.dynamodb, "Query", "", "dynamodb:Query on table " + pre + "rows"},
		{g.dynamodb, "PutItem", "", "dynamodb:PutItem on table " + pre + "rows"},
		{g.dynamodb, "UpdateItem", "", "dynamodb:UpdateItem on table " + pre + "rows"},
		{g.dynamodb, "DeleteItem", "", "dynamodb:DeleteItem on table " + pre + "rows"},
		{g.dynamodb, "BatchWriteItem", "", "dynamodb:BatchWriteItem on table " + pre + "rows"},
		{g.sqs, "GetQueueUrl", "github-index", "sqs:GetQueueUrl on queue " + pre + "github-index"},
		{g.sqs, "GetQueueAttributes", "github-index", "sqs:GetQueueAttributes on queue " + pre + "github-index"},
		{g.sqs, "ReceiveMessage", "github-index", "sqs:ReceiveMessage on queue " + pre + "github-index"},
		{g.sqs, "SendMessageBatch", "github-index-dlq", "sqs:SendMessage on queue " + pre + "github-index-dlq"},
		{g.sqs, "DeleteMessageBatch", "github-index", "sqs:DeleteMessage on queue " + pre + "github-index"},
		{g.sqs, "ChangeMessageVisibilityBatch", "github-index", "sqs:ChangeMessageVisibility on queue " + pre + "github-index"},
		{g.sqs, "ReceiveMessage", "orders", "sqs:ReceiveMessage on queue " + pre + "orders"},
	} {
		c.proxy.Inject(awstest.Fault{Action: c.denied, Where: queueEndsIn(c.queue), Do: awstest.Denied()})
		for _, provision := range []bool{true, false} {
			sentenceOf(t, g.prepare(provision), "this identity may not do "+c.says+"; `server provision --print iam` prints the policy it needs")
		}
		c.proxy.Heal()
	}
}

func (g *ground) makeQueue(name string) string {
	g.t.Helper()
	p := g.provisioner()
	have, err := p.make(g.t.Context(), stepQueue{name: g.cfg.Prefix + name}, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	return have.url
}

func TestEveryForbiddenActionIsInOneSentence(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.apply()
	g.dynamodb.Inject(awstest.Fault{Action: "PutItem", Do: awstest.Denied()})
	g.sqs.Inject(awstest.Fault{Action: "ReceiveMessage", Where: queueEndsIn("github-index"), Do: awstest.Denied()})
	sentenceOf(t, g.prepare(false), "may not do dynamodb:PutItem on table "+g.cfg.Prefix+"rows and sqs:ReceiveMessage on queue "+g.cfg.Prefix+"github-index;")
}

// A console of its own needs no right to take messages.
func TestAConsoleAloneReceivesNothing(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.apply()
	g.bp.Only = pipeline.OnlyConsole
	for _, action := range []string{"ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"} {
		g.sqs.Inject(awstest.Fault{Action: action, Do: awstest.Denied()})
	}
	if err := g.prepare(false); err != nil {
		t.Error(err)
	}
	g.cfg.Pipelines[0].SourceQueue = g.cfg.Prefix + "orders"
	g.makeQueue("orders")
	sentenceOf(t, g.prepare(false), "sqs:ReceiveMessage on queue "+g.cfg.Prefix+"orders")
}

// To ask is not to do: no message is received, none is sent, nothing is written.
func TestAskingChangesNothing(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.apply()
	url := g.send("github-index", "hello")
	if err := g.prepare(false); err != nil {
		t.Fatal(err)
	}
	if count := g.receives(url); count != "1" {
		t.Errorf("the message was received for the %s. time", count)
	}
	items, err := (&table{client: g.cfg.Account.dynamodb(), name: g.cfg.Prefix + "rows"}).all(t.Context(), query{pk: "access"})
	if err != nil || len(items) > 0 {
		t.Errorf("%d items, %v", len(items), err)
	}
	live, err := g.provisioner().live(t.Context(), g.cfg.Prefix+"github-validate")
	if err != nil || live.attributes["ApproximateNumberOfMessages"] != "0" {
		t.Errorf("messages: %s, %v", live.attributes["ApproximateNumberOfMessages"], err)
	}
}

// A service that is busy or broken for a moment says nothing about rights.
func TestTroubleIsNoDenial(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.apply()
	g.dynamodb.Inject(awstest.Fault{Action: "PutItem", Do: awstest.Throttled()})
	g.sqs.Inject(awstest.Fault{Action: "ReceiveMessage", Do: awstest.Broken()})
	if err := g.prepare(false); err != nil {
		t.Error(err)
	}
}

func TestReachNamesWhatStepsHandOverTo(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	functions := awstest.Lambda(t, func(name string, _ []byte) awstest.LambdaAnswer {
		if name == "resize" {
			return awstest.LambdaAnswer{}
		}
		return awstest.NoSuchFunction(name)
	})
	e := awstest.Endpoints{SQS: g.sqs.URL, DynamoDB: g.dynamodb.URL, Lambda: functions.URL}
	g.cfg.Account = NewAccount(awstest.Config(t, e))
	pre := g.cfg.Prefix
	g.makeQueue("orders")
	g.makeQueue("closed")
	g.sqs.Inject(awstest.Fault{Action: "SendMessageBatch", Where: queueEndsIn("closed"), Do: awstest.Denied()})
	g.bp.Functions = []string{"resize", "thumbnail", "arn:aws:lambda:us-east-1:000000000000:function:far"}
	g.bp.Targets = []string{pre + "orders", pre + "nowhere", pre + "closed"}
	got := strings.Join(g.provisioner().Reach(t.Context()), "\n")
	for _, part := range []string{"function thumbnail does not exist in eu-west-1", "far does not exist in us-east-1", "queue " + pre + "nowhere does not exist", "sqs:SendMessage on queue " + pre + "closed"} {
		if !strings.Contains(got, part) {
			t.Errorf("nothing of %q in\n%s", part, got)
		}
	}
	if n := strings.Count(got, "\n"); n != 3 {
		t.Errorf("%d sentences:\n%s", n+1, got)
	}
	for _, in := range functions.Invocations() {
		if in.Type != "DryRun" {
			t.Errorf("function %s was called", in.Function)
		}
	}
}
