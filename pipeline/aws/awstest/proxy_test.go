package awstest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"redrive/pipeline/aws/awstest"
)

// behind puts a proxy in front of each emulator and returns a queue and a table
// behind them, whose clients try once.
func behind(t *testing.T) (sqsProxy, dynamo *awstest.Proxy, q queue, b table) {
	t.Helper()
	e := awstest.Emulators(t)
	sqsProxy, dynamo = awstest.NewProxy(t, e.SQS), awstest.NewProxy(t, e.DynamoDB)
	cfg := once(awstest.Config(t, awstest.Endpoints{SQS: sqsProxy.URL, DynamoDB: dynamo.URL}))
	return sqsProxy, dynamo, newQueue(t, cfg), newTable(t, cfg)
}

// code is what AWS calls an error; empty if AWS did not answer.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func TestProxyPassesOnAndCounts(t *testing.T) {
	t.Parallel()
	sqsProxy, dynamo, q, b := behind(t)
	if err := q.send(t, "one"); err != nil {
		t.Fatal(err)
	}
	sqsProxy.KeepBodies()
	if err := q.send(t, "two"); err != nil {
		t.Fatal(err)
	}
	if got := q.bodies(t, 1); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("received %q", got)
	}
	if err := b.put(t, "a"); err != nil {
		t.Fatal(err)
	}
	if n := dynamo.Count("DynamoDB_20120810.PutItem"); n != 1 {
		t.Errorf("counted %d PutItem", n)
	}
	sent := sqsProxy.Calls("SendMessage")
	if len(sent) != 2 || sqsProxy.Count("") != 3 {
		t.Fatalf("counted %d SendMessage of %d calls", len(sent), sqsProxy.Count(""))
	}
	if len(sent[0].Body) != 0 || !strings.Contains(string(sent[1].Body), `"two"`) {
		t.Errorf("kept the bodies %q and %q", sent[0].Body, sent[1].Body)
	}
	sqsProxy.Forget()
	if n := sqsProxy.Count(""); n != 0 {
		t.Errorf("remembers %d calls", n)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	sqsProxy, dynamo, q, b := behind(t)
	for _, c := range []struct {
		name         string
		harm         func() awstest.Harm
		sqs, dynamo  []string // codes, of one call after the other
		retry, sleep bool     // the SDK tries again; for throttling
	}{
		{"throttled", awstest.Throttled,
			[]string{"RequestThrottled", "ThrottlingException"}, []string{"ProvisionedThroughputExceededException", "ThrottlingException"}, true, true},
		{"broken", awstest.Broken, []string{"InternalFailure"}, []string{"InternalServerError"}, true, false},
		{"denied", awstest.Denied, []string{"AccessDenied"}, []string{"AccessDeniedException"}, false, false},
		{"of the test's choice", func() awstest.Harm {
			return awstest.Refused(awstest.Refusal{Status: 400, Code: "OverLimit", Message: "x"})
		},
			[]string{"OverLimit"}, []string{"OverLimit"}, false, false},
	} {
		sqsProxy.Inject(awstest.Fault{Do: c.harm()})
		dynamo.Inject(awstest.Fault{Do: c.harm()})
		check := func(service, want string, err error) {
			t.Helper()
			if code(err) != want {
				t.Errorf("%s: %s answers %v, not %s", c.name, service, err, want)
			}
			s := retry.NewStandard()
			if s.IsErrorRetryable(err) != c.retry {
				t.Errorf("%s: the SDK tries again after %v: %v", c.name, err, !c.retry)
			}
			if throttled := retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool(); throttled != c.sleep {
				t.Errorf("%s: the SDK takes %v for throttling: %v", c.name, err, throttled)
			}
		}
		for _, want := range c.sqs {
			check("SQS", want, q.send(t, "no"))
		}
		for _, want := range c.dynamo {
			check("DynamoDB", want, b.put(t, "no"))
		}
		sqsProxy.Heal()
		dynamo.Heal()
	}
	if got := q.bodies(t, 0); got != nil || b.has(t, "no") {
		t.Errorf("what was refused was done: %q", got)
	}
}

func TestDenialNamesActionAndResource(t *testing.T) {
	t.Parallel()
	sqsProxy, dynamo, q, b := behind(t)
	sqsProxy.Inject(awstest.Fault{Do: awstest.Denied()})
	dynamo.Inject(awstest.Fault{Do: awstest.Denied()})
	_, err := q.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: q.url, Entries: sendBatch("a")})
	name := (*q.url)[strings.LastIndex(*q.url, "/")+1:]
	for _, c := range []struct {
		err  error
		want string
	}{
		{err, "is not authorized to perform: sqs:sendmessage on resource: arn:aws:sqs:eu-west-1:000000000000:" + name + " because no"},
		{b.put(t, "a"), "is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:eu-west-1:000000000000:table/" + *b.name + " because no"},
	} {
		if !strings.Contains(fmt.Sprint(c.err), c.want) {
			t.Errorf("%v\ndoes not say\n%s", c.err, c.want)
		}
	}
}

