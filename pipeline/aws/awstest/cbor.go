package awstest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

const epochTag = 1 // CBOR's mark of a time: seconds since 1970

// decodeCBOR reads a request into one of the SDK's structures, whose fields have
// the names of the wire.
func decodeCBOR(body []byte, into any) error {
	v, err := cbor.Decode(body)
	if err != nil {
		return fmt.Errorf("reading CBOR: %w", err)
	}
	text, err := json.Marshal(plain(v))
	if err != nil {
		return fmt.Errorf("reading CBOR: %w", err)
	}
	return json.Unmarshal(text, into)
}

// plain turns CBOR into what encoding/json knows.
func plain(v cbor.Value) any {
	switch v := v.(type) {
	case cbor.Map:
		m := map[string]any{}
		for key, value := range v {
			m[key] = plain(value)
		}
		return m
	case cbor.List:
		l := make([]any, len(v))
		for i := range v {
			l[i] = plain(v[i])
		}
		return l
	case *cbor.Tag:
		if at, err := cbor.AsTime(v); err == nil {
			return at
		}
		return plain(v.Value)
	case cbor.NegInt:
		return -int64(v)
	case *cbor.Nil, *cbor.Undefined:
		return nil
	default: // texts, numbers and truth are as they are
		return v
	}
}

// encodeCBOR writes one of the SDK's structures as an answer, without what is not set.
func encodeCBOR(v any) []byte { return cbor.Encode(toCBOR(reflect.ValueOf(v))) }

func toCBOR(v reflect.Value) cbor.Value {
	if at, ok := v.Interface().(time.Time); ok {
		return &cbor.Tag{ID: epochTag, Value: cbor.Float64(float64(at.UnixMilli()) / 1000)}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return toCBOR(v.Elem())
	case reflect.String:
		return cbor.String(v.String())
	case reflect.Bool:
		return cbor.Bool(v.Bool())
	case reflect.Float64:
		return cbor.Float64(v.Float())
	case reflect.Int32, reflect.Int64:
		if n := v.Int(); n < 0 {
			return cbor.NegInt(-n)
		}
		return cbor.Uint(v.Int())
	case reflect.Slice:
		l := cbor.List{}
		for i := range v.Len() {
			l = append(l, toCBOR(v.Index(i)))
		}
		return l
	case reflect.Map:
		m := cbor.Map{}
		for _, key := range v.MapKeys() {
			m[key.String()] = toCBOR(v.MapIndex(key))
		}
		return m
	case reflect.Struct:
		m := cbor.Map{}
		for field, value := range v.Fields() {
			if field.IsExported() && field.Name != "ResultMetadata" && !value.IsZero() {
				m[field.Name] = toCBOR(value)
			}
		}
		return m
	default:
		panic("no CBOR for " + v.Type().String())
	}
}
