package awstest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// CloudWatchFake keeps what it is given: metrics, alarms, their history. It
// computes no alarm's state; a test sets it (SetAlarmState).
type CloudWatchFake struct {
	*Server

	mu         sync.Mutex
	data       []cloudwatch.PutMetricDataInput
	metrics    map[string]types.MetricAlarm
	composites map[string]types.CompositeAlarm
	tags       map[string]map[string]string // by ARN
	history    []types.AlarmHistoryItem     // oldest first
}

// CloudWatch starts a fake that ends with the test. It speaks rpc-v2-cbor.
func CloudWatch(t testing.TB) *CloudWatchFake {
	t.Helper()
	f := &CloudWatchFake{
		metrics:    map[string]types.MetricAlarm{},
		composites: map[string]types.CompositeAlarm{},
		tags:       map[string]map[string]string{},
	}
	f.Server = serve(t, nameCloudWatch, f.answer)
	return f
}

// Data lists the requests of PutMetricData, oldest first.
func (f *CloudWatchFake) Data() []cloudwatch.PutMetricDataInput {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.data)
}

// Datums lists the values put for a metric, oldest first.
func (f *CloudWatchFake) Datums(metric string) []types.MetricDatum {
	var found []types.MetricDatum
	for _, put := range f.Data() {
		for _, d := range put.MetricData {
			if *d.MetricName == metric {
				found = append(found, d)
			}
		}
	}
	return found
}

// MetricAlarms lists the alarms on metrics by name.
func (f *CloudWatchFake) MetricAlarms() []types.MetricAlarm {
	f.mu.Lock()
	defer f.mu.Unlock()
	return byName(f.metrics)
}

// CompositeAlarms lists the alarms on alarms by name.
func (f *CloudWatchFake) CompositeAlarms() []types.CompositeAlarm {
	f.mu.Lock()
	defer f.mu.Unlock()
	return byName(f.composites)
}

// Tags returns those of the resource with an ARN.
func (f *CloudWatchFake) Tags(arn string) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.tags[arn])
}

func byName[T any](m map[string]T) []T {
	var list []T
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[name])
	}
	return list
}

// answer does one call.
func (f *CloudWatchFake) answer(c *Call) *Answer {
	do := map[string]func([]byte) (any, error){
		"PutMetricData":        action(f.putMetricData),
		"PutMetricAlarm":       action(f.putMetricAlarm),
		"PutCompositeAlarm":    action(f.putCompositeAlarm),
		"SetAlarmState":        action(f.setAlarmState),
		"DescribeAlarms":       action(f.describeAlarms),
		"DescribeAlarmHistory": action(f.describeAlarmHistory),
		"DeleteAlarms":         action(f.deleteAlarms),
		"TagResource":          action(f.tagResource),
		"UntagResource":        action(f.untagResource),
		"ListTagsForResource":  action(f.listTagsForResource),
	}[c.Action]
	if do == nil {
		return c.Refuse(Refusal{404, "UnknownOperationException", "The fake of CloudWatch does not know " + c.Action + "."})
	}
	body, err := unpacked(c)
	if err != nil {
		return c.Refuse(Refusal{400, "SerializationException", err.Error()})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out, err := do(body)
	if refusal, ok := errors.AsType[Refusal](err); ok {
		return c.Refuse(refusal)
	}
	if err != nil {
		return c.Refuse(Refusal{400, "SerializationException", err.Error()})
	}
	return answerCBOR(200, out)
}

// action reads a request for what does it.
func action[In any](do func(*In) (any, error)) func([]byte) (any, error) {
	return func(body []byte) (any, error) {
		in := new(In)
		if err := decodeCBOR(body, in); err != nil {
			return nil, err
		}
		return do(in)
	}
}

// unpacked is a call's body; the SDK packs those of ten kilobytes and more.
func unpacked(c *Call) ([]byte, error) {
	if c.Header.Get("Content-Encoding") != "gzip" {
		return c.Body, nil
	}
	packed, err := gzip.NewReader(bytes.NewReader(c.Body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(packed)
}

func answerCBOR(status int, v any) *Answer {
	return &Answer{Status: status, Body: encodeCBOR(v),
		Header: http.Header{"Content-Type": {"application/cbor"}, "Smithy-Protocol": {"rpc-v2-cbor"}}}
}

// nameCloudWatch reads the action from the path: /service/X/operation/PutMetricData.
func nameCloudWatch(c *Call) {
	space, action, _ := strings.Cut(strings.TrimPrefix(c.path, "/service/"), "/operation/")
	c.Action, c.Target = action, space+"."+action
	c.service = &service{
		refuse:     refuseCBOR,
		throttling: []Refusal{{400, "Throttling", "Rate exceeded"}, {400, "ThrottlingException", "Rate exceeded"}},
		broken:     Refusal{500, "InternalServiceError", "Internal service error"},
		denied: func(c *Call) Refusal {
			resource := ""
			if strings.Contains(c.Action, "Alarm") {
				resource = arn("cloudwatch", "alarm:*")
			}
			return Refusal{403, "AccessDenied", notAuthorized("cloudwatch:"+c.Action, resource)}
		},
	}
}

// refuseCBOR gives the code twice: the shape's name, and the code of the protocol before.
func refuseCBOR(_ *Call, r Refusal) *Answer {
	kind := r.Code
	if shape, ok := map[string]string{
		"LimitExceeded":               "LimitExceededFault",
		"InternalServiceError":        "InternalServiceFault",
		"InvalidParameterValue":       "InvalidParameterValueException",
		"InvalidParameterCombination": "InvalidParameterCombinationException",
		"MissingParameter":            "MissingRequiredParameterException",
	}[r.Code]; ok {
		kind = shape
	}
	a := answerCBOR(r.Status, map[string]string{"__type": "com.amazonaws.cloudwatch#" + kind, "message": r.Message})
	a.Header.Set("X-Amzn-Query-Error", r.Code+";"+side(r))
	return a
}

// putMetricData keeps up to the thousand values that AWS takes at once.
func (f *CloudWatchFake) putMetricData(in *cloudwatch.PutMetricDataInput) (any, error) {
	if n := len(in.MetricData); n > 1000 {
		return nil, Refusal{400, "InvalidParameterValue", "The collection MetricData must not have a size greater than 1000."}
	}
	f.data = append(f.data, *in)
	return struct{}{}, nil
}
