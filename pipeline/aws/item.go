package aws

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is what DynamoDB keeps under one key. Attributes that are not there read
// as nothing: "", 0, nil, the zero time.
type item map[string]types.AttributeValue

// The attributes every item has.
const (
	attrPK  = "pk"
	attrSK  = "sk"
	attrTTL = "ttl" // seconds since 1970: when DynamoDB may delete the item
)

func keyOf(pk, sk string) item { return item{attrPK: str(pk), attrSK: str(sk)} }

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func blob(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

// at keeps a time in milliseconds.
func at(t time.Time) types.AttributeValue { return num(millis(t)) }

func (i item) str(name string) string {
	if v, ok := i[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func (i item) num(name string) int64 {
	if v, ok := i[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(v.Value, 10, 64)
		return n
	}
	return 0
}

func (i item) blob(name string) []byte {
	if v, ok := i[name].(*types.AttributeValueMemberB); ok {
		return v.Value
	}
	return nil
}

func (i item) time(name string) time.Time { return fromMillis(i.num(name)) }

func (i item) has(name string) bool { _, ok := i[name]; return ok }

// millis is 0 for the zero time, so that it survives the way there and back.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
