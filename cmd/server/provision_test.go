package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"redrive/pipeline/aws/awstest"
)

// cloud is AWS as far as a command needs it, with names of its own.
type cloud struct {
	*testProgram
	prefix        string
	env           []string
	sqs, dynamodb *awstest.Proxy
	cloudwatch    *awstest.CloudWatchFake
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	e := awstest.Emulators(t)
	c := &cloud{testProgram: newProgram(t), prefix: "c" + strings.ToLower(rand.Text()[:8]) + "-",
		sqs: awstest.NewProxy(t, e.SQS), dynamodb: awstest.NewProxy(t, e.DynamoDB), cloudwatch: awstest.CloudWatch(t)}
	functions := awstest.Lambda(t, func(name string, _ []byte) awstest.LambdaAnswer { return awstest.NoSuchFunction(name) })
	e.SQS, e.DynamoDB, e.CloudWatch, e.Lambda, e.STS = c.sqs.URL, c.dynamodb.URL, c.cloudwatch.URL, functions.URL, awstest.STS(t).URL
	c.env = awstest.Env(e)
	return c
}

// config is a configuration of the AWS backend, with more settings of aws.
func (c *cloud) config(settings string) string {
	return c.write("aws.yaml", `backend: aws
aws: {region: eu-west-1, prefix: `+c.prefix+settings+`}
pipelines:
  github:
    steps:
      - {name: validate, http: {url: "http://127.0.0.1:9/validate"}}
      - {name: resize, lambda: {function: resize}}
notify:
  - {kind: slack, url: "http://127.0.0.1:9/slack", severities: [notice, page]}
`)
}

// provision runs the command in a process of its own and returns its exit code
// and what it said on standard output and error.
func (c *cloud) provision(config string, args ...string) (code int, out, err string) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), os.Args[0], append([]string{"--config", config, "provision"}, args...)...)
	cmd.Env = append(append(os.Environ(), c.env...), asProgram+"=1")
	var said, complained strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &complained
	if failed, ok := errors.AsType[*exec.ExitError](cmd.Run()); ok {
		code = failed.ExitCode()
	}
	return code, said.String(), complained.String()
}

func (c *cloud) says(text string, parts ...string) {
	c.t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, strings.ReplaceAll(part, "~", c.prefix)) {
			c.t.Errorf("nothing of %q in\n%s", part, text)
		}
	}
}

func TestProvision(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	config := c.config("")
	created := []string{"create table ~rows\n", "create queue ~github-validate-dlq\n", "create queue ~github-validate\n", "create queue ~github-resize\n", "create alarm ~dead-letters\n", "create alarm ~any\n"}

	code, out, complaint := c.provision(config, "--dry-run")
	equal(t, "exit code of the dry run: "+complaint, code, exitFine)
	c.says(out, append(created, "13 changes in eu-west-1, 0 as it should be\n", "Dry run: nothing was changed.\n", "missing: function resize does not exist in eu-west-1")...)
	equal(t, "queues after the dry run", c.sqs.Count("CreateQueue"), 0)
	equal(t, "tables after the dry run", c.dynamodb.Count("CreateTable"), 0)

	code, out, complaint = c.provision(config)
	equal(t, "exit code: "+complaint, code, exitFine)
	for _, line := range created {
		c.says(out, "done: "+line)
	}
	code, out, complaint = c.provision(config)
	equal(t, "exit code of the second: "+complaint, code, exitFine)
	c.says(out, "0 changes in eu-west-1, 11 as it should be\n")
	equal(t, "queues made", c.sqs.Count("CreateQueue"), 4)
}

