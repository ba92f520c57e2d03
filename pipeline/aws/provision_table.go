package aws

import (
	"context"
	"errors"
	"fmt"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"redrive/pipeline"
)

func (p *Provisioner) tableResource() string { return "table " + p.names.table }

func (p *Provisioner) tableFailed(err error, action string) error {
	return explained(err, "dynamodb:"+action, p.tableResource())
}

func (p *Provisioner) tableChange(text string, do func(context.Context) error) Change {
	return Change{Text: text, resource: p.tableResource(), kind: kindSetting, do: do}
}

// describe returns the table, nil if there is none.
func (p *Provisioner) describe(ctx context.Context) (*types.TableDescription, error) {
	out, err := p.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &p.names.table})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, p.tableFailed(err, "DescribeTable")
	}
	return out.Table, nil
}

func (p *Provisioner) planTable(d *draft) {
	have, err := p.describe(d.ctx)
	if !d.ok(p.tableResource(), err) {
		return
	}
	if have == nil {
		d.add(Change{Text: "create " + p.tableResource(), resource: p.tableResource(), kind: kindHome, creates: true, do: p.createTable})
		d.add(p.expiryChange())
		d.add(p.backupChange(true))
		return
	}
	if err := p.strange(have); err != nil {
		d.Problems = append(d.Problems, said(err))
		return
	}
	before := len(d.Changes) + len(d.Problems)
	p.planBilling(d, have)
	p.planEncryption(d, have)
	p.planExpiry(d)
	p.planBackups(d)
	p.planTableTags(d, have)
	if len(d.Changes)+len(d.Problems) == before {
		d.Right++
	}
}

// strange tells whether the table is somebody else's: its keys, which cannot be
// changed, are not Redrive's.
func (p *Provisioner) strange(have *types.TableDescription) error {
	var keys []string
	for _, k := range have.KeySchema {
		keys = append(keys, sdkaws.ToString(k.AttributeName))
	}
	if len(keys) == 2 && keys[0] == attrPK && keys[1] == attrSK {
		return nil
	}
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: fmt.Sprintf(
		"%s is not Redrive's: its keys are %s instead of %s and %s; name another one in aws.table", p.tableResource(), listed(keys), attrPK, attrSK)}
}

func (p *Provisioner) createTable(ctx context.Context) error {
	in := &dynamodb.CreateTableInput{TableName: &p.names.table, BillingMode: types.BillingModePayPerRequest, SSESpecification: p.encryption(), Tags: p.tableTags(),
		KeySchema: []types.KeySchemaElement{
			{AttributeName: sdkaws.String(attrPK), KeyType: types.KeyTypeHash},
			{AttributeName: sdkaws.String(attrSK), KeyType: types.KeyTypeRange}},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: sdkaws.String(attrPK), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: sdkaws.String(attrSK), AttributeType: types.ScalarAttributeTypeS}}}
	// Somebody else who creates it at this moment does so for the same configuration.
	if _, err := p.dynamodb.CreateTable(ctx, in); err != nil && !inUse(err) {
		return p.tableFailed(err, "CreateTable")
	}
	return p.awaitTable(ctx)
}

func inUse(err error) bool {
	_, ok := errors.AsType[*types.ResourceInUseException](err)
	return ok
}

// awaitTable waits until the table takes requests and changes.
func (p *Provisioner) awaitTable(ctx context.Context) error {
	return p.await(ctx, func() (bool, error) {
		have, err := p.describe(ctx)
		if err != nil {
			return true, err
		}
		if have == nil || have.TableStatus != types.TableStatusActive {
			return false, fmt.Errorf("%s is not active yet; look at it in the console of DynamoDB and run this again", p.tableResource())
		}
		return true, nil
	})
}

func (p *Provisioner) planBilling(d *draft, have *types.TableDescription) {
	if have.BillingModeSummary != nil && have.BillingModeSummary.BillingMode == types.BillingModePayPerRequest {
		return
	}
	d.add(p.tableChange(fmt.Sprintf("change %s: billing PROVISIONED -> PAY_PER_REQUEST", p.tableResource()), func(ctx context.Context) error {
		return p.updateTable(ctx, &dynamodb.UpdateTableInput{TableName: &p.names.table, BillingMode: types.BillingModePayPerRequest})
	}))
}

// encryption is nil for the key that DynamoDB itself owns, which costs nothing.
func (p *Provisioner) encryption() *types.SSESpecification {
	if p.bp.KMSKey == "" {
		return nil
	}
	return &types.SSESpecification{Enabled: sdkaws.Bool(true), SSEType: types.SSETypeKms, KMSMasterKeyId: &p.bp.KMSKey}
}

func (p *Provisioner) planEncryption(d *draft, have *types.TableDescription) {
	key := ""
	if s := have.SSEDescription; s != nil && (s.Status == types.SSEStatusEnabled || s.Status == types.SSEStatusEnabling || s.Status == types.SSEStatusUpdating) {
		key = sdkaws.ToString(s.KMSMasterKeyArn)
	}
	if sameKey(p.bp.KMSKey, key) {
		return
	}
	want := p.encryption()
	if want == nil {
		want = &types.SSESpecification{Enabled: sdkaws.Bool(false)}
	}
	d.add(p.tableChange(fmt.Sprintf("change %s: encryption %s -> %s", p.tableResource(), keyName(key), keyName(p.bp.KMSKey)), func(ctx context.Context) error {
		return p.updateTable(ctx, &dynamodb.UpdateTableInput{TableName: &p.names.table, SSESpecification: want})
	}))
}

func (p *Provisioner) updateTable(ctx context.Context, in *dynamodb.UpdateTableInput) error {
	if err := p.awaitTable(ctx); err != nil {
		return err
	}
	if _, err := p.dynamodb.UpdateTable(ctx, in); err != nil {
		return p.tableFailed(err, "UpdateTable")
	}
	return p.awaitTable(ctx)
}

func (p *Provisioner) tableTags() []types.Tag {
	var tags []types.Tag
	for _, key := range orderedKeys(p.bp.Tags) {
		tags = append(tags, types.Tag{Key: sdkaws.String(key), Value: sdkaws.String(p.bp.Tags[key])})
	}
	return tags
}

func (p *Provisioner) planTableTags(d *draft, have *types.TableDescription) {
	if len(p.bp.Tags) == 0 {
		return
	}
	there, err := p.tagsOf(d.ctx, have.TableArn)
	if !d.ok("the tags of "+p.tableResource(), err) {
		return
	}
	if text := p.untagged(there); text != "" {
		d.add(p.tableChange(fmt.Sprintf("tag %s: %s", p.tableResource(), text), func(ctx context.Context) error {
			_, err := p.dynamodb.TagResource(ctx, &dynamodb.TagResourceInput{ResourceArn: have.TableArn, Tags: p.tableTags()})
			return p.tableFailed(err, "TagResource")
		}))
	}
}

func (p *Provisioner) tagsOf(ctx context.Context, arn *string) (map[string]string, error) {
	tags := map[string]string{}
	in := &dynamodb.ListTagsOfResourceInput{ResourceArn: arn}
	for {
		page, err := p.dynamodb.ListTagsOfResource(ctx, in)
		if err != nil {
			return nil, p.tableFailed(err, "ListTagsOfResource")
		}
		for _, tag := range page.Tags {
			tags[sdkaws.ToString(tag.Key)] = sdkaws.ToString(tag.Value)
		}
		if in.NextToken = page.NextToken; page.NextToken == nil {
			return tags, nil
		}
	}
}
