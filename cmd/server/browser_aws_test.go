package main

import (
	"fmt"
	"net/http"
	"testing"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"redrive/pipeline/aws/awstest"
)

// The pages that only the AWS backend has, or shows more on, in a real browser.
func TestAWSBrowser(t *testing.T) {
	t.Parallel()
	b := openChromium(t)
	p := newProgram(t)
	legacy := p.aws.prefix[:9] + "legacy"
	dlq := p.foreignQueue(legacy, 3)
	steps := diamond()
	steps[3] = step("archive", "needs: [index, notify]", "exclusive: true")
	p.start(configuration(steps, fmt.Sprintf("queues: [{prefix: %s}]", legacy)))
	row := p.acceptOne()
	p.becomes(row, "done")
	p.post("/api/v1/queues/"+dlq+"/browse", body{"max": 10}).want(http.StatusOK)
	p.post("/api/v1/queues/"+dlq+"/redrive", body{"all": true, "reason": "the shop is back"}).want(http.StatusAccepted)

	w := b.tab(t, p)
	for _, v := range []visit{ok("overview", "/"), ok("row", "/rows/"+row), ok("step that is exclusive", "/steps/github/archive"), ok("alarms", "/alarms"),
		ok("queues", "/queues"), ok("queue", "/queues/"+legacy), ok("queue of dead letters", "/queues/"+dlq),
		{"no such queue", "/queues/nowhere", 404}} {
		w.inspect("aws", v)
	}
}

// foreignQueue makes a queue of another system with a dead-letter queue and
// messages in that, and returns its name.
func (p *testProgram) foreignQueue(name string, messages int) string {
	p.t.Helper()
	client := sqs.NewFromConfig(awstest.Quick(p.t, p.aws.at), func(o *sqs.Options) { o.BaseEndpoint = &p.aws.at.SQS })
	made := func(name string, attributes map[string]string) string {
		out, err := client.CreateQueue(p.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		if err != nil {
			p.t.Fatal(err)
		}
		return sdkaws.ToString(out.QueueUrl)
	}
	dlq := name + "-dlq"
	url := made(dlq, nil)
	made(name, map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:%s:%s:%s","maxReceiveCount":5}`, awstest.Region, awstest.AccountID, dlq)})
	for i := range messages {
		text := fmt.Sprintf(`{"order":%d,"note":"<img src=x onerror=alert(1)>"}`, i)
		if _, err := client.SendMessage(p.t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &text}); err != nil {
			p.t.Fatal(err)
		}
	}
	return dlq
}
