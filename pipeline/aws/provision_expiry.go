package aws

import (
	"context"
	"errors"
	"fmt"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expiryOf says by which attribute the table deletes what is old, empty if it
// does not.
func (p *Provisioner) expiryOf(ctx context.Context) (string, error) {
	out, err := p.dynamodb.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &p.names.table})
	if err != nil {
		return "", p.tableFailed(err, "DescribeTimeToLive")
	}
	ttl := out.TimeToLiveDescription
	if ttl == nil || ttl.TimeToLiveStatus != types.TimeToLiveStatusEnabled && ttl.TimeToLiveStatus != types.TimeToLiveStatusEnabling {
		return "", nil
	}
	return sdkaws.ToString(ttl.AttributeName), nil
}

func (p *Provisioner) planExpiry(d *draft) {
	by, err := p.expiryOf(d.ctx)
	switch {
	case !d.ok("time to live of "+p.tableResource(), err):
	case by == "" && !p.knowsExpiry(d.ctx):
		d.note("time to live: this endpoint does not know it")
	case by == "":
		d.add(p.expiryChange())
	case by != attrTTL:
		d.Problems = append(d.Problems, fmt.Sprintf("%s deletes by its attribute %s, not by %s: turn that off in DynamoDB, wait an hour, which AWS asks for, and run this again",
			p.tableResource(), by, attrTTL))
	}
}

// knowsExpiry asks for it on a table that is not there: what the answer tells
// apart is an endpoint that lacks the action.
func (p *Provisioner) knowsExpiry(ctx context.Context) bool {
	_, err := p.dynamodb.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: sdkaws.String("redrive-no-such-table"),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: sdkaws.String(attrTTL), Enabled: sdkaws.Bool(true)}})
	return !isUnknown(err)
}

// expiryChange counts as making something: a table without it would keep rows
// for ever.
func (p *Provisioner) expiryChange() Change {
	c := p.tableChange("turn on time to live on "+p.tableResource(), func(ctx context.Context) error {
		if err := p.awaitTable(ctx); err != nil {
			return err
		}
		_, err := p.dynamodb.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &p.names.table,
			TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: sdkaws.String(attrTTL), Enabled: sdkaws.Bool(true)}})
		if err == nil {
			return nil
		}
		// To turn on what somebody else has just turned on is an error to DynamoDB.
		if by, look := p.expiryOf(ctx); look == nil && by == attrTTL {
			return nil
		}
		return p.tableFailed(err, "UpdateTimeToLive")
	})
	c.creates = true
	return c
}

func (p *Provisioner) planBackups(d *draft) {
	out, err := p.dynamodb.DescribeContinuousBackups(d.ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &p.names.table})
	if !d.ok("point-in-time recovery of "+p.tableResource(), p.tableFailed(err, "DescribeContinuousBackups")) {
		return
	}
	backups := out.ContinuousBackupsDescription
	if backups == nil || backups.PointInTimeRecoveryDescription == nil ||
		backups.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled {
		d.add(p.backupChange(false))
	}
}

func (p *Provisioner) backupChange(creates bool) Change {
	c := p.tableChange("turn on point-in-time recovery on "+p.tableResource(), func(ctx context.Context) error {
		if err := p.awaitTable(ctx); err != nil {
			return err
		}
		return p.await(ctx, func() (bool, error) {
			_, err := p.dynamodb.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{TableName: &p.names.table,
				PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: sdkaws.Bool(true)}})
			// A new table has no backups for its first moments.
			_, early := errors.AsType[*types.ContinuousBackupsUnavailableException](err)
			return !early, p.tableFailed(err, "UpdateContinuousBackups")
		})
	})
	c.creates = creates
	return c
}
