package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"redrive/pipeline/aws/awstest"
)

// startsWithin is how long a start may take that ends in a sentence, or that has
// to do without CloudWatch.
const startsWithin = 15 * time.Second

// refuses runs a program that does not start, and returns its last words.
func (p *testProgram) refuses(config string, env ...string) string {
	p.t.Helper()
	began := time.Now()
	cmd := p.process(p.write("redrive.yaml", p.onBackend(config)))
	cmd.Env = append(cmd.Env, env...)
	var said strings.Builder
	cmd.Stderr = &said
	ctx, cancel := context.WithTimeout(p.t.Context(), patienceAWS)
	defer cancel()
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() }) //nolint:errcheck // it is over, as a rule
	defer stop()
	cmd.Wait() //nolint:errcheck // the exit code says it
	equal(p.t, "exit code", cmd.ProcessState.ExitCode(), exitFailed)
	if took := time.Since(began); took > startsWithin {
		p.t.Errorf("the program took %s to refuse", took)
	}
	var words []string
	for line := range strings.Lines(said.String()) {
		if text, ok := strings.CutPrefix(line, "server: "); ok {
			words = append(words, strings.TrimSpace(text))
		}
	}
	if len(words) != 1 {
		p.t.Errorf("not one sentence, but\n%s", said.String())
	}
	return strings.Join(words, "\n")
}

// names checks that a sentence names things; ~ stands for the prefix of queues.
func (p *testProgram) names(sentence string, things ...string) {
	p.t.Helper()
	for _, thing := range things {
		if !strings.Contains(sentence, strings.ReplaceAll(thing, "~", p.aws.prefix)) {
			p.t.Errorf("%q does not name %q", sentence, thing)
		}
	}
}

func TestAWSStartWithoutCredentials(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	said := p.refuses(configuration(diamond()), "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=")
	p.names(said, "there are no AWS credentials", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "role")
	equal(t, "requests", p.aws.sqs.Count("")+p.aws.dynamodb.Count(""), 0)
}

func TestAWSStartWithRefusedCredentials(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.aws.dynamodb.Inject(awstest.Fault{Do: awstest.Refused(awstest.Refusal{Status: 400, Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."})})
	p.aws.sqs.Inject(awstest.Fault{Do: awstest.Refused(awstest.Refusal{Status: 403, Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid."})})
	p.names(p.refuses(configuration(diamond())), "AWS does not accept these credentials", "dynamodb:DescribeTable", "table ~rows")
}

// Told to create nothing, in the wrong region or account, it lists what is not
// there by name, and creates nothing.
func TestAWSStartWhereNothingIs(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.aws.settings = ", provision: false"
	said := p.refuses(configuration(diamond(), strings.Replace(sourced, "SOURCE", p.aws.prefix+"inbox", 1)))
	p.names(said, "table ~rows", awstest.Region, "~github-validate", "~github-validate-dlq", "~github-archive-dlq", "queue ~inbox", "server provision")
	for _, action := range []string{"CreateTable", "CreateQueue", "PutItem", "UpdateItem", "UpdateTimeToLive", "SetQueueAttributes"} {
		equal(t, action, p.aws.sqs.Count(action)+p.aws.dynamodb.Count(action), 0)
	}
	equal(t, "alarms", len(p.aws.cloudwatch.MetricAlarms()), 0)
}

const sourced = `  events:
    intake: {source_queue: SOURCE}
    steps:
      - {name: keep, http: {url: "${DOWNSTREAM}/keep"}}
`

// A source queue belongs to others: it is not created, whatever provision says.
func TestAWSStartWithoutTheSourceQueue(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	said := p.refuses(configuration(diamond(), strings.Replace(sourced, "SOURCE", p.aws.prefix+"inbox", 1)))
	p.names(said, "queue ~inbox", awstest.Region)
}

// One thing that is missing is named alone.
func TestAWSStartWithoutOneQueue(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("first")}))
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p.aws.settings = ", provision: false"
	said := p.refuses(configuration([]string{step("first"), step("second")}))
	p.names(said, "~github-second", "~github-second-dlq", "provision")
	if strings.Contains(said, "github-first") || strings.Contains(said, "table") {
		t.Errorf("what is there is named too: %s", said)
	}
}

// Whatever action a policy leaves out, the start says which, and of what.
func TestAWSStartNamesWhatIsForbidden(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	config := configuration([]string{step("call")})
	p.start(config)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	for action, resource := range map[string]string{"dynamodb:Query": "table ~rows", "dynamodb:UpdateItem": "table ~rows", "dynamodb:DescribeTable": "table ~rows",
		"sqs:ReceiveMessage": "queue ~github-call", "sqs:SendMessage": "queue ~github-call", "sqs:DeleteMessage": "queue ~github-call", "sqs:GetQueueUrl": "queue ~github-call"} {
		service, name, _ := strings.Cut(action, ":")
		server := map[string]*awstest.Proxy{"dynamodb": p.aws.dynamodb, "sqs": p.aws.sqs}[service]
		var faults []*awstest.Injected
		for _, action := range []string{name, name + "Batch"} {
			faults = append(faults, server.Inject(awstest.Fault{Action: action, Do: awstest.Denied()}))
		}
		p.names(p.refuses(config), "this identity may not do "+action, resource, "server provision --print iam")
		for _, f := range faults {
			f.Remove()
		}
	}
}

// What it may not create is named; alarms are no reason not to start.
func TestAWSStartMayNotCreate(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	config := configuration([]string{step("call")})
	p.aws.cloudwatch.Inject(awstest.Fault{Do: awstest.Denied()})
	fault := p.aws.sqs.Inject(awstest.Fault{Action: "CreateQueue", Do: awstest.Denied()})
	p.names(p.refuses(config), "this identity may not do sqs:CreateQueue on queue ~github-call", "server provision --print iam")
	fault.Remove()
	s := p.spawn(config)
	p.names(s.said(), "this identity may not do cloudwatch:DescribeAlarms")
	p.becomes(p.acceptOne(), "done")
}

// A service that does not answer does not hold the start up for long.
func TestAWSStartWithoutAnswers(t *testing.T) {
	t.Parallel()
	for says, server := range map[string]func(*account) *awstest.Proxy{
		"dynamodb:DescribeTable on table ~rows": func(a *account) *awstest.Proxy { return a.dynamodb },
		"sqs:GetQueueUrl on queue ~github-call": func(a *account) *awstest.Proxy { return a.sqs },
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			server(p.aws).Inject(awstest.Fault{Do: awstest.Gate(make(chan struct{}))})
			p.names(p.refuses(configuration([]string{step("call")})), says, "was not answered in time")
		})
	}
}

// A permission that is taken away while the program runs: readyz says which part
// is not there, the log says what is forbidden.
func TestAWSReadyzNamesThePart(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	s := p.spawn(configuration([]string{step("call")}))
	p.aws.dynamodb.Inject(awstest.Fault{Action: "GetItem", Do: awstest.Denied()})
	a := eventually(t, "readyz", func() answer { return p.get("/readyz") }, func(a answer) bool { return a.status == http.StatusServiceUnavailable })
	if !strings.Contains(string(a.body), `"parts":["dynamodb"]`) {
		t.Errorf("readyz names no part: %s", a.body)
	}
	eventually(t, "the log", s.said, func(log string) bool {
		return strings.Contains(log, "dynamodb:GetItem on table "+p.aws.prefix+"rows")
	})
	equal(t, "healthz", p.get("/healthz").status, http.StatusOK)
	p.aws.dynamodb.Heal()
	eventually(t, "readyz", func() int { return p.get("/readyz").status }, is(http.StatusOK))
}
