package aws

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

const someAccount = "123456789012"

func TestThePolicyIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	golden(t, "iam.golden.json", printed().Policy(Identity{Account: someAccount, ARN: "arn:aws:sts::123456789012:assumed-role/redrive/i-1"}, true))
}

func statementsOf(t *testing.T, policy string) []statement {
	t.Helper()
	var d struct {
		Version   string
		Statement []statement
	}
	if err := json.Unmarshal([]byte(policy), &d); err != nil {
		t.Fatal(err)
	}
	if d.Version != "2012-10-17" {
		t.Errorf("version %s", d.Version)
	}
	return d.Statement
}

// What is allowed on everything is what AWS knows no narrower resource for, and
// nothing else; no action is a pattern.
func TestNothingIsAllowedOnEverything(t *testing.T) {
	t.Parallel()
	wide := []string{"sqs:ListQueues", "dynamodb:ListTables", "cloudwatch:PutMetricData", "cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory", "cloudwatch:PutCompositeAlarm"}
	seen := map[string]bool{}
	for _, s := range statementsOf(t, printed().Policy(Identity{Account: someAccount}, true)) {
		if seen[s.Sid] {
			t.Errorf("two statements are called %s", s.Sid)
		}
		seen[s.Sid] = true
		for _, action := range s.Action {
			if strings.Contains(action, "*") {
				t.Errorf("%s allows %s", s.Sid, action)
			}
			if strings.Contains(action, "Delete") && action != "sqs:DeleteMessage" && action != "dynamodb:DeleteItem" {
				t.Errorf("%s allows %s", s.Sid, action)
			}
			if slices.Contains(s.Resource, "*") && !slices.Contains(wide, action) {
				t.Errorf("%s allows %s on everything", s.Sid, action)
			}
		}
		for _, resource := range s.Resource {
			if strings.Contains(resource, "*") && resource != "*" && !strings.HasSuffix(resource, ":legacy-*") && s.Condition["ForAnyValue:StringEquals"] == nil {
				t.Errorf("%s is on %s", s.Sid, resource)
			}
		}
		if len(s.NotResource) > 0 && (s.Sid != "Phones" || len(s.Action) != 1) {
			t.Errorf("%s is on all but %v", s.Sid, s.NotResource)
		}
	}
}

func allows(list []statement, action, resource string) bool {
	return slices.ContainsFunc(list, func(s statement) bool {
		return slices.Contains(s.Action, action) && slices.Contains(s.Resource, resource)
	})
}

func TestThePolicyIsForExactlyThisConfiguration(t *testing.T) {
	t.Parallel()
	arn := func(service, resource string) string {
		return "arn:aws:" + service + ":eu-west-1:" + someAccount + ":" + resource
	}
	list := statementsOf(t, printed().Policy(Identity{Account: someAccount}, false))
	for _, c := range []struct {
		action, resource string
		want             bool
	}{
		{"dynamodb:UpdateItem", arn("dynamodb", "table/redrive-rows"), true},
		{"dynamodb:CreateTable", arn("dynamodb", "table/redrive-rows"), false},
		{"sqs:ReceiveMessage", arn("sqs", "redrive-github-index"), true},
		{"sqs:SendMessage", arn("sqs", "redrive-shop_1-pay-dlq"), true},
		{"sqs:CreateQueue", arn("sqs", "redrive-github-index"), false},
		{"sqs:ReceiveMessage", arn("sqs", "github-intake"), true},
		{"sqs:SendMessage", arn("sqs", "github-intake"), false},
		{"sqs:SendMessage", arn("sqs", "forward"), true},
		{"sqs:ReceiveMessage", arn("sqs", "forward"), false},
		{"sqs:SendMessage", "arn:aws:sqs:eu-central-1:210987654321:far", true},
		{"sqs:PurgeQueue", arn("sqs", "legacy-*"), true},
		{"sqs:PurgeQueue", arn("sqs", "redrive-github-index"), false},
		{"lambda:InvokeFunction", arn("lambda", "function:thumb:live"), true},
		{"lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:far", true},
		{"sns:Publish", "arn:aws:sns:eu-west-1:123456789012:oncall", true},
		{"cloudwatch:PutMetricAlarm", arn("cloudwatch", "alarm:redrive-deep"), false},
	} {
		if allows(list, c.action, c.resource) != c.want {
			t.Errorf("%s on %s: want %v", c.action, c.resource, c.want)
		}
	}
}

func TestASmallConfigurationHasASmallPolicy(t *testing.T) {
	t.Parallel()
	p := NewProvisioner(Config{Prefix: "redrive-", Table: "rows", Pipelines: []Pipeline{{Name: "a", Steps: []string{"b"}}}}, Blueprint{})
	p.region = "cn-north-1"
	text := p.Policy(Identity{}, false)
	for _, never := range []string{"lambda", "sns", "kms", "DescribeAlarms", "ListQueues", "Provision"} {
		if strings.Contains(text, never) {
			t.Errorf("it speaks of %s:\n%s", never, text)
		}
	}
	if !allows(statementsOf(t, text), "dynamodb:GetItem", "arn:aws-cn:dynamodb:cn-north-1:*:table/rows") {
		t.Errorf("no table in\n%s", text)
	}
}

func TestKeysInPolicies(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"1234abcd-12ab-34cd-56ef-1234567890ab":                 "arn:aws:kms:eu-west-1:*:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		"arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab",
		"alias/redrive": "arn:aws:kms:eu-west-1:*:key/*",
		"arn:aws:kms:eu-west-1:123456789012:alias/redrive": "arn:aws:kms:eu-west-1:*:key/*",
	} {
		p := NewProvisioner(Config{Prefix: "redrive-"}, Blueprint{KMSKey: key})
		list := statementsOf(t, p.Policy(Identity{}, true))
		if !allows(list, "kms:Decrypt", want) || !allows(list, "kms:CreateGrant", want) {
			t.Errorf("key %s: no %s", key, want)
		}
	}
}
