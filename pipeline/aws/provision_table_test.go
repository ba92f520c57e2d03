package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"redrive/pipeline/aws/awstest"
)

// rewritten has a service answer with another text in the place of one.
func rewritten(old, other string) awstest.Harm {
	return func(next awstest.Handle) awstest.Handle {
		return func(c *awstest.Call) *awstest.Answer {
			a := next(c)
			a.Body = bytes.ReplaceAll(a.Body, []byte(old), []byte(other))
			a.Header.Del("X-Amz-Crc32") // of what it was
			return a
		}
	}
}

// answering has a service do nothing and answer.
func answering(body string) awstest.Harm {
	return func(awstest.Handle) awstest.Handle {
		return func(*awstest.Call) *awstest.Answer { return &awstest.Answer{Status: 200, Body: []byte(body)} }
	}
}

func TestATableChangedByHandIsMended(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.apply()
	g.dynamodb.KeepBodies()
	g.dynamodb.Inject(awstest.Fault{Action: "DescribeTable", Do: rewritten(`"TableStatus":`,
		`"SSEDescription":{"Status":"ENABLED","SSEType":"KMS","KMSMasterKeyArn":"arn:aws:kms:eu-west-1:000000000000:key/old"},"TableStatus":`)})
	g.dynamodb.Inject(awstest.Fault{Action: "DescribeTable", Do: rewritten("PAY_PER_REQUEST", "PROVISIONED")})
	g.dynamodb.Inject(awstest.Fault{Action: "DescribeContinuousBackups", Do: answering(`{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}}`)})
	g.dynamodb.Inject(awstest.Fault{Action: "UpdateTable", Do: answering("{}")})
	g.dynamodb.Inject(awstest.Fault{Action: "UpdateContinuousBackups", Do: answering("{}")})
	g.dynamodb.Inject(awstest.Fault{Action: "UpdateContinuousBackups", Times: 2, Do: awstest.Refused(awstest.Refusal{Status: 400, Code: "ContinuousBackupsUnavailableException", Message: "Not yet."})})
	name := g.cfg.Prefix + "rows"
	for key, want := range map[string]string{"": "encryption by arn:aws:kms:eu-west-1:000000000000:key/old -> by AWS's own key", "new": "encryption by arn:aws:kms:eu-west-1:000000000000:key/old -> by new"} {
		g.bp.KMSKey = key
		plan := g.plan()
		plan = plan.only(func(c Change) bool { return c.kind == kindSetting })
		if want := []string{"change table " + name + ": billing PROVISIONED -> PAY_PER_REQUEST", "change table " + name + ": " + want, "turn on point-in-time recovery on table " + name}; !slices.Equal(plan.texts(), want) {
			t.Errorf("the plan is %q, want %q", plan.texts(), want)
		}
		var said story
		if err := g.provisioner().Apply(t.Context(), plan, said.tell); err != nil {
			t.Error(err)
		}
	}
	var asked []string
	for _, c := range g.dynamodb.Calls("UpdateTable") {
		var in struct {
			BillingMode      string
			SSESpecification json.RawMessage
		}
		if err := json.Unmarshal(c.Body, &in); err != nil {
			t.Fatal(err)
		}
		asked = append(asked, in.BillingMode+string(in.SSESpecification))
	}
	for _, want := range []string{"PAY_PER_REQUEST", `{"Enabled":false}`, `{"Enabled":true,"KMSMasterKeyId":"new","SSEType":"KMS"}`} {
		if !slices.Contains(asked, want) {
			t.Errorf("no %s in %q", want, asked)
		}
	}
	g.bp.KMSKey = "old"
	for _, text := range g.plan().texts() {
		if strings.Contains(text, "encryption") {
			t.Errorf("it wants to %s", text)
		}
	}
}

func TestATableThatDeletesByAnotherAttribute(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.apply()
	g.dynamodb.Inject(awstest.Fault{Action: "DescribeTimeToLive", Do: answering(`{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"old"}}`)})
	if plan := g.plan(); len(plan.Changes) > 0 || len(plan.Problems) != 1 || !strings.Contains(plan.Problems[0], "deletes by its attribute old, not by ttl") {
		t.Errorf("the plan is %q", plan.Lines())
	}
}

// Somebody else may have turned it on in between, which DynamoDB then refuses.
func TestTimeToLiveThatIsOnAlready(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.apply()
	g.dynamodb.Inject(awstest.Fault{Action: "UpdateTimeToLive", Do: awstest.Refused(awstest.Refusal{Status: 400, Code: "ValidationException", Message: "TimeToLive is already enabled"})})
	plan := g.plan()
	if !slices.Equal(plan.texts(), []string{g.expiry()}) {
		t.Fatalf("the plan is %q", plan.texts())
	}
	var said story
	sentenceOf(t, g.provisioner().Apply(t.Context(), plan, said.tell), "dynamodb:UpdateTimeToLive", "ValidationException: TimeToLive is already enabled")
	g.dynamodb.Inject(awstest.Fault{Action: "DescribeTimeToLive", Do: answering(`{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}}`)})
	if err := g.provisioner().Apply(t.Context(), plan, said.tell); err != nil {
		t.Error(err)
	}
}

// A server that may not turn it on starts all the same, and says so.
func TestTimeToLiveIsNoReasonNotToStart(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.apply()
	g.dynamodb.Inject(awstest.Fault{Action: "UpdateTimeToLive", Do: awstest.Denied()})
	if err := g.prepare(true); err != nil {
		t.Error(err)
	}
}

func TestATableThatIsBeingMadeIsWaitedFor(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.apply()
	g.dynamodb.Forget()
	g.dynamodb.Inject(awstest.Fault{Action: "DescribeTable", Times: 3, Do: rewritten(`"ACTIVE"`, `"CREATING"`)})
	if m, err := g.provisioner().Missing(t.Context()); err != nil || m.Any() {
		t.Errorf("missing is %+v, %v", m, err)
	}
	if n := g.dynamodb.Count("DescribeTable"); n < 4 {
		t.Errorf("it looked %d times", n)
	}
	g.dynamodb.Inject(awstest.Fault{Action: "DescribeTable", Do: rewritten(`"ACTIVE"`, `"CREATING"`)})
	_, err := g.provisioner().Missing(t.Context())
	if err == nil || !strings.Contains(said(err), "table "+g.cfg.Prefix+"rows is not active yet") {
		t.Errorf("the error is %v", err)
	}
}

func TestAnInterruptedApplySaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	plan := g.plan()
	ctx, cancel := context.WithCancel(t.Context())
	var said story
	err := g.provisioner().Apply(ctx, plan, func(line string) {
		said.tell(line)
		if strings.HasSuffix(line, "validate-dlq") {
			cancel()
		}
	})
	sentenceOf(t, err, "3 of 7 changes not made (create queue "+g.cfg.Prefix+"github-validate; ", "it was interrupted")
}