func TestRepliesStandInForWhatAnEmulatorLacks(t *testing.T) {
	t.Parallel()
	sqsProxy, _, q, _ := behind(t)
	list := func() (*sqs.ListMessageMoveTasksOutput, error) {
		return q.ListMessageMoveTasks(t.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: sdkaws.String("arn:aws:sqs:eu-west-1:000000000000:x-dlq")})
	}
	if _, err := list(); code(err) != "InvalidAction" {
		t.Errorf("the emulator answers %v", err)
	}
	sqsProxy.Inject(awstest.Fault{Action: "ListMessageMoveTasks", Do: awstest.Replied(map[string]any{
		"Results": []map[string]any{{"Status": "RUNNING", "ApproximateNumberOfMessagesMoved": 7}},
	})})
	if got, err := list(); err != nil || len(got.Results) != 1 || got.Results[0].ApproximateNumberOfMessagesMoved != 7 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestConnectionsCutBeforeAndAfter(t *testing.T) {
	t.Parallel()
	sqsProxy, dynamo, q, b := behind(t)
	for _, c := range []struct {
		name string
		harm awstest.Harm
		done bool
	}{
		{"cut", awstest.Cut(), false},
		{"lost", awstest.LostAnswer(), true},
	} {
		sqsProxy.Inject(awstest.Fault{Action: "SendMessage", Do: c.harm})
		dynamo.Inject(awstest.Fault{Action: "PutItem", Do: c.harm})
		if err := q.send(t, c.name); err == nil || code(err) != "" {
			t.Errorf("%s: SQS answers %v", c.name, err)
		}
		if err := b.put(t, c.name); err == nil || code(err) != "" {
			t.Errorf("%s: DynamoDB answers %v", c.name, err)
		}
		if got := slices.Contains(q.bodies(t, 0), c.name); got != c.done {
			t.Errorf("%s: SQS did it: %v", c.name, got)
		}
		if got := b.has(t, c.name); got != c.done {
			t.Errorf("%s: DynamoDB did it: %v", c.name, got)
		}
		sqsProxy.Heal()
		dynamo.Heal()
	}
}

func TestSDKTriesAgainAfterEachFault(t *testing.T) {
	t.Parallel()
	e := awstest.Emulators(t)
	proxy := awstest.NewProxy(t, e.SQS)
	cfg := awstest.Config(t, awstest.Endpoints{SQS: proxy.URL})
	cfg.Retryer = func() sdkaws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	}
	for name, harm := range map[string]awstest.Harm{
		"throttled": awstest.Throttled(), "broken": awstest.Broken(), "cut": awstest.Cut(), "lost": awstest.LostAnswer(),
	} {
		q := newQueue(t, cfg)
		fault := proxy.Inject(awstest.Fault{Action: "SendMessage", Nth: 1, Do: harm})
		if err := q.send(t, "hello"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := 1
		if name == "lost" {
			want = 2
		}
		if got := q.bodies(t, 1); len(got) != want || fault.Harmed() != 1 {
			t.Errorf("%s: received %q; harmed %d calls", name, got, fault.Harmed())
		}
		fault.Remove()
	}
}

func TestFaultsKeepToTheirLimits(t *testing.T) {
	t.Parallel()
	proxy, _, q, _ := behind(t)
	run := func(f awstest.Fault, n int) string {
		f.Do = awstest.Broken()
		defer proxy.Inject(f).Remove()
		var marks strings.Builder
		for i := range n {
			mark := "-"
			if q.send(t, fmt.Sprint(i)) != nil {
				mark = "x"
			}
			marks.WriteString(mark)
		}
		return marks.String()
	}
	for _, c := range []struct {
		fault awstest.Fault
		want  string
	}{
		{awstest.Fault{}, "xxxxxx"},
		{awstest.Fault{Action: "AmazonSQS.SendMessage"}, "xxxxxx"},
		{awstest.Fault{Action: "DeleteMessage"}, "------"},
		{awstest.Fault{Action: "SendMessage", Nth: 3}, "--x---"},
		{awstest.Fault{Action: "SendMessage", Times: 2}, "xx----"},
		{awstest.Fault{Where: func(c *awstest.Call) bool { return strings.Contains(string(c.Body), `"4"`) }}, "----x-"},
	} {
		if got := run(c.fault, 6); got != c.want {
			t.Errorf("%+v: %s, not %s", c.fault, got, c.want)
		}
	}
	half := awstest.Fault{Share: 0.5}
	first, second := run(half, 40), run(half, 40)
	if harmed := strings.Count(first, "x"); first != second || harmed < 10 || harmed > 30 {
		t.Errorf("half of the calls, twice:\n%s\n%s", first, second)
	}
}

func TestLatencyAndGateHoldCallsUp(t *testing.T) {
	t.Parallel()
	proxy, _, q, _ := behind(t)
	start := time.Now()
	slow := proxy.Inject(awstest.Fault{Do: awstest.Latency(100 * time.Millisecond)})
	if err := q.send(t, "slow"); err != nil || time.Since(start) < 100*time.Millisecond {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	slow.Remove()

	open := make(chan struct{})
	gate := proxy.Inject(awstest.Fault{Do: awstest.Gate(open)})
	sent := make(chan error)
	go func() { sent <- q.send(t, "held") }()
	for gate.Harmed() == 0 {
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-sent:
		t.Errorf("a held call ended: %v", err)
	default:
	}
	close(open)
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestServiceThatIsDownAnswersNothingAndCutsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	proxy, _, q, _ := behind(t)
	empty := newQueue(t, awstest.Config(t, awstest.Endpoints{}))
	ended := make(chan error)
	go func() {
		_, err := q.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: empty.url, WaitTimeSeconds: 20})
		ended <- err
	}()
	for proxy.Count("ReceiveMessage") == 0 {
		time.Sleep(time.Millisecond)
	}
	proxy.SetDown(true)
	if err := <-ended; err == nil || code(err) != "" {
		t.Errorf("the long poll ended with %v", err)
	}
	if err := q.send(t, "hello"); err == nil || code(err) != "" {
		t.Errorf("a service that is down answers %v", err)
	}
	proxy.SetDown(false)
	if err := q.send(t, "hello"); err != nil {
		t.Error(err)
	}
	if got := q.bodies(t, 1); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("received %q", got)
	}
}
