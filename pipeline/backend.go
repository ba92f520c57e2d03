package pipeline

import (
	"context"
	"iter"
	"time"
)

// Backend is a place where rows, queues and everything else live. It is a
// struct of small ports: a consumer takes one, a test wraps one.
//
// Rules that hold for every port:
//   - What a method answers without an error is durable to the backend's stated
//     durability, and seen by every later call of any process.
//   - Every write is safe to repeat.
//   - A store that cannot be read or written answers an Error with
//     CodeUnavailable; nothing is half done that a repeat would not finish.
//   - Times are given by the caller, in UTC, to the millisecond.
type Backend struct {
	Rows    RowStore
	Work    Work
	Moves   Moves
	Letters LetterStore
	Metrics MetricStore
	Records RecordStore
	Audit   AuditLog
	Ready   func(context.Context) error // whether the store answers and can be written
	Close   func() error

	// Queues that are not ours, to look into and to move messages out of. All
	// three are nil where there are none.
	Queues    QueueBrowser
	Transfers QueueMover
	Copies    QueueCopies

	// Empty tells when a step's queue was last seen empty, zero if it was not
	// since this process started. Nil where queues and rows are one thing, so
	// that no message can be missing; else a sweep asks it before it takes a
	// queued step for stuck.
	Empty func(ctx context.Context, step StepKey) (time.Time, error)
	// Poll is how long one Receive should wait for the first delivery: where a
	// poll costs money, longer. Zero leaves it to the engine.
	Poll time.Duration
	// Shared tells that several processes may run on this store at once: they
	// then show a sign of life in Records, and agree there on who does what.
	Shared bool
	// Costs is what this process has used so far of what has a price. Nil: nothing
	// has one.
	Costs func() Costs
	// Watchman judges the alarms from outside as well. Nil: nobody does.
	Watchman *Watchman
}

// RowStore keeps rows. The Steps of a row it answers are its cells; a step
// without a cell is waiting, and the Rows service adds it from the row's graph.
type RowStore interface {
	// Insert stores rows and queues their roots in the same durable write, one
	// answer a row, in order. A key that is known for its pipeline answers the
	// first row's id and stores nothing, also for two rows of one call.
	Insert(ctx context.Context, rows ...NewRow) ([]Inserted, error)
	// Get returns a row with everything kept of it; ErrNotFound for an id that
	// does not exist, whatever its form.
	Get(ctx context.Context, id string) (RowDetail, error)
	// List returns rows newest first. With a Query it looks at a bounded number
	// of rows and says how many; the search goes on from Next.
	List(ctx context.Context, f RowFilter) (Page[Row], error)
	// Unfinished lists rows that are accepted, in_progress or dead, oldest
	// first, none of whose steps was touched since before.
	Unfinished(ctx context.Context, pipeline string, before time.Time, cursor string, limit int) (Page[Row], error)
	// Expire deletes up to limit rows of a pipeline accepted before then that
	// are finished (done, rejected, discarded), with payload, attempts, results
	// and idempotency key. Rows under way and dead ones stay, however old.
	Expire(ctx context.Context, pipeline string, before time.Time, limit int) (int, error)
}

// NewRow is a row to be stored.
type NewRow struct {
	Pipeline    string
	Graph       *Graph // its roots are queued with it, unless it is rejected
	Key         string // idempotency key; empty: none
	Status      Status // StatusAccepted, or StatusRejected with Error
	Error       string
	ContentType string
	Label       string
	Trace       string // traceparent of the request
	Payload     []byte
	At          time.Time
}

// Inserted answers for one NewRow.
type Inserted struct {
	ID        string
	Duplicate bool
	Status    Status // of the stored row
}

// Work is the worker's side of the queues.
type Work interface {
	// Receive leases up to n queued steps whose time has come, oldest due first,
	// each to this caller alone until hide is over. It waits up to wait for the
	// first. A lease that runs out without Settle brings the step back: the
	// attempt is kept as lost and counts. When ctx ends while it waits, nothing
	// is leased; a claim under way is finished and answered.
	Receive(ctx context.Context, q ReceiveRequest) ([]Delivery, error)
	// Extend hides the deliveries for another hide from now. A lease that is
	// lost answers ErrLeaseLost in its place.
	Extend(ctx context.Context, hide time.Duration, ds ...Delivery) ([]error, error)
	// Settle writes outcomes, one answer each, in order: nil or ErrLeaseLost.
	// An outcome is written only by the holder of the current lease; its flag,
	// what it unlocks, the row's status, the attempt and the dead letter are
	// written together. A step it unlocks is queued once, when the last of its
	// needs is processed.
	Settle(ctx context.Context, outcomes ...Outcome) ([]error, error)
}

// ReceiveRequest asks for work of one step.
type ReceiveRequest struct {
	Pipeline, Step string
	N              int
	Hide           time.Duration // length of the lease
	Wait           time.Duration // how long to wait for the first
	Worker         string
	Exclusive      bool // claim each step in the store before it is answered, where a lease alone is not seen by all processes
}

// Delivery is one leased step of a row.
type Delivery struct {
	Row, Pipeline, Graph, Step string
	Attempt                    int // number of this attempt, from 1, counting on through redrives
	Spent                      int // attempts of the present budget used up before this one
	FirstFailedAt              time.Time
	LastError                  string
	Processed                  bool // the flag is set already: only what it unlocks may be missing
	Alone                      bool // replayed without what follows
	CreatedAt                  time.Time
	ContentType, Trace         string
	Payload                    []byte // shared with other deliveries: not to be changed
	Receipt                    Receipt
}

// Receipt is what the backend needs to find the delivery again and to tell the
// current lease from an old one. Opaque to everybody else.
type Receipt struct {
	Key    int64
	Token  int64
	Slot   int64
	Handle string
}

