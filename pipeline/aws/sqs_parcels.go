package aws

import (
	"context"
	"net/http"
	"strconv"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"redrive/pipeline/steps"
)

// parcelLinger is how long a message waits for those of calls made at the same
// time.
const parcelLinger = 5 * time.Millisecond

// parcel is one message on its way, with what becomes of it.
type parcel struct {
	ctx     context.Context //nolint:containedctx // of the call that waits for it
	entry   types.SendMessageBatchRequestEntry
	size    int
	verdict steps.Verdict
}

// deliver sends what calls made at the same time hand over. No single call ends
// the request: others share it.
func (s *SQSCaller) deliver(ctx context.Context, list []*parcel) []error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout())
	defer cancel()
	var load []*parcel
	size := 0
	for _, p := range list {
		if p.ctx.Err() != nil {
			continue // nobody waits for it any more: it is sent again
		}
		if size+p.size > messageMost {
			s.send(ctx, load)
			load, size = nil, 0
		}
		load, size = append(load, p), size+p.size
	}
	s.send(ctx, load)
	return make([]error, len(list))
}

// send makes one request. What one message was refused for is never the others'
// fault.
func (s *SQSCaller) send(ctx context.Context, load []*parcel) {
	if len(load) == 0 {
		return
	}
	out, err := s.request(ctx, load)
	switch {
	case err == nil:
		s.sort(load, out)
	case len(load) > 1 && apart(err):
		for i := range load {
			s.send(ctx, load[i:i+1])
		}
	default:
		if isMissing(err) {
			s.forget()
		}
		verdict := s.failed(context.WithoutCancel(ctx), ctx, err)
		for _, p := range load {
			p.verdict = verdict
		}
	}
}

func (s *SQSCaller) request(ctx context.Context, load []*parcel) (*sqs.SendMessageBatchOutput, error) {
	address, err := s.address(ctx)
	if err != nil {
		return nil, err
	}
	in := &sqs.SendMessageBatchInput{QueueUrl: &address}
	for i, p := range load {
		p.entry.Id = new(strconv.Itoa(i))
		in.Entries = append(in.Entries, p.entry)
	}
	return s.client.SendMessageBatch(ctx, in)
}

// sort gives each message its own line of the answer.
func (s *SQSCaller) sort(load []*parcel, out *sqs.SendMessageBatchOutput) {
	verdicts := make(map[string]steps.Verdict, len(load))
	for _, ok := range out.Successful {
		verdicts[sdkaws.ToString(ok.Id)] = steps.Verdict{Kind: steps.Processed, StatusCode: http.StatusOK, Result: result(ok.MessageId)}
	}
	for _, f := range out.Failed {
		verdicts[sdkaws.ToString(f.Id)] = s.refused(&smithy.GenericAPIError{Code: sdkaws.ToString(f.Code), Message: sdkaws.ToString(f.Message)})
	}
	for _, p := range load {
		v, ok := verdicts[*p.entry.Id]
		if !ok {
			v = steps.Verdict{Kind: steps.Transient, ErrorKind: steps.KindConnection, Error: s.resource + " did not say what became of the message"}
		}
		p.verdict = v
	}
}

// apart tells whether one message can be what a whole batch was refused for.
func apart(err error) bool {
	code := codeOf(err)
	return isUnfit(code) || code == "InvalidParameterValue" || code == "InvalidParameterValueException"
}