func TestProvisionMayCreateNothing(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	config := c.config(", provision: false")
	code, out, complaint := c.provision(config)
	equal(t, "exit code", code, exitFailed)
	c.says(out, "create table ~rows\n", "Nothing was changed: the configuration says aws.provision: false.\n")
	c.says(complaint, "server: table ~rows and 4 queues do not exist in eu-west-1: ~github-validate-dlq, ", "set aws.provision: true and run `server provision`, or create them from `server provision --print cloudformation`\n")
	equal(t, "lines", strings.Count(complaint, "\n"), 1)
	for _, action := range []string{"CreateQueue", "SetQueueAttributes", "TagQueue"} {
		equal(t, action, c.sqs.Count(action), 0)
	}
	equal(t, "requests to change a table", c.dynamodb.Count("CreateTable")+c.dynamodb.Count("UpdateTimeToLive"), 0)
	equal(t, "alarms", len(c.cloudwatch.MetricAlarms()), 0)
}

// A failure names the action and the resource, and what is done is done.
func TestProvisionGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.cloudwatch.Inject(awstest.Fault{Action: "PutMetricAlarm", Do: awstest.Denied()})
	code, out, complaint := c.provision(c.config(""))
	equal(t, "exit code", code, exitFailed)
	c.says(out, "done: create queue ~github-resize\n", "not done: create alarm ~dead-letters: this identity may not do cloudwatch:PutMetricAlarm on alarm ~dead-letters; `server provision --print iam` prints the policy it needs\n")
	c.says(complaint, "6 of 13 changes not made", "cloudwatch:PutMetricAlarm on alarm ~dead-letters")
	equal(t, "lines", strings.Count(complaint, "\n"), 1)
}

// To print asks for no credentials and no network.
func TestPrintWithoutAnAccount(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.env = []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_PROFILE=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL=http://127.0.0.1:1"}
	code, out, complaint := c.provision(c.config(""), "--print", "cloudformation")
	equal(t, "exit code: "+complaint, code, exitFine)
	var template struct {
		Resources map[string]any `yaml:"Resources"`
	}
	if err := yaml.Unmarshal([]byte(out), &template); err != nil {
		t.Fatal(err)
	}
	equal(t, "resources", len(template.Resources), 11)
	code, out, complaint = c.provision(c.config(""), "--print", "iam")
	equal(t, "exit code: "+complaint, code, exitFine)
	if !json.Valid([]byte(out)) {
		t.Errorf("no JSON: %s", out)
	}
	c.says(out, "arn:aws:sqs:eu-west-1:*:~github-validate-dlq", "arn:aws:lambda:eu-west-1:*:function:resize", "sqs:CreateQueue")
	code, out, _ = c.provision(c.config(", provision: false"), "--print", "iam")
	equal(t, "exit code", code, exitFine)
	if strings.Contains(out, "sqs:CreateQueue") {
		t.Error("it may create queues")
	}
	code, _, complaint = c.provision(c.config(""))
	equal(t, "exit code without credentials", code, exitFailed)
	c.says(complaint, "server: there are no AWS credentials: ")
	equal(t, "requests", len(c.sqs.Calls(""))+len(c.dynamodb.Calls("")), 0)
}

func TestPrintNamesTheAccount(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	code, out, complaint := c.provision(c.config(""), "--print", "iam")
	equal(t, "exit code", code, exitFine)
	equal(t, "complaint", complaint, "")
	c.says(out, "arn:aws:dynamodb:eu-west-1:"+awstest.AccountID+":table/~rows")
}

func TestAskBeforeApplying(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"y\n": true, "Yes\n": true, "n\n": false, "\n": false, "": false, "of course\n": false} {
		var out strings.Builder
		got := terminal{out: &out, in: strings.NewReader(answer), asks: true}.agree("Apply?")
		equal(t, answer, got, want)
		equal(t, "question", strings.TrimSpace(out.String()), "Apply? [y/N]")
	}
	if !(terminal{}).agree("Apply?") {
		t.Error("without a terminal nothing is done")
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close() //nolint:errcheck // only looked at
	file, err := os.Open("provision_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // only looked at
	if isTerminal(null) || isTerminal(file) {
		t.Error("that is no terminal")
	}
}
