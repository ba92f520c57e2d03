package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"redrive/pipeline"
)

// alarmsFor is how long a start may be held up by CloudWatch.
const alarmsFor = 5 * time.Second

// Missing looks what is missing. The error is of what could not be looked at,
// with the action and the resource; without alarms and queues of others all
// else works, so that there are only notes of those.
func (p *Provisioner) Missing(ctx context.Context) (Missing, error) {
	m := Missing{region: p.region}
	if err := p.missingTable(ctx, &m); err != nil {
		return m, err
	}
	var ours, sources []string
	for _, q := range p.stepQueues() {
		ours = append(ours, q.name)
	}
	for _, pl := range p.pipelines {
		if pl.SourceQueue != "" {
			sources = append(sources, pl.SourceQueue)
		}
	}
	var err error
	if m.Queues, err = p.absent(ctx, ours); err != nil {
		return m, p.reached(err)
	}
	if m.Sources, err = p.absent(ctx, sources); err != nil {
		return m, err
	}
	m.all = m.Table != "" && len(m.Queues) == len(ours)
	if m.Others, err = p.absent(ctx, p.others()); err != nil {
		m.notes = append(m.notes, said(err))
	}
	p.missingAlarms(ctx, &m)
	return m, nil
}

// others are the queues that are looked up by name and belong to others.
func (p *Provisioner) others() []string {
	var names []string
	for _, q := range p.foreign {
		if q.Name != "" {
			names = append(names, q.Name)
		}
	}
	for _, target := range p.bp.Targets {
		if name, address, _ := queueOf(target, p.region); address == "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (p *Provisioner) missingTable(ctx context.Context, m *Missing) error {
	have, err := p.describe(ctx)
	switch {
	case err != nil:
		return p.reached(err)
	case have == nil:
		m.Table = p.names.table
		return nil
	}
	if err := p.strange(have); err != nil {
		return err
	}
	if have.TableStatus == types.TableStatusCreating { // by another process that starts as well
		if err := p.awaitTable(ctx); err != nil {
			return err
		}
	}
	by, err := p.expiryOf(ctx)
	switch {
	case isUnknown(err):
	case err != nil:
		m.notes = append(m.notes, said(err))
	default:
		m.Expiry = by != attrTTL
	}
	return nil
}

// absent says which queues do not exist, in the order asked.
func (p *Provisioner) absent(ctx context.Context, names []string) ([]string, error) {
	gone := make([]bool, len(names))
	err := eachOf(len(names), func(i int) error {
		address, err := p.queueURL(ctx, names[i])
		gone[i] = err == nil && address == ""
		return err
	})
	var list []string
	for i, name := range names {
		if gone[i] {
			list = append(list, name)
		}
	}
	return list, err
}

func (p *Provisioner) missingAlarms(ctx context.Context, m *Missing) {
	names := p.wantedAlarms().names()
	if len(names) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, alarmsFor)
	defer cancel()
	have, err := p.liveAlarms(ctx, names)
	if err != nil {
		m.blind = true
		m.notes = append(m.notes, "it is not known which alarms CloudWatch has: "+said(err))
		return
	}
	m.Alarms = slices.DeleteFunc(names, have.has)
}

// reached gives an error that no service has answered a sentence that says where
// it was looked for.
func (p *Provisioner) reached(err error) error {
	if err == nil || codeOf(err) != "" {
		return err
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return &pipeline.Error{Code: pipeline.CodeUnavailable, Err: err,
			Text: fmt.Sprintf("%s is not to be found: see whether aws.region (%s) is right and this machine reaches AWS", dns.Name, p.region)}
	}
	if call, ok := errors.AsType[*url.Error](err); ok {
		if at, cut := url.Parse(call.URL); cut == nil {
			return &pipeline.Error{Code: pipeline.CodeUnavailable, Err: err, Text: fmt.Sprintf("%s: nothing answers at %s", said(err), at.Host)}
		}
	}
	return err
}
