package aws

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

func untold(string) []string { return nil }

func dimensionWords(list []types.Dimension) string {
	var words []string
	for _, d := range list {
		words = append(words, *d.Name+"="+*d.Value)
	}
	return strings.Join(words, " ")
}

func errorRate() pipeline.AlarmConfig {
	return pipeline.AlarmConfig{Name: "high-error-rate", Metric: pipeline.MetricErrorRate, Statistic: "average", Comparison: ">=", Threshold: 0.03,
		Period: time.Minute, Periods: 3, Datapoints: 2, Missing: "breaching", Severity: "page"}
}

func TestAnAlarmMeansTheSameOnCloudWatch(t *testing.T) {
	c := errorRate()
	c.Dimensions = index
	tags := []types.Tag{{Key: new("team"), Value: new("shop")}}
	w := alarmInputs(names{prefix: "shop-"}, []pipeline.AlarmConfig{c}, untold, tags)
	if len(w.metric) != 1 || len(w.composite) != 1 {
		t.Fatalf("%d alarms, %d that combine", len(w.metric), len(w.composite))
	}
	a := w.metric[0]
	if *a.AlarmName != "shop-high-error-rate" || *a.Namespace != "Redrive/shop" || *a.MetricName != "error_rate" || dimensionWords(a.Dimensions) != "Pipeline=p Step=index" {
		t.Errorf("%s watches %s %s %s", *a.AlarmName, *a.Namespace, *a.MetricName, dimensionWords(a.Dimensions))
	}
	if a.Statistic != types.StatisticAverage || a.ComparisonOperator != types.ComparisonOperatorGreaterThanOrEqualToThreshold || *a.Threshold != 0.03 ||
		*a.Period != 60 || *a.EvaluationPeriods != 3 || *a.DatapointsToAlarm != 2 || *a.TreatMissingData != "breaching" || a.Metrics != nil {
		t.Errorf("alarm = %+v", a)
	}
	if a.AlarmActions != nil || a.OKActions != nil || len(a.Tags) != 1 {
		t.Errorf("actions %v, %v, tags %v", a.AlarmActions, a.OKActions, a.Tags)
	}
	if want := "Redrive, page: average of error_rate of step index of pipeline p >= 0.03"; *a.AlarmDescription != want {
		t.Errorf("description %q", *a.AlarmDescription)
	}
	all := w.composite[0]
	if *all.AlarmName != "shop-any" || *all.AlarmRule != `ALARM("shop-high-error-rate")` || len(all.Tags) != 1 {
		t.Errorf("catch-all %s = %s", *all.AlarmName, *all.AlarmRule)
	}
}

func TestEveryWordOfAnAlarmIsKnownToCloudWatch(t *testing.T) {
	for word, want := range map[string]string{"average": "Average", "sum": "Sum", "min": "Minimum", "max": "Maximum", "count": "SampleCount"} {
		c := errorRate()
		c.Statistic = word
		if got := alarmInput(names{}, c).Statistic; string(got) != want || !slices.Contains(got.Values(), got) {
			t.Errorf("statistic %s is %s", word, got)
		}
	}
	for word, want := range map[string]string{">=": "GreaterThanOrEqualToThreshold", ">": "GreaterThanThreshold", "<=": "LessThanOrEqualToThreshold", "<": "LessThanThreshold"} {
		c := errorRate()
		c.Comparison = word
		if got := alarmInput(names{}, c).ComparisonOperator; string(got) != want || !slices.Contains(got.Values(), got) {
			t.Errorf("comparison %s is %s", word, got)
		}
	}
	for word, want := range map[string]string{"missing": "missing", "breaching": "breaching", "not_breaching": "notBreaching", "ignore": "ignore"} {
		c := errorRate()
		c.Missing = word
		if got := *alarmInput(names{}, c).TreatMissingData; got != want {
			t.Errorf("missing %s is %s", word, got)
		}
	}
}

func TestAPeriodOnCloudWatchIsAtLeastAMinute(t *testing.T) {
	for period, want := range map[time.Duration]int32{10 * time.Second: 60, 30 * time.Second: 60, time.Minute: 60, 5 * time.Minute: 300, time.Hour: 3600} {
		c := errorRate()
		c.Period = period
		a := alarmInput(names{}, c)
		if *a.Period != want {
			t.Errorf("a period of %s is %d s", period, *a.Period)
		}
		if said := strings.Contains(*a.AlarmDescription, "Redrive judges it each "+period.String()); said != (period < time.Minute) {
			t.Errorf("a period of %s is described as %q", period, *a.AlarmDescription)
		}
	}
}