// Verdict is what becomes of a leased step.
type Verdict int

// The verdicts.
const (
	Processed Verdict = iota // set the flag, queue what it unlocks
	Retry                    // back into the queue at RetryAt
	Dead                     // into the dead-letter queue
	Release                  // no call was made: back into the queue now, the attempt is not counted
)

// Outcome is what one delivery came to.
type Outcome struct {
	Delivery Delivery
	Verdict  Verdict
	Attempt  Attempt // what happened; not stored with Release or when no call was made (Number 0)
	Result   []byte  // Processed: the downstream's answer
	Keep     bool    // the whole Result, where a store would keep only its beginning
	Unlocks  []Unlock
	Sinks    []string  // the row is done when these are processed
	RetryAt  time.Time // Retry
	Free     bool      // Retry: uses up no budget (throttled)
	Letter   NewLetter // Dead
}

// NewLetter is what a dead letter says besides the attempt.
type NewLetter struct {
	Kind          LetterKind
	Group         string // see GroupOf
	Cause         string // the error with ids, numbers and times taken out
	Error         string
	StatusCode    int
	FirstFailedAt time.Time
}

// Moves puts steps back into their queues and rows aside.
type Moves interface {
	// Requeue queues steps again with a fresh budget, one answer each, in order:
	// nil, ErrNotFound or ErrChanged. Each is moved only if it is still in the
	// state the caller saw and its row is not discarded. The entry, if given, is
	// written with the moves or not at all; with no move made it is not written.
	Requeue(ctx context.Context, entry *Entry, moves ...Move) ([]error, error)
	// Discard sets rows aside, Restore takes them back. Steps keep their state;
	// queued ones leave the queue meanwhile, dead letters leave lists and
	// counts. A row already there answers ErrChanged.
	Discard(ctx context.Context, entry *Entry, operation, reason string, rows ...string) ([]error, error)
	Restore(ctx context.Context, entry *Entry, operation string, rows ...string) ([]error, error)
	// Discarded lists the rows an operation discarded and that still are.
	Discarded(ctx context.Context, operation, cursor string, limit int) (Page[string], error)
	// Progress tells what became of the steps an operation moved; of a discard,
	// how many rows it set aside (Moved).
	Progress(ctx context.Context, operation string) (Progress, error)
}

// Move puts one step of one row into its queue.
type Move struct {
	Row, Step string
	If        State     // the state the caller saw; waiting stands for a cell that does not exist
	Letter    string    // if set, only while this is its dead letter
	Operation string    // whose Progress counts what becomes of it; empty: none
	Alone     bool      // what it unlocks is not queued
	Reset     []string  // processed steps below it that wait again
	At        time.Time // now
}

// Progress counts the steps an operation moved by what became of them.
type Progress struct {
	Moved, Succeeded, FailedAgain int64
}

// LetterStore reads dead letters. Reading never changes one.
type LetterStore interface {
	// List returns dead letters newest first; discarded rows' letters are not
	// among them.
	List(ctx context.Context, f LetterFilter) (Page[DeadLetter], error)
	// Count tells how many letters a filter selects, whatever its Limit.
	Count(ctx context.Context, f LetterFilter) (int64, error)
	// Groups returns dead letters by cause, largest first; empty arguments mean
	// all.
	Groups(ctx context.Context, pipeline, step string) ([]Group, error)
}

// MetricStore keeps measurements and counters.
type MetricStore interface {
	// Put adds points to what is stored for the same metric, dimensions and
	// time: sums and counts add up, minima and maxima widen.
	Put(ctx context.Context, points ...Point) error
	// Query returns one datapoint a period that has data, oldest first.
	Query(ctx context.Context, q MetricQuery) ([]Datapoint, error)
	// Counts returns the counters kept with the rows. It never counts rows.
	Counts(ctx context.Context) (Counts, error)
	// Trim deletes fine points (10 s) before fine and all before coarse.
	Trim(ctx context.Context, fine, coarse time.Time) error
}

// RecordStore keeps small documents of the engine: breakers, operations,
// sweeps, settings, histories. Each has a version; a write names the one it
// read.
type RecordStore interface {
	// Get returns a record or ErrNotFound.
	Get(ctx context.Context, kind, id string) (Record, error)
	// List returns the records of a kind by descending id, so newest first where
	// ids carry their time.
	List(ctx context.Context, kind, cursor string, limit int) (Page[Record], error)
	// Put writes records and the entry, if given, together or not at all.
	// Version is the one read, 0 for a new record, AnyVersion to overwrite; else
	// ErrVersion. Nil Data deletes.
	Put(ctx context.Context, entry *Entry, records ...Record) error
}

// AnyVersion overwrites a record whatever its version.
const AnyVersion int64 = -1

// Record is a small JSON document.
type Record struct {
	Kind, ID  string
	Version   int64
	Data      []byte
	ExpiresAt time.Time // zero: never; an expired record may be gone at any time
}

// AuditLog keeps who did what, each entry as a link of a chain. Entries are
// never changed; where an entry is written before its effect, its result is set
// once, later.
type AuditLog interface {
	// Append writes entries in their order. One whose id is there already stays
	// as it is.
	Append(ctx context.Context, entries ...Entry) error
	// List returns entries newest first.
	List(ctx context.Context, f AuditFilter) (Page[Entry], error)
	// Walk goes through the entries made at or after since, oldest first, as they
	// are stored, and holds few of them at once. It changes nothing.
	Walk(ctx context.Context, since time.Time) iter.Seq2[Entry, error]
	// Heads returns the last link of each chain this process writes; none before
	// it has written an entry, unless there is one chain for all processes.
	Heads(ctx context.Context) ([]Link, error)
}
