package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"redrive/pipeline/aws/awstest"
)

// handOver is a pipeline whose steps are a function, a queue of another system,
// and a call that waits for both.
func handOver(queue string) []string {
	return []string{"      - {name: resize, lambda: {function: resize}, keep_result: true, " + quick + "}",
		"      - {name: tell, sqs: {queue: " + queue + "}, " + quick + "}",
		step("archive", "needs: [resize, tell]")}
}

// A function that fails is told from Lambda that throttles; a queue gets the
// payload with everything that is to be known of it.
func TestAWSLambdaAndSQSSteps(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	other := p.aws.makeQueue(t, "orders")
	var calls atomic.Int64
	p.aws.on("resize", func(payload []byte) awstest.LambdaAnswer {
		switch calls.Add(1) {
		case 1:
			return awstest.TooManyRequests("")
		case 2:
			return awstest.LambdaAnswer{FunctionError: "Unhandled", Payload: []byte(`{"errorType":"Error","errorMessage":"no such bucket"}`)}
		case 3:
			return awstest.LambdaAnswer{Payload: []byte(`{"statusCode":503,"body":"busy"}`)}
		}
		return awstest.LambdaAnswer{Payload: []byte(`{"width":640}`)}
	})
	p.start(configuration(handOver(other.name)))
	payload := deliveries(t)[0].Payload
	id := decode[takenDoc](p.deliver(newKey(), payload).want(http.StatusAccepted)).ID
	row := p.becomes(id, "done")

	attempts := row.of("resize")
	equal(t, "outcomes of the function", outcomes(attempts), "throttled failed failed processed")
	checkAttemptNumbers(t, attempts)
	for i, says := range []string{"function resize", "no such bucket", "503"} {
		if e := text(attempts[i].Error); !strings.Contains(e, says) {
			t.Errorf("attempt %d says %q, not %q", i+1, e, says)
		}
	}
	equal(t, "result of the function", string(row.flag("resize").Result), `{"width":640}`)
	invocations := p.aws.lambda.Invocations()
	equal(t, "invocations", len(invocations), 4)
	equal(t, "what the function was given", string(invocations[3].Payload), string(payload))

	equal(t, "outcomes of the queue", outcomes(row.of("tell")), "processed")
	message := other.takes(1)[0]
	equal(t, "body of the message", *message.Body, string(payload))
	for name, want := range map[string]string{"Redrive-Row": id, "Redrive-Step": "tell", "Redrive-Pipeline": "github", "Redrive-Attempt": "1", "Idempotency-Key": id + "/tell"} {
		if got := message.MessageAttributes[name].StringValue; got == nil || *got != want {
			t.Errorf("attribute %s is %v, want %s", name, got, want)
		}
	}
	var result struct {
		MessageID string `json:"message_id"`
	}
	if err := json.Unmarshal(row.flag("tell").Result, &result); err != nil || result.MessageID != *message.MessageId {
		t.Errorf("result of the queue: %s", row.flag("tell").Result)
	}
	equal(t, "calls of what waits for both", p.down.count("archive"), 1)
}

func checkAttemptNumbers(t *testing.T, attempts []attemptDoc) {
	t.Helper()
	for i, a := range attempts {
		equal(t, "number of the attempt", a.Number, i+1)
	}
}

// What is not there is no fault of the row: it is tried, dies, and is redriven
// once it is there.
func TestAWSStepsWhoseTargetIsMissing(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration(handOver(p.aws.prefix + "orders")))
	id := p.acceptOne()
	row := eventually(t, "both steps to die", func() rowDoc { return p.row(id) }, func(r rowDoc) bool {
		return r.flag("resize").State == "dead" && r.flag("tell").State == "dead"
	})
	for step, says := range map[string]string{"resize": "function resize", "tell": "queue " + p.aws.prefix + "orders"} {
		if e := text(row.flag(step).LastError); !strings.Contains(e, says) {
			t.Errorf("the last error of %s is %q", step, e)
		}
	}
	other := p.aws.makeQueue(t, "orders")
	p.aws.on("resize", func([]byte) awstest.LambdaAnswer { return awstest.LambdaAnswer{Payload: []byte(`null`)} })
	checkOperation(t, p.ends(p.redrive(body{"pipeline": "github", "all": true, "reason": "they are there now"}), "done"), 2, 2)
	p.becomes(id, "done")
	other.takes(1)
}

