package aws

import (
	"bytes"
	"encoding/json"
	"strings"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func metricAlarmTemplate(a *cloudwatch.PutMetricAlarmInput) yamlMap {
	m := yamlMap{{"AlarmName", *a.AlarmName}}
	addText(&m, "AlarmDescription", a.AlarmDescription)
	addText(&m, "Namespace", a.Namespace)
	addText(&m, "MetricName", a.MetricName)
	if len(a.Dimensions) > 0 {
		m.add("Dimensions", dimensionsTemplate(a.Dimensions))
	}
	if len(a.Metrics) > 0 {
		m.add("Metrics", queriesTemplate(a.Metrics))
	}
	if a.Statistic != "" {
		m.add("Statistic", string(a.Statistic))
	}
	addText(&m, "ExtendedStatistic", a.ExtendedStatistic)
	addNumber(&m, "Period", a.Period)
	addNumber(&m, "EvaluationPeriods", a.EvaluationPeriods)
	addNumber(&m, "DatapointsToAlarm", a.DatapointsToAlarm)
	m.add("ComparisonOperator", string(a.ComparisonOperator))
	addNumber(&m, "Threshold", a.Threshold)
	addText(&m, "TreatMissingData", a.TreatMissingData)
	actionsTemplate(&m, a.ActionsEnabled == nil || *a.ActionsEnabled, a.AlarmActions, a.OKActions, a.InsufficientDataActions)
	return m
}

func addText(m *yamlMap, key string, text *string) {
	if text != nil {
		m.add(key, *text)
	}
}

func addNumber[N int32 | float64](m *yamlMap, key string, n *N) {
	if n != nil {
		m.add(key, *n)
	}
}

func actionsTemplate(m *yamlMap, enabled bool, alarm, ok, missing []string) {
	if !enabled {
		m.add("ActionsEnabled", false)
	}
	for _, a := range []struct {
		key  string
		list []string
	}{{"AlarmActions", alarm}, {"OKActions", ok}, {"InsufficientDataActions", missing}} {
		if len(a.list) == 0 {
			continue
		}
		var list yamlList
		for _, arn := range a.list {
			list = append(list, arn)
		}
		m.add(a.key, list)
	}
}

func dimensionsTemplate(dimensions []types.Dimension) yamlList {
	var list yamlList
	for _, d := range dimensions {
		list = append(list, yamlMap{{"Name", sdkaws.ToString(d.Name)}, {"Value", sdkaws.ToString(d.Value)}})
	}
	return list
}

func queriesTemplate(queries []types.MetricDataQuery) yamlList {
	var list yamlList
	for _, q := range queries {
		m := yamlMap{{"Id", sdkaws.ToString(q.Id)}}
		addText(&m, "Expression", q.Expression)
		addText(&m, "Label", q.Label)
		addNumber(&m, "Period", q.Period)
		if s := q.MetricStat; s != nil && s.Metric != nil {
			metric := yamlMap{}
			addText(&metric, "Namespace", s.Metric.Namespace)
			addText(&metric, "MetricName", s.Metric.MetricName)
			if len(s.Metric.Dimensions) > 0 {
				metric.add("Dimensions", dimensionsTemplate(s.Metric.Dimensions))
			}
			stat := yamlMap{{"Metric", metric}}
			addNumber(&stat, "Period", s.Period)
			addText(&stat, "Stat", s.Stat)
			m.add("MetricStat", stat)
		}
		if q.ReturnData != nil {
			m.add("ReturnData", *q.ReturnData)
		}
		list = append(list, m)
	}
	return list
}

// jsonText is a value as JSON, with <, > and & as they are.
func jsonText(value any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
