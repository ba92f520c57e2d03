package aws

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"redrive/pipeline"
)

const (
	ruleMost     = 10_240 // characters of a composite alarm's rule
	childrenMost = 100    // alarms in it
	shortest     = time.Minute
)

// alarmInputs are the configured alarms as CloudWatch's, with the same meaning,
// and one that is raised when any of them is. topics are whom an alarm of a
// severity is published to, so that somebody is told also when no process of
// ours runs.
func alarmInputs(n names, alarms []pipeline.AlarmConfig, topics func(severity string) []string, tags []types.Tag) wantedAlarms {
	var w wantedAlarms
	for _, c := range alarms {
		in := alarmInput(n, c)
		in.AlarmActions, in.OKActions, in.Tags = topics(c.Severity), topics(c.Severity), tags
		w.metric = append(w.metric, in)
	}
	w.composite = catchAll(n, alarms, tags)
	return w
}

func alarmInput(n names, c pipeline.AlarmConfig) *cloudwatch.PutMetricAlarmInput {
	in := &cloudwatch.PutMetricAlarmInput{
		AlarmName: new(n.prefix + c.Name), AlarmDescription: new(describe(c)),
		ComparisonOperator: comparisons()[c.Comparison], Threshold: &c.Threshold,
		EvaluationPeriods: new(int32(c.Periods)), DatapointsToAlarm: new(int32(c.Datapoints)), TreatMissingData: new(treated(c.Missing)),
	}
	period := new(int32(max(c.Period, shortest) / time.Second))
	if measuredBySQS(c) {
		in.Metrics = depthOf(n.queue(c.Dimensions.Pipeline, c.Dimensions.Step), string(statistics()[c.Statistic]), period)
		return in
	}
	in.Namespace, in.MetricName, in.Dimensions = new(n.namespace()), &c.Metric, dimensions(c.Dimensions)
	in.Statistic, in.Period = statistics()[c.Statistic], period
	return in
}

func statistics() map[string]types.Statistic {
	return map[string]types.Statistic{"average": types.StatisticAverage, "sum": types.StatisticSum, "min": types.StatisticMinimum,
		"max": types.StatisticMaximum, "count": types.StatisticSampleCount}
}

func comparisons() map[string]types.ComparisonOperator {
	return map[string]types.ComparisonOperator{">=": types.ComparisonOperatorGreaterThanOrEqualToThreshold, ">": types.ComparisonOperatorGreaterThanThreshold,
		"<=": types.ComparisonOperatorLessThanOrEqualToThreshold, "<": types.ComparisonOperatorLessThanThreshold}
}

func treated(missing string) string {
	if missing == "not_breaching" {
		return "notBreaching"
	}
	return missing
}

// measuredBySQS tells the alarms that need no metric of ours: how many messages
// a step's queue holds. It goes on when no process of ours runs.
func measuredBySQS(c pipeline.AlarmConfig) bool {
	return c.Metric == pipeline.MetricQueueDepth && c.Dimensions.Step != "" && slices.Contains([]string{"average", "min", "max"}, c.Statistic)
}

// depthOf adds up the messages of a queue: those that wait, those that wait out
// a backoff or are being worked on, and those that were sent with a delay.
func depthOf(queue, statistic string, period *int32) []types.MetricDataQuery {
	list := []types.MetricDataQuery{{Id: new("depth"), Expression: new("visible + hidden + delayed"), Label: new(pipeline.MetricQueueDepth), ReturnData: new(true)}}
	for _, m := range []named{{"visible", "ApproximateNumberOfMessagesVisible"}, {"hidden", "ApproximateNumberOfMessagesNotVisible"}, {"delayed", "ApproximateNumberOfMessagesDelayed"}} {
		list = append(list, types.MetricDataQuery{Id: new(m.name), ReturnData: new(false), MetricStat: &types.MetricStat{Period: period, Stat: &statistic,
			Metric: &types.Metric{Namespace: new("AWS/SQS"), MetricName: new(m.value), Dimensions: []types.Dimension{{Name: new("QueueName"), Value: &queue}}}}})
	}
	return list
}

// describe says what an alarm watches, and where CloudWatch's differs.
func describe(c pipeline.AlarmConfig) string {
	var of []string
	for _, n := range []named{{"step", c.Dimensions.Step}, {"pipeline", c.Dimensions.Pipeline}, {"breaker", c.Dimensions.Breaker}} {
		if n.value != "" {
			of = append(of, n.name+" "+n.value)
		}
	}
	text := fmt.Sprintf("Redrive, %s: %s of %s", c.Severity, c.Statistic, c.Metric)
	if len(of) > 0 {
		text += " of " + strings.Join(of, " of ")
	}
	text += fmt.Sprintf(" %s %g", c.Comparison, c.Threshold)
	if c.Period < shortest {
		text += fmt.Sprintf(". Redrive judges it each %s; here a period is a minute, as often as metrics come", c.Period)
	}
	if measuredBySQS(c) {
		text += ". Counted by SQS, messages being worked on among them"
	}
	return text
}

// catchAll is the alarm that is raised when any other is; with more alarms than
// its rule may name, it names others that name them.
func catchAll(n names, alarms []pipeline.AlarmConfig, tags []types.Tag) []*cloudwatch.PutCompositeAlarmInput {
	if len(alarms) == 0 {
		return nil
	}
	taken := make([]string, len(alarms))
	for i, c := range alarms {
		taken[i] = n.prefix + c.Name
	}
	name := n.prefix + "any"
	for slices.ContainsFunc(taken, func(other string) bool { return strings.HasPrefix(other, name) }) {
		name += "-alarm"
	}
	rules := anyOf(taken)
	var list []*cloudwatch.PutCompositeAlarmInput
	if len(rules) > 1 {
		var parts []string
		for i, rule := range rules {
			parts = append(parts, fmt.Sprintf("%s-%d", name, i+1))
			list = append(list, composite(parts[i], rule, "some of the alarms of Redrive", tags))
		}
		rules = anyOf(parts)
	}
	return append(list, composite(name, rules[0], "any alarm of Redrive", tags))
}

func composite(name, rule, what string, tags []types.Tag) *cloudwatch.PutCompositeAlarmInput {
	return &cloudwatch.PutCompositeAlarmInput{AlarmName: &name, AlarmRule: &rule, AlarmDescription: new("Raised when " + what + " is."), Tags: tags}
}

// anyOf makes as many rules as it takes to name all alarms.
func anyOf(alarms []string) []string {
	var rules, terms []string
	size := 0
	for _, name := range alarms {
		term := `ALARM("` + name + `")`
		if next := size + len(" OR ") + len(term); len(terms) == childrenMost || len(terms) > 0 && next > ruleMost {
			rules, terms, size = append(rules, strings.Join(terms, " OR ")), nil, 0
		}
		terms, size = append(terms, term), size+len(" OR ")+len(term)
	}
	return append(rules, strings.Join(terms, " OR "))
}
