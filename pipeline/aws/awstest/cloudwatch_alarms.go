package awstest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// metricAlarm is an alarm as it comes: its fields have the names of those it is kept as.
type metricAlarm struct {
	types.MetricAlarm
	Tags []types.Tag
}

func (f *CloudWatchFake) putMetricAlarm(in *metricAlarm) (any, error) {
	a, name, now := in.MetricAlarm, *in.AlarmName, time.Now()
	if _, taken := f.composites[name]; taken {
		return nil, Refusal{400, "ValidationError", "An alarm with the same name but a different type already exists: " + name}
	}
	old, exists := f.metrics[name]
	arn := arn("cloudwatch", "alarm:"+name)
	a.AlarmArn, a.AlarmConfigurationUpdatedTimestamp = &arn, &now
	a.ActionsEnabled = orTrue(a.ActionsEnabled)
	a.StateValue, a.StateReason, a.StateUpdatedTimestamp = old.StateValue, old.StateReason, old.StateUpdatedTimestamp
	if !exists {
		a.StateValue, a.StateReason, a.StateUpdatedTimestamp = types.StateValueInsufficientData, new("Unchecked: Initial alarm creation"), &now
	}
	f.metrics[name] = a
	f.configured(name, types.AlarmTypeMetricAlarm, arn, exists, in.Tags)
	return struct{}{}, nil
}

// compositeAlarm is an alarm on alarms as it comes.
type compositeAlarm struct {
	types.CompositeAlarm
	Tags []types.Tag
}

func (f *CloudWatchFake) putCompositeAlarm(in *compositeAlarm) (any, error) {
	a, name, now := in.CompositeAlarm, *in.AlarmName, time.Now()
	if _, taken := f.metrics[name]; taken {
		return nil, Refusal{400, "ValidationError", "An alarm with the same name but a different type already exists: " + name}
	}
	if missing := slices.DeleteFunc(alarmsIn(*a.AlarmRule), f.hasAlarm); len(missing) > 0 {
		return nil, Refusal{400, "ValidationError", fmt.Sprintf("Could not save the composite alarm as alarms [%s] in the alarm rule do not exist", strings.Join(missing, ", "))}
	}
	old, exists := f.composites[name]
	arn := arn("cloudwatch", "alarm:"+name)
	a.AlarmArn, a.AlarmConfigurationUpdatedTimestamp = &arn, &now
	a.ActionsEnabled = orTrue(a.ActionsEnabled)
	a.StateValue, a.StateReason, a.StateUpdatedTimestamp = old.StateValue, old.StateReason, old.StateUpdatedTimestamp
	if !exists {
		a.StateValue, a.StateReason, a.StateUpdatedTimestamp = types.StateValueInsufficientData, new("Unchecked: Initial alarm creation"), &now
	}
	f.composites[name] = a
	f.configured(name, types.AlarmTypeCompositeAlarm, arn, exists, in.Tags)
	return struct{}{}, nil
}

// configured writes an alarm's history, and its tags if it is new: AWS ignores those of an update.
func (f *CloudWatchFake) configured(name string, kind types.AlarmType, arn string, existed bool, tags []types.Tag) {
	summary := fmt.Sprintf("Alarm %q updated", name)
	if !existed {
		summary = fmt.Sprintf("Alarm %q created", name)
		f.tags[arn] = map[string]string{}
		f.tag(arn, tags)
	}
	f.remember(name, kind, types.HistoryItemTypeConfigurationUpdate, summary, `{"version":"1.0"}`)
}

func orTrue(b *bool) *bool {
	if b == nil {
		b = new(true)
	}
	return b
}

func (f *CloudWatchFake) hasAlarm(name string) bool {
	_, metric := f.metrics[name]
	_, composite := f.composites[name]
	return metric || composite
}

// alarmsIn lists the names in a rule such as ALARM("a") OR ALARM(b).
func alarmsIn(rule string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]*)"|([^)\s]*))\s*\)`).FindAllStringSubmatch(rule, -1) {
		name := m[1] + m[2]
		names = append(names, name[strings.LastIndex(name, ":")+1:]) // an ARN does as well
	}
	return names
}

// deleteAlarms deletes all or, as AWS does, none.
func (f *CloudWatchFake) deleteAlarms(in *cloudwatch.DeleteAlarmsInput) (any, error) {
	composites := 0
	for _, name := range in.AlarmNames {
		if !f.hasAlarm(name) {
			return nil, Refusal{404, "ResourceNotFound", "Unknown alarm: " + name}
		}
		if _, ok := f.composites[name]; ok {
			composites++
		}
		for _, parent := range byName(f.composites) {
			if slices.Contains(alarmsIn(*parent.AlarmRule), name) {
				return nil, Refusal{400, "ValidationError", "Cannot delete " + name + " as there are composite alarm(s) depending on it."}
			}
		}
	}
	if composites > 1 || len(in.AlarmNames) > 100 {
		return nil, Refusal{400, "ValidationError", "Only 100 alarms, and one composite alarm, can be deleted at once."}
	}
	for _, name := range in.AlarmNames {
		delete(f.metrics, name)
		delete(f.composites, name)
		delete(f.tags, arn("cloudwatch", "alarm:"+name))
	}
	return struct{}{}, nil
}

func (f *CloudWatchFake) tag(arn string, tags []types.Tag) {
	for _, tag := range tags {
		f.tags[arn][*tag.Key] = *tag.Value
	}
}

func (f *CloudWatchFake) tagResource(in *cloudwatch.TagResourceInput) (any, error) {
	if f.tags[*in.ResourceARN] == nil {
		return nil, Refusal{404, "ResourceNotFoundException", "Unknown resource: " + *in.ResourceARN}
	}
	f.tag(*in.ResourceARN, in.Tags)
	return struct{}{}, nil
}

func (f *CloudWatchFake) untagResource(in *cloudwatch.UntagResourceInput) (any, error) {
	for _, key := range in.TagKeys {
		delete(f.tags[*in.ResourceARN], key)
	}
	return struct{}{}, nil
}

func (f *CloudWatchFake) listTagsForResource(in *cloudwatch.ListTagsForResourceInput) (any, error) {
	tags, ok := f.tags[*in.ResourceARN]
	if !ok {
		return nil, Refusal{404, "ResourceNotFoundException", "Unknown resource: " + *in.ResourceARN}
	}
	out := &cloudwatch.ListTagsForResourceOutput{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, types.Tag{Key: &key, Value: new(tags[key])})
	}
	return out, nil
}