// From the terminal a step of a stored row is called, or only shown. Nothing is
// written in either case.
func TestAWSRunOneStep(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	other := p.aws.makeQueue(t, "orders")
	p.aws.on("resize", func([]byte) awstest.LambdaAnswer { return awstest.LambdaAnswer{Payload: []byte(`{"width":640}`)} })
	config := configuration(handOver(other.name))
	p.start(config)
	payload := deliveries(t)[0].Payload
	id := decode[takenDoc](p.deliver(newKey(), payload).want(http.StatusAccepted)).ID
	before := p.becomes(id, "done")
	other.takes(1)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p.aws.dynamodb.Forget()
	p.aws.sqs.Forget()

	for step, shows := range map[string][]string{
		"resize":  {"> function resize in " + awstest.Region, "Invoke resize", "> Idempotency-Key: " + id + "/resize", "> Redrive-Attempt: 2"},
		"tell":    {"> queue " + other.name + " in " + awstest.Region, "SendMessage to " + other.name, "> Idempotency-Key: " + id + "/tell"},
		"archive": {p.down.URL + "/archive", "POST", "> Idempotency-Key: " + id + "/archive", "(as configured)"},
	} {
		code, said := p.runStep(config, id, step, "--dry-run")
		equal(t, "exit code of the dry run of "+step+": "+said, code, exitFine)
		for _, text := range append(shows, string(payload), "Dry run: nothing was sent. Nothing was written to the row.") {
			if !strings.Contains(said, text) {
				t.Errorf("the dry run of %s does not show %.200q but\n%.2000s", step, text, said)
			}
		}
	}
	equal(t, "invocations", len(p.aws.lambda.Invocations()), 1)
	equal(t, "calls", p.down.count("archive"), 1)
	equal(t, "messages", len(other.take()), 0)

	code, said := p.runStep(config, id, "resize")
	equal(t, "exit code: "+said, code, exitFine)
	equal(t, "invocations", len(p.aws.lambda.Invocations()), 2)
	code, said = p.runStep(config, id, "tell")
	equal(t, "exit code: "+said, code, exitFine)
	equal(t, "body of the message", *other.takes(1)[0].Body, string(payload))
	p.aws.on("resize", nil)
	code, said = p.runStep(config, id, "resize")
	equal(t, "exit code of a call that fails", code, exitFailed)
	if !strings.Contains(said, "function resize") || !strings.Contains(said, "Nothing was written to the row") {
		t.Errorf("it said\n%s", said)
	}
	code, said = p.runStep(config, "06h1j8skwb3s680sm92fqkafh0", "resize")
	equal(t, "exit code without the row", code, exitFailed)
	if !strings.Contains(said, "there is no row 06h1j8skwb3s680sm92fqkafh0 in table "+p.aws.prefix+"rows") {
		t.Errorf("it said\n%s", said)
	}
	for _, action := range []string{"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"} {
		equal(t, action, p.aws.dynamodb.Count(action), 0)
	}
	equal(t, "messages received", p.aws.sqs.Count("ReceiveMessage"), 2) // by this test, to see what was sent
	p.start(config)
	after := p.row(id)
	equal(t, "attempts after", len(after.Attempts), len(before.Attempts))
	equal(t, "status after", after.Status, "done")
}

// runStep runs `server run` in a process of its own.
func (p *testProgram) runStep(config, row, step string, args ...string) (code int, said string) {
	p.t.Helper()
	cmd := p.process(p.write("redrive.yaml", p.onBackend(config)), append([]string{"run", row, "--step", step}, args...)...)
	out, _ := cmd.CombinedOutput() // the exit code says it
	return cmd.ProcessState.ExitCode(), string(out)
}

// An alarm that goes off reaches a phone and a topic.
func TestAWSTextMessages(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	topic := p.aws.sns.AddTopic("oncall")
	p.start(configuration([]string{step("call")}, `alarms:
  - {name: many-dead, metric: dead_letters, pipeline: github, statistic: max, threshold: 1, period: 10s, severity: page}
  - {name: some-dead, metric: dead_letters, threshold: 1, period: 10s, severity: notice}
notify:
  - {kind: sms, phone: "+4917012345678", severities: [page]}
  - {kind: sms, topic: "`+topic+`", severities: [page]}`))
	p.down.on("call", always(422))
	p.die(1)
	list := eventually(t, "messages", p.aws.sns.Published, func(list []awstest.Publication) bool { return len(list) == 2 })
	for _, m := range list {
		if !strings.Contains(m.Message, "many-dead") || strings.Contains(m.Message, "some-dead") {
			t.Errorf("message %+v", m)
		}
	}
	equal(t, "phone", list[0].PhoneNumber+list[1].PhoneNumber, "+4917012345678")
	equal(t, "topic", list[0].TopicARN+list[1].TopicARN, topic)
	eventually(t, "the history", func() alarmDoc { return p.alarm("many-dead") }, func(a alarmDoc) bool {
		return len(a.History) > 0 && len(a.History[0].Notified) == 2 && a.History[0].Notified[0].OK && a.History[0].Notified[1].OK
	})
}
