package aws

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
)

// CloudFormation is a template of everything that is Redrive's, the same text
// for the same configuration. What holds rows outlives the stack.
func (p *Provisioner) CloudFormation() string {
	var resources yamlMap
	ids := &logicalIDs{taken: map[string]bool{}}
	resources.add(ids.of("Rows"), p.tableTemplate())
	for _, q := range p.stepQueues() {
		ids.queue(p.names.prefix, q.name)
	}
	for _, q := range p.stepQueues() {
		resources.add(ids.byQueue[q.name], p.queueTemplate(q, ids))
	}
	p.alarmTemplates(&resources, ids)
	return yamlText(yamlMap{
		{"AWSTemplateFormatVersion", "2010-09-09"},
		{"Description", fmt.Sprintf("Redrive: the table %s, and the queues and alarms that begin with %s", p.names.table, p.names.prefix)},
		{"Resources", resources},
	})
}

// logicalIDs makes the names of resources within the template: letters and
// digits alone, each once.
type logicalIDs struct {
	taken   map[string]bool
	byQueue map[string]string
}

func (l *logicalIDs) of(words ...string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(strings.Join(words, "-"), func(r rune) bool { return r > 'z' || !isAlnum(byte(r)) }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	id := b.String()
	for n := 2; l.taken[id]; n++ {
		id = fmt.Sprintf("%s%d", b.String(), n)
	}
	l.taken[id] = true
	return id
}

func (l *logicalIDs) queue(prefix, name string) {
	if l.byQueue == nil {
		l.byQueue = map[string]string{}
	}
	l.byQueue[name] = l.of(strings.TrimPrefix(name, prefix), "queue")
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// kept is a resource that is neither deleted with the stack nor with a later
// template that no longer has it.
func kept(kind string, properties yamlMap) yamlMap {
	return yamlMap{{"Type", kind}, {"DeletionPolicy", "Retain"}, {"UpdateReplacePolicy", "Retain"}, {"Properties", properties}}
}

func (p *Provisioner) tagsTemplate(properties *yamlMap) {
	if len(p.bp.Tags) == 0 {
		return
	}
	var tags yamlList
	for _, key := range orderedKeys(p.bp.Tags) {
		tags = append(tags, yamlMap{{"Key", key}, {"Value", p.bp.Tags[key]}})
	}
	properties.add("Tags", tags)
}

func (p *Provisioner) tableTemplate() yamlMap {
	properties := yamlMap{
		{"TableName", p.names.table},
		{"BillingMode", "PAY_PER_REQUEST"},
		{"KeySchema", yamlList{
			yamlMap{{"AttributeName", attrPK}, {"KeyType", "HASH"}},
			yamlMap{{"AttributeName", attrSK}, {"KeyType", "RANGE"}}}},
		{"AttributeDefinitions", yamlList{
			yamlMap{{"AttributeName", attrPK}, {"AttributeType", "S"}},
			yamlMap{{"AttributeName", attrSK}, {"AttributeType", "S"}}}},
		{"TimeToLiveSpecification", yamlMap{{"AttributeName", attrTTL}, {"Enabled", true}}},
		{"PointInTimeRecoverySpecification", yamlMap{{"PointInTimeRecoveryEnabled", true}}},
	}
	if p.bp.KMSKey != "" {
		properties.add("SSESpecification", yamlMap{{"SSEEnabled", true}, {"SSEType", "KMS"}, {"KMSMasterKeyId", p.bp.KMSKey}})
	}
	p.tagsTemplate(&properties)
	return kept("AWS::DynamoDB::Table", properties)
}

// queueTemplate names the source of a dead-letter queue by its ARN, not by
// reference: each of the two would otherwise wait for the other.
func (p *Provisioner) queueTemplate(q stepQueue, ids *logicalIDs) yamlMap {
	properties := yamlMap{{"QueueName", q.name}}
	want := p.plain()
	for _, name := range orderedKeys(want) {
		properties.add(name, typed(want[name]))
	}
	if q.dead {
		properties.add(allowPolicyName, yamlMap{{"redrivePermission", "byQueue"},
			{"sourceQueueArns", yamlList{yamlTag{"!Sub", "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:" + q.other}}}})
	} else {
		properties.add("RedrivePolicy", yamlMap{{"deadLetterTargetArn", yamlTag{"!GetAtt", ids.byQueue[q.other] + ".Arn"}}, {"maxReceiveCount", receivesMost}})
	}
	p.tagsTemplate(&properties)
	return kept("AWS::SQS::Queue", properties)
}

// typed gives an attribute, which is text to SQS, the type a template has.
func typed(value string) any {
	var v any
	if json.Unmarshal([]byte(value), &v) == nil {
		return v
	}
	return value
}

func (p *Provisioner) alarmTemplates(resources *yamlMap, ids *logicalIDs) {
	want := p.wantedAlarms()
	var names yamlList
	for _, a := range want.metric {
		id := ids.of(strings.TrimPrefix(*a.AlarmName, p.names.prefix), "alarm")
		names = append(names, id)
		properties := metricAlarmTemplate(a)
		p.tagsTemplate(&properties)
		resources.add(id, yamlMap{{"Type", "AWS::CloudWatch::Alarm"}, {"Properties", properties}})
	}
	for _, a := range want.composite {
		properties := yamlMap{{"AlarmName", *a.AlarmName}, {"AlarmRule", *a.AlarmRule}}
		if a.AlarmDescription != nil {
			properties.add("AlarmDescription", *a.AlarmDescription)
		}
		actionsTemplate(&properties, sdkaws.ToBool(a.ActionsEnabled) || a.ActionsEnabled == nil, a.AlarmActions, a.OKActions, a.InsufficientDataActions)
		p.tagsTemplate(&properties)
		resource := yamlMap{{"Type", "AWS::CloudWatch::CompositeAlarm"}}
		if len(names) > 0 {
			resource.add("DependsOn", slices.Clone(names)) // its rule names them, which CloudFormation does not read
		}
		resource.add("Properties", properties)
		id := ids.of(strings.TrimPrefix(*a.AlarmName, p.names.prefix), "alarm")
		names = append(names, id)
		resources.add(id, resource)
	}
}
