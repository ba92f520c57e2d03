package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// wantedAlarms are the alarms of a configuration, and the one that combines
// them, if there is one.
type wantedAlarms struct {
	metric    []*cloudwatch.PutMetricAlarmInput
	composite []*cloudwatch.PutCompositeAlarmInput
}

func (w wantedAlarms) names() []string {
	var names []string
	for _, a := range w.metric {
		names = append(names, *a.AlarmName)
	}
	for _, a := range w.composite {
		names = append(names, *a.AlarmName)
	}
	return names
}

func (p *Provisioner) wantedAlarms() wantedAlarms {
	return alarmInputs(p.names, p.bp.Alarms, p.topics, p.alarmTags())
}

// topics are whom CloudWatch itself tells of an alarm, also when no process of
// Redrive runs.
func (p *Provisioner) topics(severity string) []string {
	var arns []string
	for _, t := range p.bp.Topics {
		if slices.Contains(t.Severities, severity) && !slices.Contains(arns, t.ARN) {
			arns = append(arns, t.ARN)
		}
	}
	return arns
}

// liveAlarms are those of them that CloudWatch has, by name.
type liveAlarms struct {
	metric    map[string]types.MetricAlarm
	composite map[string]types.CompositeAlarm
}

func (l liveAlarms) has(name string) bool {
	_, metric := l.metric[name]
	_, composite := l.composite[name]
	return metric || composite
}

const describeMost = 100 // names or alarms of one request

var bothTypes = []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}

func alarmFailed(err error, action, name string) error {
	return explained(err, "cloudwatch:"+action, name)
}

func (p *Provisioner) liveAlarms(ctx context.Context, names []string) (liveAlarms, error) {
	live := liveAlarms{metric: map[string]types.MetricAlarm{}, composite: map[string]types.CompositeAlarm{}}
	for chunk := range slices.Chunk(names, describeMost) {
		out, err := p.cloudwatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: chunk, AlarmTypes: bothTypes, MaxRecords: sdkaws.Int32(describeMost)})
		if err != nil {
			return live, alarmFailed(err, "DescribeAlarms", "alarms")
		}
		for _, a := range out.MetricAlarms {
			live.metric[sdkaws.ToString(a.AlarmName)] = a
		}
		for _, a := range out.CompositeAlarms {
			live.composite[sdkaws.ToString(a.AlarmName)] = a
		}
	}
	return live, nil
}

// planAlarms never makes a plan fail: nothing but the alarms needs CloudWatch.
func (p *Provisioner) planAlarms(d *draft) {
	want := p.wantedAlarms()
	if d.over() || len(want.names()) == 0 {
		return
	}
	have, err := p.liveAlarms(d.ctx, want.names())
	if err != nil && !isUnknown(err) {
		d.Problems = append(d.Problems, "alarms were not looked at: "+said(err))
		return
	}
	if !d.ok("alarms", err) {
		return
	}
	for _, a := range want.metric {
		is, there := have.metric[*a.AlarmName]
		p.planAlarm(d, *a.AlarmName, there, alarmDrift(a, is), sdkaws.ToString(is.AlarmArn), func(ctx context.Context) error {
			_, err := p.cloudwatch.PutMetricAlarm(ctx, a)
			return alarmFailed(err, "PutMetricAlarm", "alarm "+*a.AlarmName)
		})
	}
	for _, a := range want.composite {
		is, there := have.composite[*a.AlarmName]
		p.planAlarm(d, *a.AlarmName, there, compositeDrift(a, is), sdkaws.ToString(is.AlarmArn), func(ctx context.Context) error {
			_, err := p.cloudwatch.PutCompositeAlarm(ctx, a)
			return alarmFailed(err, "PutCompositeAlarm", "alarm "+*a.AlarmName)
		})
	}
}

func (p *Provisioner) planAlarm(d *draft, name string, there bool, drift []string, arn string, put func(context.Context) error) {
	c := Change{resource: "alarm " + name, kind: kindAlarm, creates: !there, do: put}
	before := len(d.Changes)
	switch {
	case !there:
		c.Text = "create " + c.resource
		d.add(c)
	case len(drift) > 0:
		c.Text = fmt.Sprintf("change %s: %s", c.resource, strings.Join(drift, ", "))
		d.add(c)
	}
	if there {
		p.planAlarmTags(d, c.resource, arn)
	}
	if len(d.Changes) == before {
		d.Right++
	}
}

func (p *Provisioner) planAlarmTags(d *draft, resource, arn string) {
	if len(p.bp.Tags) == 0 || arn == "" {
		return
	}
	out, err := p.cloudwatch.ListTagsForResource(d.ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: &arn})
	if err != nil && !isUnknown(err) {
		d.Problems = append(d.Problems, "the tags of "+resource+" were not looked at: "+said(alarmFailed(err, "ListTagsForResource", resource)))
		return
	}
	if !d.ok("the tags of "+resource, err) {
		return
	}
	have := map[string]string{}
	for _, tag := range out.Tags {
		have[sdkaws.ToString(tag.Key)] = sdkaws.ToString(tag.Value)
	}
	if text := p.untagged(have); text != "" {
		d.add(Change{Text: fmt.Sprintf("tag %s: %s", resource, text), resource: resource, kind: kindAlarm, do: func(ctx context.Context) error {
			_, err := p.cloudwatch.TagResource(ctx, &cloudwatch.TagResourceInput{ResourceARN: &arn, Tags: p.alarmTags()})
			return alarmFailed(err, "TagResource", resource)
		}})
	}
}

func (p *Provisioner) alarmTags() []types.Tag {
	var tags []types.Tag
	for _, key := range orderedKeys(p.bp.Tags) {
		tags = append(tags, types.Tag{Key: sdkaws.String(key), Value: sdkaws.String(p.bp.Tags[key])})
	}
	return tags
}
