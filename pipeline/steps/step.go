package steps

import (
	"net/http"
	"time"
)

// Request is one attempt of one step for one row. Where it goes is the step's alone.
type Request struct {
	Row         string // with Step it makes the Idempotency-Key
	Pipeline    string
	Step        string
	Attempt     int               // from 1
	Headers     map[string]string // of the row; they never replace one the step sets or was configured with
	ContentType string            // of the payload; empty sends none
	Trace       string            // the row's traceparent; one is made from the row if empty or invalid
	Payload     []byte            // sent byte for byte; nobody changes it once it was handed over
}

// Response is what a downstream answered.
type Response struct {
	StatusCode int
	Body       []byte // up to MaxBody bytes
	Header     http.Header
}

// Kind is what an answer means for the row.
type Kind int

const (
	Processed Kind = iota // done
	Transient             // try again after a backoff
	Throttled             // try again, without using up an attempt
	Permanent             // never try again by itself
)

func (k Kind) String() string {
	switch k {
	case Processed:
		return "processed"
	case Transient:
		return "transient"
	case Throttled:
		return "throttled"
	case Permanent:
		return "permanent"
	default:
		return "unknown"
	}
}

// What went wrong, as Verdict.ErrorKind.
const (
	KindTimeout    = "timeout"    // no whole answer in the step's time
	KindConnection = "connection" // no connection, or it broke
	KindStatus     = "status"     // an answer that is not 2xx
	KindCancelled  = "cancelled"  // the caller's context ended: says nothing of the downstream
	KindRequest    = "request"    // the row makes no valid request; no call was made
	KindAddress    = "address"    // where the URL leads to is not called; no call was made
)

// Verdict is the outcome of one attempt.
type Verdict struct {
	Kind       Kind
	StatusCode int           // 0 when there was no answer
	Error      string        // a short sentence, empty when processed
	ErrorKind  string        // one of the Kind constants above, empty when processed
	RetryAfter time.Duration // what the downstream asked for, up to an hour; 0 = nothing
	Result     []byte        // processed: up to MaxBody bytes of the answer
}
