package aws

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"strings"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Identity is who the credentials belong to, as far as that is known.
type Identity struct {
	Account string // 12 digits
	ARN     string // of the user or role
}

// Identify asks AWS who this process is, which every identity may.
func (a *Account) Identify(ctx context.Context) (Identity, error) {
	if err := a.Check(ctx); err != nil {
		return Identity{}, err
	}
	out, err := a.sts().GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.Options) { o.Retryer = sdkaws.NopRetryer{} })
	if err != nil {
		return Identity{}, failure(err, "sts:GetCallerIdentity", "this identity")
	}
	var who Identity
	if out.Account != nil && out.Arn != nil {
		who = Identity{Account: *out.Account, ARN: *out.Arn}
	}
	return who, nil
}

// statement is one of a policy, in the order IAM's own documents have.
type statement struct {
	Sid         string
	Effect      string
	Action      []string
	Resource    []string                  `json:",omitempty"`
	NotResource []string                  `json:",omitempty"`
	Condition   map[string]map[string]any `json:",omitempty"`
}

// document is a policy being put together.
type document struct {
	p         *Provisioner
	partition string
	account   string // or *
	list      []statement
}

// Policy is a policy for IAM that allows what a process of this configuration
// does and nothing else; with provision also what creating and changing its
// resources takes. Where the account is not known, it is any: the resources then
// are those of the account the policy is in.
func (p *Provisioner) Policy(who Identity, provision bool) string {
	d := &document{p: p, partition: partitionOf(p.region), account: cmp.Or(who.Account, "*")}
	if a, err := arn.Parse(who.ARN); err == nil {
		d.partition = a.Partition
	}
	d.work()
	d.foreign()
	d.calls()
	d.telling()
	d.key()
	if provision {
		d.provisioning()
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(struct { // text alone always can be
		Version   string
		Statement []statement
	}{"2012-10-17", d.list})
	return b.String()
}

// partitionOf is the part of AWS a region belongs to.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "us-iso-"):
		return "aws-iso"
	case strings.HasPrefix(region, "us-isob-"):
		return "aws-iso-b"
	case strings.HasPrefix(region, "eusc-"):
		return "aws-eusc"
	}
	return "aws"
}

// allow adds a statement unless there is nothing to allow it on.
func (d *document) allow(sid, service string, actions, resources []string) {
	if len(resources) > 0 {
		d.list = append(d.list, statement{Sid: sid, Effect: "Allow", Action: prefixed(service, actions), Resource: resources})
	}
}

// provided puts a condition on the last statement: how a key compares with a
// text or a list of them.
func (d *document) provided(operator, key string, value any) {
	last := &d.list[len(d.list)-1]
	if last.Condition == nil {
		last.Condition = map[string]map[string]any{}
	}
	last.Condition[operator] = map[string]any{key: value}
}

func prefixed(service string, actions []string) []string {
	list := make([]string, len(actions))
	for i, action := range actions {
		list[i] = service + ":" + action
	}
	return list
}

// anything is the resource of actions that know no narrower one.
var anything = []string{"*"}

func (d *document) arn(service, resource string) string {
	return arn.ARN{Partition: d.partition, Service: service, Region: d.p.region, AccountID: d.account, Resource: resource}.String()
}

func (d *document) queues(names ...string) []string {
	var list []string
	for _, name := range names {
		list = append(list, d.arn("sqs", name))
	}
	return list
}

func (d *document) table() []string { return []string{d.arn("dynamodb", "table/"+d.p.names.table)} }
