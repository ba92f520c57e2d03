package pipeline

import (
	"context"
	"time"

	"redrive/pipeline/backoff"
)

// Pipeline is one configured pipeline.
type Pipeline struct {
	Name      string
	Intake    Intake
	Retention time.Duration // how long finished rows are kept
	Steps     []Step
}

// Intake is what a pipeline asks of a payload.
type Intake struct {
	MaxBytes int64                      // of one payload
	Schema   func(payload []byte) error // nil: any payload will do
}

// Step is one configured step.
type Step struct {
	Name        string
	Needs       []string
	Caller      Caller
	Target      string // what it calls, for pages: "http://127.0.0.1:9001/index"
	Timeout     time.Duration
	Concurrency int     // calls at once in this process
	Rate        float64 // calls a second over all processes; 0: no limit
	Retry       backoff.Policy
	Permanent   []int  // statuses not worth another try, for pages
	Breaker     string // empty: none
	Exclusive   bool   // claimed in the store before the call, see ReceiveRequest
	KeepResult  bool   // the whole answer is kept, see Outcome.Keep
}

// Caller makes a step's call. It must return when ctx ends.
type Caller interface {
	Call(ctx context.Context, c Call) Answer
}

// CallerFunc is a Caller made of a function.
type CallerFunc func(ctx context.Context, c Call) Answer

// Call calls f.
func (f CallerFunc) Call(ctx context.Context, c Call) Answer { return f(ctx, c) }

// Call is what a step's downstream is told.
type Call struct {
	Row, Pipeline, Step string
	Attempt             int
	ContentType, Trace  string
	Payload             []byte
}

// Answer is what came of a call.
type Answer struct {
	Kind       AnswerKind
	StatusCode int           // 0 without an answer
	Error      string        // one sentence; empty when processed
	Cause      string        // instead of a status: "timeout", "connection"; part of the group
	RetryAfter time.Duration // the downstream's wish, up to an hour; 0: none
	Result     []byte
}

// AnswerKind sorts answers by what to do next.
type AnswerKind int

// The kinds of answer.
const (
	AnswerProcessed AnswerKind = iota
	AnswerTransient            // try again with backoff
	AnswerThrottled            // try again, no budget used up
	AnswerPermanent            // no use in trying again
	AnswerAborted              // the call was cut off by this program's own end
)

// graph of the pipeline as configured.
func (p *Pipeline) graph() (*Graph, error) {
	nodes := make([]Node, len(p.Steps))
	for i, s := range p.Steps {
		nodes[i] = Node{Name: s.Name, Needs: s.Needs}
	}
	return NewGraph(p.Name, nodes)
}