func TestTheDepthOfAQueueIsCountedBySQS(t *testing.T) {
	c := pipeline.AlarmConfig{Name: "deep", Metric: pipeline.MetricQueueDepth, Dimensions: index, Statistic: "max", Comparison: ">", Threshold: 1000,
		Period: 5 * time.Minute, Periods: 1, Datapoints: 1, Missing: "missing", Severity: "notice"}
	a := alarmInput(names{prefix: "redrive-"}, c)
	got := map[string]string{}
	for _, m := range a.Metrics {
		if m.MetricStat == nil {
			got[*m.Id] = fmt.Sprint(*m.Expression, " ", *m.ReturnData)
			continue
		}
		got[*m.Id] = fmt.Sprint(*m.MetricStat.Stat, " ", *m.MetricStat.Metric.Namespace, " ", *m.MetricStat.Metric.MetricName, " ",
			dimensionWords(m.MetricStat.Metric.Dimensions), " ", *m.MetricStat.Period, " ", *m.ReturnData)
	}
	want := map[string]string{
		"depth":   "visible + hidden + delayed true",
		"visible": "Maximum AWS/SQS ApproximateNumberOfMessagesVisible QueueName=redrive-p-index 300 false",
		"hidden":  "Maximum AWS/SQS ApproximateNumberOfMessagesNotVisible QueueName=redrive-p-index 300 false",
		"delayed": "Maximum AWS/SQS ApproximateNumberOfMessagesDelayed QueueName=redrive-p-index 300 false",
	}
	if !maps.Equal(got, want) {
		t.Errorf("metrics %v", got)
	}
	if a.MetricName != nil || a.Namespace != nil || a.Statistic != "" || a.Period != nil || a.Dimensions != nil {
		t.Error("an alarm has either one metric or several")
	}
	c.Dimensions.Step = ""
	if a := alarmInput(names{prefix: "redrive-"}, c); a.Metrics != nil || *a.MetricName != pipeline.MetricQueueDepth {
		t.Error("the depth of a whole pipeline is not ours")
	}
}

func TestTopicsAreToldOfTheirSeverities(t *testing.T) {
	letters := errorRate()
	letters.Name, letters.Severity = "letters", "notice"
	topics := func(severity string) []string {
		if severity == "page" {
			return []string{"arn:aws:sns:eu-west-1:000000000000:oncall"}
		}
		return nil
	}
	w := alarmInputs(names{}, []pipeline.AlarmConfig{errorRate(), letters}, topics, nil)
	if a := w.metric[0]; len(a.AlarmActions) != 1 || len(a.OKActions) != 1 {
		t.Errorf("the topic is not told of a page: %v, %v", a.AlarmActions, a.OKActions)
	}
	if a := w.metric[1]; len(a.AlarmActions)+len(a.OKActions) != 0 {
		t.Errorf("the topic is told of a notice: %v", a.AlarmActions)
	}
	if c := w.composite[0]; len(c.AlarmActions)+len(c.OKActions) != 0 {
		t.Error("the topic is told twice")
	}
}

func TestTheCatchAllIsSplitWhereItsRuleHasNoRoom(t *testing.T) {
	for _, tt := range []struct{ alarms, length, parts int }{{1, 10, 1}, {100, 10, 1}, {101, 10, 3}, {250, 10, 4}, {80, 200, 3}} {
		t.Run(fmt.Sprintf("%d alarms with names of %d letters", tt.alarms, tt.length), func(t *testing.T) {
			var alarms []pipeline.AlarmConfig
			for i := range tt.alarms {
				c := errorRate()
				c.Name = fmt.Sprintf("%0*d", tt.length, i)
				alarms = append(alarms, c)
			}
			list := catchAll(names{prefix: "redrive-"}, alarms, nil)
			if len(list) != tt.parts {
				t.Fatalf("%d composite alarms", len(list))
			}
			named := 0
			for _, c := range list {
				if n := strings.Count(*c.AlarmRule, "ALARM("); n > 100 || len(*c.AlarmRule) > 10_240 {
					t.Errorf("a rule names %d alarms in %d characters", n, len(*c.AlarmRule))
				}
				named += strings.Count(*c.AlarmRule, "ALARM(")
			}
			if last := list[len(list)-1]; *last.AlarmName != "redrive-any" || named != tt.alarms+tt.parts-1 {
				t.Errorf("the last is %s, %d are named", *last.AlarmName, named)
			}
		})
	}
	if list := catchAll(names{prefix: "redrive-"}, nil, nil); list != nil {
		t.Errorf("nothing to catch, and yet %v", list)
	}
}

func TestTheCatchAllTakesNoAlarmsName(t *testing.T) {
	c := errorRate()
	c.Name = "any"
	list := catchAll(names{prefix: "redrive-"}, []pipeline.AlarmConfig{c}, nil)
	if *list[0].AlarmName != "redrive-any-alarm" || *list[0].AlarmRule != `ALARM("redrive-any")` {
		t.Errorf("%s = %s", *list[0].AlarmName, *list[0].AlarmRule)
	}
}

// putAlarms has the fake take what provision would send, in that order.
func putAlarms(t *testing.T, a *Account, n names, alarms ...pipeline.AlarmConfig) {
	t.Helper()
	w := alarmInputs(n, alarms, untold, nil)
	for _, in := range w.metric {
		if _, err := a.cloudwatch().PutMetricAlarm(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	for _, in := range w.composite {
		if _, err := a.cloudwatch().PutCompositeAlarm(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAlarmsAndTheirPartsArePutInOrder(t *testing.T) {
	fake := awstest.CloudWatch(t)
	var alarms []pipeline.AlarmConfig
	for i := range 120 {
		c := errorRate()
		c.Name = fmt.Sprint("a", i)
		alarms = append(alarms, c)
	}
	putAlarms(t, NewAccount(awstest.Config(t, awstest.Endpoints{CloudWatch: fake.URL})), names{prefix: "redrive-"}, alarms...)
	if n, c := len(fake.MetricAlarms()), len(fake.CompositeAlarms()); n != 120 || c != 3 {
		t.Errorf("%d alarms, %d that combine", n, c)
	}
}
