package aws

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"redrive/pipeline"
)

var update = flag.Bool("update", false, "write the golden files of templates and policies anew")

// printed is what a configuration with everything in it comes to, without an
// account: printing asks nobody.
func printed() *Provisioner {
	alarm := func(name, metric string, of pipeline.Dimensions, severity string) pipeline.AlarmConfig {
		return pipeline.AlarmConfig{Name: name, Metric: metric, Dimensions: of, Statistic: "average", Comparison: ">=", Threshold: 0.03,
			Period: time.Minute, Periods: 3, Datapoints: 2, Missing: "not_breaching", Severity: severity}
	}
	return NewProvisioner(
		Config{Prefix: "redrive-", Pipelines: []Pipeline{
			{Name: "github", Steps: []string{"validate", "index"}, SourceQueue: "github-intake", Retention: 720 * time.Hour},
			{Name: "shop_1", Steps: []string{"pay"}}},
			Queues: []QueueSelector{{Name: "orders-dlq"}, {Prefix: "legacy-"}}},
		Blueprint{Tags: map[string]string{"team": "shop", "cost:centre": "yes"}, KMSKey: "alias/redrive",
			Alarms: []pipeline.AlarmConfig{
				alarm("high-error-rate", pipeline.MetricErrorRate, pipeline.Dimensions{}, "page"),
				alarm("deep", pipeline.MetricQueueDepth, pipeline.Dimensions{Pipeline: "github", Step: "index"}, "notice")},
			Functions: []string{"resize", "thumb:live", "arn:aws:lambda:us-east-1:123456789012:function:far"},
			Targets:   []string{"forward", "https://sqs.eu-central-1.amazonaws.com/210987654321/far"},
			Topics:    []Topic{{ARN: "arn:aws:sns:eu-west-1:123456789012:oncall", Severities: []string{"page"}}}, SMS: true})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what is printed now; see what differs with -update and git diff:\n%s", path, got)
	}
}

func TestTheTemplateIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	golden(t, "cloudformation.golden.yaml", printed().CloudFormation())
}

// template is as much of a template as is looked at.
type template struct {
	Resources map[string]struct {
		Type                string         `yaml:"Type"`
		DeletionPolicy      string         `yaml:"DeletionPolicy"`
		UpdateReplacePolicy string         `yaml:"UpdateReplacePolicy"`
		DependsOn           []string       `yaml:"DependsOn"`
		Properties          map[string]any `yaml:"Properties"`
	} `yaml:"Resources"`
}

func TestTheTemplateHasEveryResource(t *testing.T) {
	t.Parallel()
	p := printed()
	var got template
	if err := yaml.Unmarshal([]byte(p.CloudFormation()), &got); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{} // by name: type
	for id, r := range got.Resources {
		for _, key := range []string{"TableName", "QueueName", "AlarmName"} {
			if name, ok := r.Properties[key].(string); ok {
				names[name] = r.Type
			}
		}
		if holds := r.Type != "AWS::CloudWatch::Alarm" && r.Type != "AWS::CloudWatch::CompositeAlarm"; holds && (r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain") {
			t.Errorf("%s would be deleted", id)
		}
		if r.Type == "AWS::CloudWatch::CompositeAlarm" && len(r.DependsOn) != 2 {
			t.Errorf("%s depends on %v", id, r.DependsOn)
		}
	}
	want := map[string]string{"redrive-rows": "AWS::DynamoDB::Table"}
	for _, q := range p.stepQueues() {
		want[q.name] = "AWS::SQS::Queue"
	}
	for _, a := range p.wantedAlarms().metric {
		want[*a.AlarmName] = "AWS::CloudWatch::Alarm"
	}
	for _, a := range p.wantedAlarms().composite {
		want[*a.AlarmName] = "AWS::CloudWatch::CompositeAlarm"
	}
	for name, kind := range want {
		if names[name] != kind {
			t.Errorf("%s is %q, want %s", name, names[name], kind)
		}
	}
	if len(names) != len(want) {
		t.Errorf("there are %v", names)
	}
}

// Names that differ only in what an id cannot have stay two resources.
func TestLogicalIDsAreUnique(t *testing.T) {
	t.Parallel()
	p := NewProvisioner(Config{Prefix: "redrive-", Pipelines: []Pipeline{{Name: "a", Steps: []string{"b-c", "b_c", "bC", "b"}}, {Name: "a-b", Steps: []string{"d"}}, {Name: "日本"}}}, Blueprint{})
	var got template
	if err := yaml.Unmarshal([]byte(p.CloudFormation()), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Resources) != 1+2*5 {
		t.Errorf("%d resources", len(got.Resources))
	}
}

func TestYAML(t *testing.T) {
	t.Parallel()
	m := yamlMap{{"on", "yes"}, {"text", "a: b # c"}, {"quote", `say "no" \ <b>`}, {"number", "12"}, {"n", 12}, {"f", 0.5}, {"big", 1e21}, {"b", true}, {"empty", ""},
		{"deep", yamlMap{{"list", yamlList{"x", yamlMap{{"k", "v"}, {"l", yamlList{"y"}}}}}}}, {"lines", "one\ntwo"}, {"time", "12:30"}, {"tag", yamlTag{"!Sub", "a ${AWS::Region}"}}}
	text := yamlText(m)
	var got map[string]any
	if err := yaml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for key, want := range map[string]any{"on": "yes", "text": "a: b # c", "quote": `say "no" \ <b>`, "number": "12", "b": true, "empty": "", "lines": "one\ntwo", "time": "12:30", "f": 0.5} {
		if got[key] != want {
			t.Errorf("%s is %#v, want %#v in\n%s", key, got[key], want, text)
		}
	}
	if !strings.Contains(text, "tag: !Sub \"a ${AWS::Region}\"\n") || !strings.Contains(text, "    - \"k\": \"v\"\n      \"l\":\n        - \"y\"\n") {
		t.Errorf("written as\n%s", text)
	}
}

func TestTagsOfATemplateAreInOrder(t *testing.T) {
	t.Parallel()
	first := printed().CloudFormation()
	if all := slices.Repeat([]bool{true}, 20); slices.ContainsFunc(all, func(bool) bool { return printed().CloudFormation() != first }) {
		t.Error("two runs differ")
	}
}
