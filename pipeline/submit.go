package pipeline

import (
	"context"
	"time"

	"redrive/pipeline/redact"
)

// Message is one payload on its way in. Its signature was verified before.
type Message struct {
	Payload     []byte
	ContentType string
	Key         string // idempotency key; empty: none
	Trace       string // traceparent of the request, empty without one
	Label       string // what an operator recognises it by
	Rejected    string // why it may not run, where its sender cannot be told: it is kept as rejected; empty: it may
}

// Submitted is the answer to one message. The row is durable.
type Submitted struct {
	ID        string
	Duplicate bool // the key was known: ID is the first row's
}

// SubmitResult is the answer to one message of a batch.
type SubmitResult struct {
	Submitted
	Err error
}

// IntakeService stores rows.
type IntakeService struct{ e *Engine }

// Submit stores one message as a row and queues its first steps. It answers
// only once both are durable. A payload that breaks the pipeline's schema is
// kept as rejected: the answer has its id and an Error of CodeRejected.
func (in *IntakeService) Submit(ctx context.Context, pipeline string, m Message) (Submitted, error) {
	results, err := in.SubmitBatch(ctx, pipeline, []Message{m})
	if err != nil {
		return Submitted{}, err
	}
	return results[0].Submitted, results[0].Err
}

// SubmitBatch stores messages in one durable write, one answer each, in order.
func (in *IntakeService) SubmitBatch(ctx context.Context, pipeline string, ms []Message) ([]SubmitResult, error) {
	p := in.e.pipeline(pipeline)
	if p == nil {
		return nil, notFound("there is no pipeline named " + pipeline)
	}
	g := in.e.graphs.current[pipeline]
	now := time.Now().UTC()
	rows := make([]NewRow, len(ms))
	broken := make([]error, len(ms))
	for i, m := range ms {
		rows[i] = NewRow{Pipeline: pipeline, Graph: g, Key: m.Key, Status: StatusAccepted, ContentType: m.ContentType,
			Label: m.Label, Trace: m.Trace, Payload: m.Payload, At: now}
		if m.Rejected != "" {
			rows[i].Status, rows[i].Error = StatusRejected, redact.Text(m.Rejected)
			broken[i] = &Error{Code: CodeRejected, Text: m.Rejected}
			continue
		}
		if p.Intake.Schema == nil {
			continue
		}
		if err := p.Intake.Schema(m.Payload); err != nil {
			why := redact.Text(err.Error()) // it may quote the payload
			rows[i].Status, rows[i].Error = StatusRejected, why
			broken[i] = &Error{Code: CodeRejected, Text: "the payload breaks the schema: " + why}
		}
	}
	inserted, err := in.e.backend.Rows.Insert(ctx, rows...)
	if err != nil {
		return nil, err
	}
	stored := 0
	results := make([]SubmitResult, len(ms))
	for i, row := range inserted {
		if !row.Duplicate {
			stored++
		}
		results[i] = SubmitResult{Submitted: Submitted{ID: row.ID, Duplicate: row.Duplicate}, Err: broken[i]}
	}
	in.e.observer.arrived(pipeline, stored)
	in.e.Events.Touch(TopicOverview, TopicRows, TopicSteps)
	return results, nil
}
