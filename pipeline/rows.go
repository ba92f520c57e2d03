package pipeline

import (
	"encoding/json"
	"time"
)

// Status is where a row stands. The first that applies, in the order below.
type Status string

// The states of a row.
const (
	StatusDiscarded  Status = "discarded"   // set aside by an operator
	StatusRejected   Status = "rejected"    // broke its pipeline's schema; never run
	StatusDead       Status = "dead"        // a step is dead
	StatusDone       Status = "done"        // every step is processed
	StatusInProgress Status = "in_progress" // an attempt was made
	StatusAccepted   Status = "accepted"    // stored, not yet tried
)

// Statuses lists every status in the order in which pages show them.
func Statuses() []Status {
	return []Status{StatusAccepted, StatusInProgress, StatusDone, StatusDead, StatusRejected, StatusDiscarded}
}

// State is where one step of a row stands.
type State string

// The states of a step of a row.
const (
	StateWaiting   State = "waiting"   // a need is not processed
	StateQueued    State = "queued"    // in the step's queue
	StateRunning   State = "running"   // leased to a worker
	StateRetrying  State = "retrying"  // waits out its backoff
	StateProcessed State = "processed" // the flag is set
	StateDead      State = "dead"      // in the dead-letter queue
)

// States lists every step state in the order in which pages show them.
func States() []State {
	return []State{StateWaiting, StateQueued, StateRunning, StateRetrying, StateProcessed, StateDead}
}

// Row is what lists show of a row: everything but payload, results, attempts.
type Row struct {
	ID          string
	Pipeline    string
	Graph       string // ID of the graph it was accepted with
	Status      Status
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ContentType string
	Label       string // what an operator recognises it by, "push" or "order.created"; may be empty
	Size        int    // of the payload, in bytes
	Error       string // why it was rejected or discarded
	Steps       []Flag // one a step of its graph, in the graph's order; a store gives only the cells that exist
}

// Flag is one step of a row.
type Flag struct {
	Name          string
	Needs         []string // in the row's own graph; filled by the Rows service
	State         State
	Attempts      int // calls made so far, through all redrives
	ProcessedAt   time.Time
	NextAttemptAt time.Time // retrying: when its backoff is over
	TouchedAt     time.Time // last change of any kind; zero while waiting
	LastError     string
	Worker        string // who ran the last attempt
	Alone         bool   // replayed without what follows
}

// RowDetail is a row with everything that is kept of it.
type RowDetail struct {
	Row
	Key      string // idempotency key, empty without one
	Trace    string // traceparent of the request, empty without one
	Payload  []byte
	Results  map[string][]byte // by step, the downstream's answer
	Attempts []Attempt         // newest first
}

// Attempt is one call of a step, kept as long as the row.
type Attempt struct {
	Step       string
	Number     int // from 1, counting on through redrives
	StartedAt  time.Time
	Duration   time.Duration
	Outcome    AttemptOutcome
	StatusCode int // 0 without an answer
	Error      string
	Worker     string
}

// AttemptOutcome is how an attempt ended.
type AttemptOutcome string

// The outcomes of an attempt.
const (
	AttemptProcessed AttemptOutcome = "processed"
	AttemptFailed    AttemptOutcome = "failed"    // will be tried again
	AttemptThrottled AttemptOutcome = "throttled" // the downstream asked for less; uses up no budget
	AttemptDead      AttemptOutcome = "dead"      // the last one, or a permanent answer
	AttemptLost      AttemptOutcome = "lost"      // its worker went away before the outcome was stored
)

// Flag returns the row's flag of a step.
func (r *Row) Flag(step string) (Flag, bool) {
	for _, f := range r.Steps {
		if f.Name == step {
			return f, true
		}
	}
	return Flag{}, false
}

// RowFilter selects rows. The zero value selects all, newest first.
type RowFilter struct {
	Pipeline string
	Status   Status
	Statuses []Status // any of these; Status wins when set
	Step     string   // with State: rows whose Step is in State
	State    State    // without Step: rows with any step in State
	Query    string   // in the id, the label, the last error or the payload; case-insensitive
	Blind    bool     // Query is not looked for in payloads: who asks may not see them
	Since    time.Time
	Until    time.Time
	Oldest   bool   // oldest first
	Limit    int    // 1 to 500
	Cursor   string // Next of the page before
}

// Page is a part of a list.
type Page[T any] struct {
	Items   []T
	Next    string // cursor of the next page, empty on the last
	Scanned int    // with a Query: rows looked at; the search goes on from Next
}

// JSONValue returns the bytes as JSON if they are JSON, else nil.
func JSONValue(b []byte) json.RawMessage {
	if len(b) > 0 && json.Valid(b) {
		return json.RawMessage(b)
	}
	return nil
}
