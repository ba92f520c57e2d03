package aws

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"redrive/pipeline"
)

const (
	packOver = 1 << 10   // shorter text costs one write unit as it is
	packMost = 390 << 10 // DynamoDB keeps 400 KB an item, with its names and keys
)

// packed is a text as an item keeps it: as it is while it is short, else
// gzipped, because DynamoDB bills by the kilobyte. What is too long even so is
// an error with CodeTooLarge.
func packed(text []byte) (types.AttributeValue, error) {
	if len(text) <= packOver {
		return str(string(text)), nil
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("packing %d bytes: %w", len(text), err)
	}
	if b.Len() > packMost {
		return nil, &pipeline.Error{Code: pipeline.CodeTooLarge,
			Text: fmt.Sprintf("%d bytes are more than one item of DynamoDB keeps (400 KB), also when packed", len(text))}
	}
	return blob(b.Bytes()), nil
}

// unpacked is a text that packed made; nil if there is none.
func (i item) unpacked(name string) ([]byte, error) {
	switch v := i[name].(type) {
	case *types.AttributeValueMemberS:
		return []byte(v.Value), nil
	case *types.AttributeValueMemberB:
		z, err := gzip.NewReader(bytes.NewReader(v.Value))
		if err != nil {
			return nil, unreadable(i, err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			return nil, unreadable(i, err)
		}
		return text, nil
	}
	return nil, nil
}

func unreadable(i item, err error) error {
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Err: err,
		Text: fmt.Sprintf("the item %s, %s of the table cannot be read: it was not written by this program", i.str(attrPK), i.str(attrSK))}
}
