package aws

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// drifts collects what is not as it should be, in words.
type drifts []string

func (d *drifts) compare(name, want, have string) {
	if want != have {
		*d = append(*d, fmt.Sprintf("%s %s -> %s", name, cmp.Or(have, "none"), cmp.Or(want, "none")))
	}
}

// alarmDrift compares an alarm with what it should be. Whether its actions are
// on is the operator's to say.
func alarmDrift(want *cloudwatch.PutMetricAlarmInput, have types.MetricAlarm) []string {
	var d drifts
	d.compare("Namespace", sdkaws.ToString(want.Namespace), sdkaws.ToString(have.Namespace))
	d.compare("MetricName", sdkaws.ToString(want.MetricName), sdkaws.ToString(have.MetricName))
	d.compare("Dimensions", dimensionsText(want.Dimensions), dimensionsText(have.Dimensions))
	d.queries(want.Metrics, have.Metrics)
	d.compare("Statistic", string(want.Statistic), string(have.Statistic))
	d.compare("ExtendedStatistic", sdkaws.ToString(want.ExtendedStatistic), sdkaws.ToString(have.ExtendedStatistic))
	d.compare("ComparisonOperator", string(want.ComparisonOperator), string(have.ComparisonOperator))
	d.compare("Threshold", number(want.Threshold), number(have.Threshold))
	d.compare("Period", number(want.Period), number(have.Period))
	d.compare("EvaluationPeriods", number(want.EvaluationPeriods), number(have.EvaluationPeriods))
	d.compare("DatapointsToAlarm", number(cmp.Or(want.DatapointsToAlarm, want.EvaluationPeriods)), number(cmp.Or(have.DatapointsToAlarm, have.EvaluationPeriods)))
	d.compare("TreatMissingData", missingData(want.TreatMissingData), missingData(have.TreatMissingData))
	d.compare("AlarmDescription", sdkaws.ToString(want.AlarmDescription), sdkaws.ToString(have.AlarmDescription))
	d.actions(want.AlarmActions, have.AlarmActions, want.OKActions, have.OKActions, want.InsufficientDataActions, have.InsufficientDataActions)
	return d
}

func compositeDrift(want *cloudwatch.PutCompositeAlarmInput, have types.CompositeAlarm) []string {
	var d drifts
	d.compare("AlarmRule", sdkaws.ToString(want.AlarmRule), sdkaws.ToString(have.AlarmRule))
	d.compare("AlarmDescription", sdkaws.ToString(want.AlarmDescription), sdkaws.ToString(have.AlarmDescription))
	d.actions(want.AlarmActions, have.AlarmActions, want.OKActions, have.OKActions, want.InsufficientDataActions, have.InsufficientDataActions)
	return d
}

func (d *drifts) actions(alarm, haveAlarm, ok, haveOK, missing, haveMissing []string) {
	d.compare("AlarmActions", sortedText(alarm), sortedText(haveAlarm))
	d.compare("OKActions", sortedText(ok), sortedText(haveOK))
	d.compare("InsufficientDataActions", sortedText(missing), sortedText(haveMissing))
}

func number[N int32 | float64](n *N) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

func missingData(treat *string) string { return cmp.Or(sdkaws.ToString(treat), "missing") }

func sortedText(list []string) string {
	return strings.Join(slices.Sorted(slices.Values(list)), " ")
}

func dimensionsText(list []types.Dimension) string {
	var all []string
	for _, dim := range list {
		all = append(all, sdkaws.ToString(dim.Name)+"="+sdkaws.ToString(dim.Value))
	}
	return sortedText(all)
}

// queries compares the metrics of an alarm over several, by their names in it.
func (d *drifts) queries(want, have []types.MetricDataQuery) {
	is, should := queryTexts(have), queryTexts(want)
	for _, id := range orderedKeys(should) {
		d.compare("metric "+id, should[id], is[id])
	}
	for _, id := range orderedKeys(is) {
		if should[id] == "" {
			d.compare("metric "+id, "", is[id])
		}
	}
}

func queryTexts(list []types.MetricDataQuery) map[string]string {
	all := map[string]string{}
	for _, q := range list {
		text := sdkaws.ToString(q.Expression)
		if s := q.MetricStat; s != nil && s.Metric != nil {
			text = fmt.Sprintf("%s of %s/%s{%s} over %s s", sdkaws.ToString(s.Stat), sdkaws.ToString(s.Metric.Namespace), sdkaws.ToString(s.Metric.MetricName),
				dimensionsText(s.Metric.Dimensions), number(s.Period))
		}
		if q.ReturnData != nil && !*q.ReturnData {
			text += " (hidden)"
		}
		all[sdkaws.ToString(q.Id)] = text
	}
	return all
}
