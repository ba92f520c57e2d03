package aws

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"redrive/pipeline/aws/awstest"
)

// expiry is what the emulator of DynamoDB cannot do.
func (g *ground) expiry() string { return "turn on time to live on table " + g.cfg.Prefix + "rows" }

func TestAnEmptyAccountIsProvisioned(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.bp.Tags = map[string]string{"team": "shop", "stage": "test"}
	pre := g.cfg.Prefix
	want := []string{"create table " + pre + "rows", g.expiry(), "turn on point-in-time recovery on table " + pre + "rows",
		"create queue " + pre + "github-validate-dlq", "create queue " + pre + "github-validate",
		"create queue " + pre + "github-index-dlq", "create queue " + pre + "github-index"}
	plan := g.plan()
	if !slices.Equal(plan.texts(), want) {
		t.Errorf("the plan is %q, want %q", plan.texts(), want)
	}
	if n := g.writes(); n != 0 {
		t.Errorf("planning made %d writes", n)
	}
	said := g.apply()
	for _, line := range want {
		if !strings.Contains(said.String(), ": "+line) {
			t.Errorf("nothing of %q in\n%s", line, said)
		}
	}
	g.apply() // the emulator forgets the tags that a table is created with
	again := g.plan()
	if len(again.Changes) > 0 || again.Right != 5 {
		t.Errorf("the second plan is %q with %d right", again.texts(), again.Right)
	}
	g.looksRight("github-validate")
	g.looksRight("github-index")
}

