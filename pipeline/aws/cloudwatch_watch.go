package aws

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"redrive/pipeline"
)

const (
	historyMost  = 300              // changes of one alarm in one look
	historyPage  = 100              // of one request
	historyAgain = 10 * time.Minute // heard again each time: history may come after the state
)

// watcher reads how the provisioned alarms stand.
type watcher struct {
	client *cloudwatch.Client
	prefix string
}

// newWatchman makes CloudWatch the engine's watchman.
func newWatchman(a *Account, prefix string) *pipeline.Watchman {
	w := &watcher{client: a.cloudwatch(), prefix: prefix}
	return &pipeline.Watchman{Name: "CloudWatch", Look: w.look}
}

// look reads the states, a hundred a request, and the history of each alarm
// whose state is newer than what is known of it.
func (w *watcher) look(ctx context.Context, since map[string]time.Time) ([]pipeline.AlarmReport, error) {
	ctx = spend(ctx, purposeIdle)
	var reports []pipeline.AlarmReport
	pages := cloudwatch.NewDescribeAlarmsPaginator(w.client, &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: &w.prefix,
		AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm}, MaxRecords: new(int32(describeMost))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure(err, "cloudwatch:DescribeAlarms", "alarms "+w.prefix+"*")
		}
		for _, a := range page.MetricAlarms {
			r := report(a, w.prefix)
			known, wanted := since[r.Name]
			if !wanted {
				continue
			}
			if r.Since.After(known) {
				if r.Changes, err = w.history(ctx, *a.AlarmName, known); err != nil {
					return nil, err
				}
			}
			reports = append(reports, r)
		}
	}
	return reports, nil
}

func report(a types.MetricAlarm, prefix string) pipeline.AlarmReport {
	since := sdkaws.ToTime(a.StateTransitionedTimestamp)
	if since.IsZero() {
		since = sdkaws.ToTime(a.StateUpdatedTimestamp)
	}
	return pipeline.AlarmReport{Name: strings.TrimPrefix(sdkaws.ToString(a.AlarmName), prefix), State: stateOf(string(a.StateValue)),
		Since: since.UTC(), Reason: sdkaws.ToString(a.StateReason)}
}

func stateOf(value string) string {
	switch value {
	case string(types.StateValueOk):
		return pipeline.AlarmOK
	case string(types.StateValueAlarm):
		return pipeline.AlarmOn
	}
	return pipeline.AlarmInsufficient
}

// history reads the changes of an alarm, the newest first.
func (w *watcher) history(ctx context.Context, name string, known time.Time) ([]pipeline.AlarmChange, error) {
	in := &cloudwatch.DescribeAlarmHistoryInput{AlarmName: &name, HistoryItemType: types.HistoryItemTypeStateUpdate,
		AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm}, ScanBy: types.ScanByTimestampDescending, MaxRecords: new(int32(historyPage))}
	if !known.IsZero() {
		in.StartDate, in.EndDate = new(known.Add(-historyAgain)), new(time.Now().Add(time.Hour))
	}
	var list []pipeline.AlarmChange
	for pages := cloudwatch.NewDescribeAlarmHistoryPaginator(w.client, in); pages.HasMorePages() && len(list) < historyMost; {
		page, err := pages.NextPage(ctx)
		if isUnknown(err) {
			return nil, nil
		}
		if err != nil {
			return nil, failure(err, "cloudwatch:DescribeAlarmHistory", "alarm "+name)
		}
		for _, item := range page.AlarmHistoryItems {
			if c, ok := changeOf(item); ok {
				list = append(list, c)
			}
		}
	}
	return list, nil
}

// changeOf reads one change of state; anything else an alarm went through is
// none.
func changeOf(item types.AlarmHistoryItem) (pipeline.AlarmChange, bool) {
	type state struct {
		Value  string `json:"stateValue"`
		Reason string `json:"stateReason"`
	}
	var data struct {
		Old state `json:"oldState"`
		New state `json:"newState"`
	}
	if item.HistoryItemType != types.HistoryItemTypeStateUpdate || item.Timestamp == nil ||
		json.Unmarshal([]byte(sdkaws.ToString(item.HistoryData)), &data) != nil || data.New.Value == "" {
		return pipeline.AlarmChange{}, false
	}
	return pipeline.AlarmChange{At: item.Timestamp.UTC(), From: stateOf(data.Old.Value), To: stateOf(data.New.Value), Reason: data.New.Reason}, true
}
