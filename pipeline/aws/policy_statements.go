package aws

import (
	"net/url"
	"slices"
	"strings"
)

// work is what taking in rows and working on them takes.
func (d *document) work() {
	d.allow("Rows", "dynamodb", []string{"GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "DescribeTable", "DescribeTimeToLive"}, d.table())
	var steps, sources []string
	for _, q := range d.p.stepQueues() {
		steps = append(steps, q.name)
	}
	for _, pl := range d.p.pipelines {
		if pl.SourceQueue != "" {
			sources = append(sources, pl.SourceQueue)
		}
	}
	taking := []string{"GetQueueUrl", "GetQueueAttributes", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"}
	d.allow("Steps", "sqs", append(slices.Clone(taking), "SendMessage"), d.queues(steps...))
	d.allow("Sources", "sqs", taking, d.queues(sources...))
}

// foreign is what the pages of queues that are not ours take, which show the
// dead-letter queues of steps too.
func (d *document) foreign() {
	var names, dead []string
	prefixes := false
	for _, q := range d.p.foreign {
		if q.Prefix != "" {
			prefixes = true
			names = append(names, q.Prefix+"*")
		} else {
			names = append(names, q.Name)
		}
	}
	for _, q := range d.p.stepQueues() {
		if q.dead {
			dead = append(dead, q.name)
		}
	}
	own := []string{"ListDeadLetterSourceQueues", "PurgeQueue", "StartMessageMoveTask", "CancelMessageMoveTask", "ListMessageMoveTasks"}
	d.allow("DeadLetters", "sqs", own, d.queues(dead...))
	d.allow("Queues", "sqs", slices.Concat([]string{"GetQueueUrl", "GetQueueAttributes", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "SendMessage"}, own), d.queues(names...))
	if prefixes {
		d.allow("ListQueues", "sqs", []string{"ListQueues"}, anything) // it knows no narrower resource
	}
}

// calls is what steps hand over to.
func (d *document) calls() {
	var functions, named, addressed []string
	for _, f := range d.p.bp.Functions {
		functions = append(functions, d.function(f)...)
	}
	for _, target := range d.p.bp.Targets {
		if name, address, region := queueOf(target, d.p.region); address == "" {
			named = append(named, d.arn("sqs", name))
		} else {
			addressed = append(addressed, d.queueAt(address, name, region))
		}
	}
	d.allow("Functions", "lambda", []string{"InvokeFunction"}, functions)
	d.allow("Targets", "sqs", []string{"GetQueueUrl", "SendMessage"}, named)
	d.allow("TargetsByURL", "sqs", []string{"SendMessage"}, addressed)
}

// function is the ARN that is asked for: with a version or an alias if one is
// named.
func (d *document) function(name string) []string {
	if strings.HasPrefix(name, "arn:") {
		return []string{name}
	}
	return []string{d.arn("lambda", "function:"+name)}
}

// queueAt is the ARN of a queue whose URL is known: https://host/account/name.
func (d *document) queueAt(address, name, region string) string {
	account := d.account
	if u, err := url.Parse(address); err == nil {
		if parts := strings.Split(strings.Trim(u.Path, "/"), "/"); len(parts) == 2 {
			account = parts[0]
		}
	}
	return "arn:" + d.partition + ":sqs:" + region + ":" + account + ":" + name
}

// telling is metrics, alarms and whom they are sent to.
func (d *document) telling() {
	d.allow("Metrics", "cloudwatch", []string{"PutMetricData"}, anything) // it knows no resource, the condition takes its place
	d.provided("StringEquals", "cloudwatch:namespace", d.p.names.namespace())
	if len(d.p.wantedAlarms().names()) > 0 {
		d.allow("Alarms", "cloudwatch", []string{"DescribeAlarms", "DescribeAlarmHistory"}, anything) // composite alarms are not shown to a narrower one
	}
	var topics []string
	for _, t := range d.p.bp.Topics {
		topics = append(topics, t.ARN)
	}
	d.allow("Topics", "sns", []string{"Publish"}, topics)
	if d.p.bp.SMS {
		// A phone has no ARN. This is every number and no topic.
		d.list = append(d.list, statement{Sid: "Phones", Effect: "Allow", Action: []string{"sns:Publish"}, NotResource: []string{"arn:" + d.partition + ":sns:*:*:*"}})
	}
}

// key is what SQS and DynamoDB do with the key on behalf of whoever calls them.
func (d *document) key() {
	if d.p.bp.KMSKey != "" {
		d.onKey("Key", []string{"Decrypt", "GenerateDataKey"}, "sqs.*", "dynamodb.*")
	}
}

func (d *document) onKey(sid string, actions []string, via ...string) {
	key := d.p.bp.KMSKey
	switch at := strings.Index(key, "alias/"); {
	case at >= 0:
		// A policy cannot name an alias as a resource, only any key that has it.
		d.allow(sid, "kms", actions, []string{d.arn("kms", "key/*")})
		d.provided("ForAnyValue:StringEquals", "kms:ResourceAliases", key[at:])
	case strings.HasPrefix(key, "arn:"):
		d.allow(sid, "kms", actions, []string{key})
	default:
		d.allow(sid, "kms", actions, []string{d.arn("kms", "key/"+key)})
	}
	d.provided("StringLike", "kms:ViaService", via)
}

// provisioning is what creating, comparing and changing takes. It deletes
// nothing.
func (d *document) provisioning() {
	tags := len(d.p.bp.Tags) > 0
	table := []string{"CreateTable", "UpdateTable", "UpdateTimeToLive", "DescribeContinuousBackups", "UpdateContinuousBackups"}
	queue := []string{"CreateQueue", "SetQueueAttributes"}
	alarm := []string{"PutMetricAlarm"}
	if tags {
		table = append(table, "TagResource", "ListTagsOfResource")
		queue = append(queue, "TagQueue", "ListQueueTags")
		alarm = append(alarm, "TagResource", "ListTagsForResource")
	}
	var steps []string
	for _, q := range d.p.stepQueues() {
		steps = append(steps, q.name)
	}
	d.allow("ProvisionTable", "dynamodb", table, d.table())
	d.allow("ProvisionQueues", "sqs", queue, d.queues(steps...))
	want := d.p.wantedAlarms()
	var alarms []string
	for _, name := range want.names() {
		alarms = append(alarms, d.arn("cloudwatch", "alarm:"+name))
	}
	d.allow("ProvisionAlarms", "cloudwatch", alarm, alarms)
	if len(want.composite) > 0 {
		d.allow("ProvisionCompositeAlarm", "cloudwatch", []string{"PutCompositeAlarm"}, anything) // AWS refuses it to a narrower one
	}
	d.allow("LeftOverTables", "dynamodb", []string{"ListTables"}, anything) // it knows no narrower resource
	d.allow("LeftOverQueues", "sqs", []string{"ListQueues"}, anything)      // nor does this
	if d.p.bp.KMSKey != "" {
		d.onKey("ProvisionKey", []string{"DescribeKey", "CreateGrant", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKeyWithoutPlaintext"}, "dynamodb.*")
	}
}