// looksRight compares the queues of a step with what the manual says of them.
func (g *ground) looksRight(step string) {
	g.t.Helper()
	p := g.provisioner()
	for name, want := range map[string]map[string]string{
		g.cfg.Prefix + step: {"VisibilityTimeout": "30", "MessageRetentionPeriod": "1209600", "ReceiveMessageWaitTimeSeconds": "20", "SqsManagedSseEnabled": "true",
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:` + g.cfg.Prefix + step + `-dlq","maxReceiveCount":100}`},
		g.cfg.Prefix + step + "-dlq": {"MessageRetentionPeriod": "1209600",
			"RedriveAllowPolicy": `{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:eu-west-1:000000000000:` + g.cfg.Prefix + step + `"]}`},
	} {
		live, err := p.live(g.t.Context(), name)
		if err != nil || !live.exists() {
			g.t.Fatalf("queue %s: %v", name, err)
		}
		for attribute, value := range want {
			if live.attributes[attribute] != value {
				g.t.Errorf("%s of %s is %s, want %s", attribute, name, live.attributes[attribute], value)
			}
		}
	}
}

func TestWhatWasChangedByHandIsFoundAndMended(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.apply()
	client := g.cfg.Account.sqs()
	main, dead := g.cfg.Prefix+"github-index", g.cfg.Prefix+"github-index-dlq"
	g.set(client, main, map[string]string{"VisibilityTimeout": "300", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:elsewhere","maxReceiveCount":"3"}`})
	g.set(client, dead, map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"denyAll"}`, "MessageRetentionPeriod": "60"})
	g.bp.Tags = map[string]string{"team": "shop"}

	plan := g.plan()
	for _, line := range []string{
		"change queue " + dead + ": MessageRetentionPeriod 60 -> 1209600, RedriveAllowPolicy denyAll -> byQueue " + main,
		"change queue " + main + ": RedrivePolicy to elsewhere after 3 receives -> to " + dead + " after 100 receives, VisibilityTimeout 300 -> 30",
		"tag queue " + main + ": team=shop",
		"tag table " + g.cfg.Prefix + "rows: team=shop",
	} {
		if !slices.Contains(plan.texts(), line) {
			t.Errorf("no %q in %s", line, strings.Join(plan.texts(), "\n"))
		}
	}
	if creations := plan.Creations().texts(); len(creations) > 0 {
		t.Errorf("creations are %q", creations)
	}
	g.apply()
	if again := g.plan(); len(again.Changes) > 0 {
		t.Errorf("still to do: %q", again.texts())
	}
	g.looksRight("github-index")
}

func (g *ground) set(client *sqs.Client, name string, attributes map[string]string) {
	g.t.Helper()
	live, err := g.provisioner().live(g.t.Context(), name)
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := client.SetQueueAttributes(g.t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &live.url, Attributes: attributes}); err != nil {
		g.t.Fatal(err)
	}
}

func TestALostQueueIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{"github-index", "github-index-dlq"} {
		g := newGround(t)
		g.apply()
		live, err := g.provisioner().live(t.Context(), g.cfg.Prefix+lost)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.cfg.Account.sqs().DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &live.url}); err != nil {
			t.Fatal(err)
		}
		if texts := g.plan().texts(); !slices.Equal(texts, []string{"create queue " + g.cfg.Prefix + lost}) {
			t.Errorf("the plan is %q", texts)
		}
		g.apply()
		g.looksRight("github-index")
	}
}

func TestTwoMayProvisionAtOnce(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := g.prepare(true); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if again := g.plan(); len(again.Changes) > 0 {
		t.Errorf("still to do: %q", again.texts())
	}
	g.looksRight("github-index")
}

// Somebody who makes the queue otherwise in the same moment is put right.
func TestAQueueThatAppearsMeanwhileIsMadeWhatItShouldBe(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	plan := g.plan()
	name := g.cfg.Prefix + "github-index"
	if _, err := g.cfg.Account.sqs().CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"VisibilityTimeout": "7"}}); err != nil {
		t.Fatal(err)
	}
	var said story
	if err := g.provisioner().Apply(t.Context(), plan, said.tell); err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	g.looksRight("github-index")
}

func TestAFailureIsToldAndTheRestIsDone(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.sqs.Inject(awstest.Fault{Action: "CreateQueue", Where: queueEndsIn("github-validate-dlq"), Do: awstest.Denied()})
	g.dynamodb.Inject(awstest.Fault{Action: "CreateTable", Do: awstest.Refused(awstest.Refusal{Status: 400, Code: "LimitExceededException", Message: "Too many tables."})})
	var said story
	err := g.provisioner().Apply(t.Context(), g.plan(), said.tell)
	pre := g.cfg.Prefix
	sentenceOf(t, err, "5 of 7 changes not made", "create table "+pre+"rows", "LimitExceededException", "sqs:CreateQueue on queue "+pre+"github-validate-dlq", "create queue "+pre+"github-validate)")
	for _, line := range []string{"done: create queue " + pre + "github-index\n", "not done: create queue " + pre + "github-validate-dlq: ", "not done: " + g.expiry() + ": it waits"} {
		if !strings.Contains(said.String()+"\n", line) {
			t.Errorf("nothing of %q in\n%s", line, &said)
		}
	}
	g.sqs.Heal()
	g.dynamodb.Heal()
	g.apply()
	g.looksRight("github-validate")
}

// queueEndsIn matches requests about a queue whose name ends so.
func queueEndsIn(suffix string) func(*awstest.Call) bool {
	return func(c *awstest.Call) bool {
		var in struct{ QueueName, QueueUrl string }
		return json.Unmarshal(c.Body, &in) == nil && strings.HasSuffix(in.QueueName+in.QueueUrl, suffix)
	}
}

func TestAQueueDeletedAMomentAgo(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.sqs.Inject(awstest.Fault{Action: "CreateQueue", Where: queueEndsIn("github-index"), Do: awstest.Refused(awstest.Refusal{Status: 400, Code: "QueueDeletedRecently", Message: "You must wait 60 seconds."})})
	var said story
	sentenceOf(t, g.provisioner().Apply(t.Context(), g.plan(), said.tell), "queue "+g.cfg.Prefix+"github-index was deleted within the last 60 seconds", "in a minute")
}

// On SQS a new queue cannot be seen at once.
func TestItWaitsUntilANewQueueIsSeen(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	plan := g.plan()
	g.sqs.Inject(awstest.Fault{Action: "GetQueueAttributes", Times: 3, Do: awstest.Refused(awstest.Refusal{Status: 400, Code: "QueueDoesNotExist", Message: "The specified queue does not exist."})})
	var said story
	if err := g.provisioner().Apply(t.Context(), plan, said.tell); err != nil {
		t.Fatal(err)
	}
	g.looksRight("github-validate")
}

func TestNothingIsEverDeleted(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.apply()
	g.cfg.Pipelines[0].Steps = []string{"validate"}
	g.cfg.Pipelines[0].SourceQueue = g.cfg.Prefix + "github-index-dlq" // then it is not left over
	g.cfg.Table = g.cfg.Prefix + "other"
	plan := g.plan()
	left := strings.Join(plan.LeftOver, "\n")
	for _, name := range []string{"queue " + g.cfg.Prefix + "github-index belongs to nothing", "table " + g.cfg.Prefix + "rows belongs to nothing"} {
		if !strings.Contains(left, name) {
			t.Errorf("nothing of %q in %s", name, left)
		}
	}
	if len(plan.LeftOver) != 2 {
		t.Errorf("left over: %s", left)
	}
	g.apply()
	if n := g.sqs.Count("DeleteQueue") + g.sqs.Count("PurgeQueue") + g.dynamodb.Count("DeleteTable"); n > 0 {
		t.Errorf("%d deletions", n)
	}
	if lines := strings.Join(plan.Lines(), "\n"); !strings.Contains(lines, "left over: ") || !strings.Contains(lines, " in eu-west-1, ") {
		t.Errorf("the lines are\n%s", lines)
	}
}

func TestATableOfSomebodyElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.makeTable("id")
	plan := g.plan()
	if len(plan.Problems) != 1 || !strings.Contains(plan.Problems[0], "its keys are id instead of pk and sk") {
		t.Errorf("problems are %q", plan.Problems)
	}
	for _, text := range plan.texts() {
		if strings.Contains(text, "table") {
			t.Errorf("it wants to %s", text)
		}
	}
	sentenceOf(t, g.prepare(true), "table "+g.cfg.Prefix+"rows is not Redrive's", "aws.table")
}

func (g *ground) makeTable(key string) {
	g.t.Helper()
	name := g.cfg.Prefix + "rows"
	_, err := g.cfg.Account.dynamodb().CreateTable(g.t.Context(), &dynamodb.CreateTableInput{TableName: &name, BillingMode: "PAY_PER_REQUEST",
		KeySchema:            []types.KeySchemaElement{{AttributeName: &key, KeyType: "HASH"}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: sdkaws.String(key), AttributeType: "S"}}})
	if err != nil {
		g.t.Fatal(err)
	}
}
