package awstest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// SetAlarmState puts an alarm into a state, as CloudWatch does when it judges it.
func (f *CloudWatchFake) SetAlarmState(t testing.TB, name string, state types.StateValue, reason string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.setAlarmState(&cloudwatch.SetAlarmStateInput{AlarmName: &name, StateValue: state, StateReason: &reason}); err != nil {
		t.Fatal(err)
	}
}

func (f *CloudWatchFake) setAlarmState(in *cloudwatch.SetAlarmStateInput) (any, error) {
	name, now := *in.AlarmName, time.Now()
	metric, isMetric := f.metrics[name]
	composite, isComposite := f.composites[name]
	old, kind := metric.StateValue, types.AlarmTypeMetricAlarm
	switch {
	case isMetric:
		metric.StateValue, metric.StateReason, metric.StateUpdatedTimestamp = in.StateValue, in.StateReason, &now
		f.metrics[name] = metric
	case isComposite:
		old, kind = composite.StateValue, types.AlarmTypeCompositeAlarm
		composite.StateValue, composite.StateReason, composite.StateUpdatedTimestamp = in.StateValue, in.StateReason, &now
		f.composites[name] = composite
	default:
		return nil, Refusal{404, "ResourceNotFound", "Unknown alarm: " + name}
	}
	if old != in.StateValue {
		state := func(value types.StateValue, reason string) map[string]any {
			return map[string]any{"stateValue": value, "stateReason": reason}
		}
		f.remember(name, kind, types.HistoryItemTypeStateUpdate, fmt.Sprintf("Alarm updated from %s to %s", old, in.StateValue),
			string(mustJSON(map[string]any{"version": "1.0", "oldState": state(old, ""), "newState": state(in.StateValue, *in.StateReason)})))
	}
	return struct{}{}, nil
}

// describeAlarms lists metric alarms by name, then composite ones. AWS leaves
// composite alarms out unless they are asked for.
func (f *CloudWatchFake) describeAlarms(in *cloudwatch.DescribeAlarmsInput) (any, error) {
	if len(in.AlarmNames) > 0 && in.AlarmNamePrefix != nil {
		return nil, Refusal{400, "ValidationError", "AlarmNames and AlarmNamePrefix cannot both be given."}
	}
	if len(in.AlarmNames) > 100 {
		return nil, Refusal{400, "ValidationError", "At most 100 names can be given."}
	}
	asked := func(kind types.AlarmType, name string, state types.StateValue) bool {
		return isAsked(in.AlarmTypes, kind) &&
			(in.AlarmNames == nil || slices.Contains(in.AlarmNames, name)) &&
			(in.AlarmNamePrefix == nil || strings.HasPrefix(name, *in.AlarmNamePrefix)) &&
			(in.StateValue == "" || in.StateValue == state)
	}
	var found []any
	for _, a := range byName(f.metrics) {
		if asked(types.AlarmTypeMetricAlarm, *a.AlarmName, a.StateValue) {
			found = append(found, a)
		}
	}
	for _, a := range byName(f.composites) {
		if asked(types.AlarmTypeCompositeAlarm, *a.AlarmName, a.StateValue) {
			found = append(found, a)
		}
	}
	page, next, err := page(found, in.MaxRecords, in.NextToken, 50)
	out := &cloudwatch.DescribeAlarmsOutput{NextToken: next}
	for _, a := range page {
		switch a := a.(type) {
		case types.MetricAlarm:
			out.MetricAlarms = append(out.MetricAlarms, a)
		case types.CompositeAlarm:
			out.CompositeAlarms = append(out.CompositeAlarms, a)
		}
	}
	return out, err
}

func isAsked(kinds []types.AlarmType, kind types.AlarmType) bool {
	if len(kinds) == 0 {
		return kind == types.AlarmTypeMetricAlarm
	}
	return slices.Contains(kinds, kind)
}

// remember adds to the history, which outlives the alarm.
func (f *CloudWatchFake) remember(name string, kind types.AlarmType, what types.HistoryItemType, summary, data string) {
	f.history = append(f.history, types.AlarmHistoryItem{
		AlarmName: &name, AlarmType: kind, HistoryItemType: what,
		HistorySummary: &summary, HistoryData: &data, Timestamp: new(time.Now()),
	})
}

// describeAlarmHistory lists the newest first, unless the oldest are asked for.
func (f *CloudWatchFake) describeAlarmHistory(in *cloudwatch.DescribeAlarmHistoryInput) (any, error) {
	var found []types.AlarmHistoryItem
	for _, item := range f.history {
		if isAsked(in.AlarmTypes, item.AlarmType) &&
			(in.AlarmName == nil || *in.AlarmName == *item.AlarmName) &&
			(in.HistoryItemType == "" || in.HistoryItemType == item.HistoryItemType) &&
			(in.StartDate == nil || !item.Timestamp.Before(*in.StartDate)) &&
			(in.EndDate == nil || !item.Timestamp.After(*in.EndDate)) {
			found = append(found, item)
		}
	}
	if in.ScanBy != types.ScanByTimestampAscending {
		slices.Reverse(found)
	}
	page, next, err := page(found, in.MaxRecords, in.NextToken, 100)
	return &cloudwatch.DescribeAlarmHistoryOutput{AlarmHistoryItems: page, NextToken: next}, err
}

// page cuts a page out of a list. The token is how far the pages before it went.
func page[T any](list []T, size *int32, token *string, usual int) (some []T, next *string, err error) {
	from, n := 0, usual
	if size != nil {
		n = int(*size)
	}
	if n < 1 || n > 100 {
		return nil, nil, Refusal{400, "ValidationError", "MaxRecords must be from 1 to 100."}
	}
	if token != nil {
		text, err := base64.StdEncoding.DecodeString(*token)
		from, _ = strconv.Atoi(string(text))
		if err != nil || from < 1 {
			return nil, nil, Refusal{400, "InvalidNextToken", "The next token specified is invalid."}
		}
	}
	from = min(from, len(list))
	if from+n >= len(list) {
		return list[from:], nil, nil
	}
	return list[from : from+n], new(base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(from + n)))), nil
}
