package aws

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// withAlarms is a ground where all but the alarms is there.
func withAlarms(t *testing.T) *ground {
	t.Helper()
	g := newGround(t)
	g.apply()
	depth := exampleAlarm("deep")
	depth.Metric, depth.Dimensions.Step = pipeline.MetricQueueDepth, "index"
	g.bp.Alarms = []pipeline.AlarmConfig{exampleAlarm("dead-letters"), depth}
	g.bp.Topics = []Topic{{ARN: "arn:aws:sns:eu-west-1:000000000000:oncall", Severities: []string{"notice"}}}
	return g
}

func TestAlarmsAreProvisioned(t *testing.T) {
	t.Parallel()
	g := withAlarms(t)
	pre := g.cfg.Prefix
	g.bp.Tags = map[string]string{"team": "shop"}
	g.apply()
	g.bp.Tags = nil
	if again := g.plan(); len(again.Changes) > 0 || again.Right != 1+4+3 {
		t.Errorf("still to do: %q, %d right", again.texts(), again.Right)
	}
	var list []string
	for _, a := range g.cloudwatch.MetricAlarms() {
		list = append(list, *a.AlarmName)
	}
	if !slices.Equal(list, []string{pre + "dead-letters", pre + "deep"}) || len(g.cloudwatch.CompositeAlarms()) != 1 {
		t.Errorf("alarms are %q and %d composite", list, len(g.cloudwatch.CompositeAlarms()))
	}
	if tags := g.cloudwatch.Tags("arn:aws:cloudwatch:eu-west-1:000000000000:alarm:" + pre + "deep"); tags["team"] != "shop" {
		t.Errorf("tags are %v", tags)
	}
}

func TestAlarmsChangedByHandAreFoundAndMended(t *testing.T) {
	t.Parallel()
	g := withAlarms(t)
	g.apply()
	pre := g.cfg.Prefix
	alarms := g.provisioner().wantedAlarms()
	dead, deep, all := *alarms.metric[0], *alarms.metric[1], *alarms.composite[0]
	dead.Threshold, dead.AlarmActions, dead.ActionsEnabled = new(500.0), nil, new(false)
	deep.Metrics = slices.Clone(deep.Metrics)
	deep.Metrics[0].Expression = new("visible")
	all.AlarmRule = new(`ALARM("` + pre + `deep")`)
	for _, in := range []*cloudwatch.PutMetricAlarmInput{&dead, &deep} {
		if _, err := g.cfg.Account.cloudwatch().PutMetricAlarm(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.cfg.Account.cloudwatch().PutCompositeAlarm(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	g.bp.Tags = map[string]string{"team": "shop"}
	texts := strings.Join(g.plan().texts(), "\n")
	for _, line := range []string{
		"change alarm " + pre + "dead-letters: Threshold 500 -> 5, AlarmActions none -> arn:aws:sns:eu-west-1:000000000000:oncall\n",
		"change alarm " + pre + "deep: metric depth visible -> visible + hidden + delayed\n",
		"change alarm " + pre + "any: AlarmRule ALARM(\"" + pre + "deep\") -> ALARM(\"" + pre + "dead-letters\") OR ALARM(\"" + pre + "deep\")\n",
		"tag alarm " + pre + "any: team=shop",
	} {
		if !strings.Contains(texts, line) {
			t.Errorf("no %q in\n%s", line, texts)
		}
	}
	g.apply()
	g.apply() // the emulator of DynamoDB does not keep the tags a table is created with
	if again := g.plan(); len(again.Changes) > 0 {
		t.Errorf("still to do: %q", again.texts())
	}
}

func TestAlarmsOfNobodyAreLeftOver(t *testing.T) {
	t.Parallel()
	g := withAlarms(t)
	g.apply()
	g.bp.Alarms = g.bp.Alarms[:1]
	if left := strings.Join(g.plan().LeftOver, "\n"); !strings.Contains(left, "alarm "+g.cfg.Prefix+"deep belongs to nothing") {
		t.Errorf("left over: %s", left)
	}
}

// Rows are taken in whether or not CloudWatch is there.
func TestCloudWatchKeepsNothingFromStarting(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]awstest.Harm{
		"it may not be asked": awstest.Denied(),
		"it knows no alarms":  awstest.Refused(awstest.Refusal{Status: 404, Code: "UnknownOperationException", Message: "What?"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := withAlarms(t)
			g.cloudwatch.Inject(awstest.Fault{Do: harm})
			for _, provision := range []bool{true, false} {
				if err := g.prepare(provision); err != nil {
					t.Error(err)
				}
			}
		})
	}
	t.Run("alarms may not be made", func(t *testing.T) {
		t.Parallel()
		g := withAlarms(t)
		g.cloudwatch.Inject(awstest.Fault{Action: "PutMetricAlarm", Do: awstest.Denied()})
		if err := g.prepare(true); err != nil {
			t.Error(err)
		}
		var said story
		sentenceOf(t, g.provisioner().Apply(t.Context(), g.plan(), said.tell), "cloudwatch:PutMetricAlarm on alarm "+g.cfg.Prefix+"deep; ", "ValidationError: Could not save the composite alarm", "; `server provision --print iam` prints the policy it needs")
	})
}
