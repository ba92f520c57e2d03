package pipeline

import (
	"hash"
	"time"
)

// OperationKind is what an operation does with what it matched.
type OperationKind string

// The kinds of operation.
const (
	OpRedrive OperationKind = "redrive" // dead letters back into their queues
	OpDiscard OperationKind = "discard" // rows set aside
	OpReplay  OperationKind = "replay"  // rows of a time window run again from the archive
	OpRestore OperationKind = "restore" // takes a discard back
)

// OperationState is where an operation stands.
type OperationState string

// The states of an operation.
const (
	OpHeld      OperationState = "held" // behind an open breaker
	OpRunning   OperationState = "running"
	OpPaused    OperationState = "paused"
	OpDone      OperationState = "done" // the outcome of everything it moved is known
	OpCancelled OperationState = "cancelled"
	OpStopped   OperationState = "stopped" // by itself, see StopReason
)

// Final tells whether the state never changes again.
func (s OperationState) Final() bool {
	return s == OpDone || s == OpCancelled || s == OpStopped
}

// Selector says what an operation works on. For a redrive or discard exactly
// one of IDs, Group, Query, All, OlderThan, Oldest; what it matches is frozen
// when it starts.
type Selector struct {
	Pipeline  string        `json:"pipeline"`
	Step      string        `json:"step,omitempty"`
	IDs       []string      `json:"ids,omitempty"`
	Group     string        `json:"group,omitempty"`
	Query     string        `json:"q,omitempty"`
	All       bool          `json:"all,omitempty"`
	OlderThan time.Duration `json:"older_than,omitempty"` // discard: rows waiting at Step accepted longer ago
	Oldest    int           `json:"oldest,omitempty"`     // discard: that many rows waiting at Step
	Since     time.Time     `json:"since,omitzero"`       // replay
	Until     time.Time     `json:"until,omitzero"`       // replay
	Status    Status        `json:"status,omitempty"`     // replay
	Discard   string        `json:"discard,omitempty"`    // restore: the operation taken back
}

// OperationRequest starts an operation.
type OperationRequest struct {
	Kind OperationKind
	Selector
	Rate   float64 // moves a second; 0: as fast as it goes
	DryRun bool
	Reason string

	Previewed string // the Preview of the dry run that somebody looked at; empty: nobody did
}

// Skip counts what was matched but not eligible, and why.
type Skip struct {
	Why   string `json:"why"`
	Count int64  `json:"count"`
}

// Operation is a stored piece of work over many rows. It goes on after a crash.
type Operation struct {
	ID          string         `json:"id"` // empty for a dry run
	Kind        OperationKind  `json:"kind"`
	State       OperationState `json:"state"`
	Selector    Selector       `json:"selector"`
	Cause       string         `json:"cause,omitempty"` // text of the group it was chosen by
	Matched     int64          `json:"matched"`
	Eligible    int64          `json:"eligible"`
	Skipped     []Skip         `json:"skipped"`
	Moved       int64          `json:"moved"`
	Succeeded   int64          `json:"succeeded"`
	FailedAgain int64          `json:"failed_again"`
	Rate        float64        `json:"rate"`
	By          string         `json:"by"`
	Reason      string         `json:"reason"`
	StartedAt   time.Time      `json:"started_at"`
	FinishedAt  time.Time      `json:"finished_at,omitzero"`
	StopReason  string         `json:"stop_reason,omitempty"`
	HeldBy      string         `json:"held_by,omitempty"` // breaker it waits for
	RestoredBy  string         `json:"restored_by,omitempty"`

	Cursor   string `json:"cursor,omitempty"`
	UpTo     string `json:"up_to,omitempty"`
	MovedAll bool   `json:"moved_all,omitempty"`
	version  int64
	rows     hash.Hash // of the ids a replay matched, while it is frozen
	preview  string
}

func (o Operation) expires() time.Time { return o.StartedAt.Add(keepOperations) }

// Pending are the moved rows whose outcome is not known yet.
func (o Operation) Pending() int64 { return max(0, o.Moved-o.Succeeded-o.FailedAgain) }
