package aws

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"redrive/pipeline/aws/awstest"
)

func TestWithoutProvisionNothingIsCreated(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	pre := g.cfg.Prefix
	sentenceOf(t, g.prepare(false), "table "+pre+"rows and 4 queues do not exist in eu-west-1: "+pre+"github-validate-dlq, "+pre+"github-validate, "+pre+"github-index-dlq, "+pre+"github-index; ",
		"is right", "set aws.provision: true and run `server provision`, or create them from `server provision --print cloudformation`")
	if n := g.writes(); n != 0 {
		t.Errorf("%d writes", n)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.apply()
	pre := g.cfg.Prefix
	if err := g.prepare(false); err != nil {
		t.Fatal(err)
	}
	g.cfg.Pipelines[0].Steps = []string{"validate", "index", "archive"}
	sentenceOf(t, g.prepare(false), "2 queues do not exist in eu-west-1: "+pre+"github-archive-dlq, "+pre+"github-archive; set")
	g.cfg.Pipelines[0].Steps = []string{"validate"}
	g.cfg.Table = pre + "other"
	sentenceOf(t, g.prepare(false), "table "+pre+"other does not exist in eu-west-1; set")
	g.cfg.Table = ""
	g.cfg.Pipelines[0].SourceQueue = pre + "orders"
	for _, provision := range []bool{false, true} {
		sentenceOf(t, g.prepare(provision), "source_queue "+pre+"orders does not exist in eu-west-1, and it is not Redrive's to create")
	}
}

func TestOneMissingQueueIsOneSentence(t *testing.T) {
	t.Parallel()
	m := Missing{region: "eu-west-1", Queues: []string{"redrive-a-b"}}
	sentenceOf(t, m.Err(), "queue redrive-a-b does not exist in eu-west-1; set aws.provision")
	m.Table = "redrive-rows"
	sentenceOf(t, m.Err(), "table redrive-rows and queue redrive-a-b do not exist in eu-west-1; set aws.provision")
	if err := (Missing{}).Err(); err != nil {
		t.Error(err)
	}
}

// What belongs to others is looked for, and no reason not to start.
func TestQueuesOfOthersGiveAWarning(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.cfg.Queues = []QueueSelector{{Name: g.cfg.Prefix + "legacy-dlq"}, {Prefix: "legacy-"}}
	g.bp.Targets = []string{g.cfg.Prefix + "orders", "https://sqs.eu-west-1.amazonaws.com/123456789012/far"}
	var log strings.Builder
	if err := Prepare(t.Context(), g.cfg, g.bp, true, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"queue " + g.cfg.Prefix + "legacy-dlq does not exist", "queue " + g.cfg.Prefix + "orders does not exist",
		"done: create table " + g.cfg.Prefix + "rows", "done: create queue " + g.cfg.Prefix + "github-index\""} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("nothing of %q in the log:\n%s", part, &log)
		}
	}
	if strings.Contains(log.String(), "far") {
		t.Errorf("a queue of another account was looked for:\n%s", &log)
	}
}

func TestWithoutCredentials(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	sdk := awstest.Config(t, awstest.Endpoints{SQS: g.sqs.URL, DynamoDB: g.dynamodb.URL})
	sdk.Credentials = nobody{}
	g.cfg.Account = NewAccount(sdk)
	sentenceOf(t, g.prepare(true), "there are no AWS credentials", "AWS_PROFILE")
	if n := len(g.sqs.Calls("")) + len(g.dynamodb.Calls("")); n > 0 {
		t.Errorf("%d requests", n)
	}
}

func TestCredentialsThatAreNotAccepted(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.dynamodb.Inject(awstest.Fault{Do: awstest.Refused(awstest.Refusal{Status: 400, Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."})})
	sentenceOf(t, g.prepare(true), "AWS does not accept these credentials", "dynamodb:DescribeTable on table "+g.cfg.Prefix+"rows")
	if _, err := g.provisioner().Plan(t.Context()); err == nil {
		t.Error("there is a plan")
	}
}

// A region that is misspelt has no address.
func TestARegionThatDoesNotExist(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	sdk := awstest.Config(t, awstest.Endpoints{})
	sdk.Region, sdk.BaseEndpoint, sdk.HTTPClient = "eu-wst-1", nil, &http.Client{Transport: &http.Transport{DialContext: noSuchHost}}
	g.cfg.Account = NewAccount(sdk)
	sentenceOf(t, g.prepare(true), "dynamodb.eu-wst-1.amazonaws.com is not to be found", "aws.region (eu-wst-1)")
}

func TestNobodyAnswersAtTheEndpoint(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.cfg.Account = NewAccount(awstest.Config(t, awstest.Endpoints{}))
	sentenceOf(t, g.prepare(true), "dynamodb:DescribeTable on table "+g.cfg.Prefix+"rows", "nothing answers at 127.0.0.1:1")
}
