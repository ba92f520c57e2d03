package aws

import (
	"slices"
	"strings"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const queuesMost = 1000 // of one page

// planLeftOver names what has the prefix and belongs to nothing. It may belong
// to another configuration whose prefix is longer, so that it says no more than
// what it knows. An identity that may not list is no obstacle.
func (p *Provisioner) planLeftOver(d *draft) {
	if p.names.prefix == "" {
		return
	}
	for _, list := range []func(*draft) error{p.leftQueues, p.leftTables, p.leftAlarms} {
		if d.over() {
			return
		}
		if err := list(d); err != nil && !isUnknown(err) {
			d.note("what is left over was not looked for: " + said(err))
		}
	}
}

func (d *draft) leave(noun, name string) {
	d.LeftOver = append(d.LeftOver, noun+" "+name+" belongs to nothing in this configuration; it is not deleted")
}

func (p *Provisioner) leftQueues(d *draft) error {
	known := slices.Clone(p.bp.Targets)
	for _, q := range p.stepQueues() {
		known = append(known, q.name)
	}
	for _, pl := range p.pipelines {
		known = append(known, pl.SourceQueue)
	}
	pages := sqs.NewListQueuesPaginator(p.sqs, &sqs.ListQueuesInput{QueueNamePrefix: &p.names.prefix, MaxResults: sdkaws.Int32(queuesMost)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(d.ctx)
		if err != nil {
			return failure(err, "sqs:ListQueues", "queues "+p.names.prefix+"*")
		}
		for _, url := range page.QueueUrls {
			if name := nameIn(url, "/"); !slices.Contains(known, name) && !slices.ContainsFunc(p.foreign, func(q QueueSelector) bool { return q.selects(name) }) {
				d.leave("queue", name)
			}
		}
	}
	return nil
}

func (q QueueSelector) selects(name string) bool {
	return name == q.Name || q.Prefix != "" && strings.HasPrefix(name, q.Prefix)
}

func (p *Provisioner) leftTables(d *draft) error {
	pages := dynamodb.NewListTablesPaginator(p.dynamodb, &dynamodb.ListTablesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(d.ctx)
		if err != nil {
			return failure(err, "dynamodb:ListTables", "tables")
		}
		for _, name := range page.TableNames {
			if strings.HasPrefix(name, p.names.prefix) && name != p.names.table {
				d.leave("table", name)
			}
		}
	}
	return nil
}

func (p *Provisioner) leftAlarms(d *draft) error {
	known := p.wantedAlarms().names()
	pages := cloudwatch.NewDescribeAlarmsPaginator(p.cloudwatch, &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: &p.names.prefix, AlarmTypes: bothTypes})
	for pages.HasMorePages() {
		page, err := pages.NextPage(d.ctx)
		if err != nil {
			return alarmFailed(err, "DescribeAlarms", "alarms "+p.names.prefix+"*")
		}
		for _, a := range page.MetricAlarms {
			if name := sdkaws.ToString(a.AlarmName); !slices.Contains(known, name) {
				d.leave("alarm", name)
			}
		}
		for _, a := range page.CompositeAlarms {
			if name := sdkaws.ToString(a.AlarmName); !slices.Contains(known, name) {
				d.leave("alarm", name)
			}
		}
	}
	return nil
}
