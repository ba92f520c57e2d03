package steps

import "redrive/pipeline"

// RequestOf is the request of one of the engine's calls.
func RequestOf(c pipeline.Call) Request {
	return Request{Row: c.Row, Pipeline: c.Pipeline, Step: c.Step, Attempt: c.Attempt, ContentType: c.ContentType, Trace: c.Trace, Payload: c.Payload}
}

// Answer is the verdict in the engine's words.
func (v Verdict) Answer() pipeline.Answer {
	a := pipeline.Answer{StatusCode: v.StatusCode, Error: v.Error, RetryAfter: v.RetryAfter, Result: v.Result}
	switch v.Kind {
	case Processed:
		a.Kind = pipeline.AnswerProcessed
	case Throttled:
		a.Kind = pipeline.AnswerThrottled
	case Permanent:
		a.Kind = pipeline.AnswerPermanent
	default:
		a.Kind = pipeline.AnswerTransient
	}
	switch v.ErrorKind {
	case KindCancelled:
		a.Kind = pipeline.AnswerAborted
	case KindTimeout:
		a.Cause = pipeline.CauseTimeout
	case KindConnection:
		a.Cause = pipeline.CauseConnection
	case KindAddress:
		a.Cause = pipeline.CauseAddress
	case KindRequest:
		a.Cause = pipeline.CauseRequest
	}
	return a
}
