package pipeline

import (
	"context"
	"slices"
	"time"
)

// Queue is a queue that is not ours, or the dead-letter queue of one of our
// steps, as it was seen a few seconds ago. Its counts are approximate: that is
// all a queue service knows of itself.
type Queue struct {
	Name, URL, ARN  string
	Visible         int64 // waits for whoever reads the queue
	InFlight        int64 // in somebody's hands, hidden from others
	Delayed         int64 // not to be read yet
	DeadLetterQueue string
	MaxReceives     int      // after so many a message goes to the dead-letter queue; 0 without one
	Sources         []string // the queues whose dead-letter queue this is, by name
	FIFO            bool
	Retention       time.Duration // how long a message stays before the service deletes it; 0: not known
	Step            StepKey       // whose dead-letter queue it is; zero: not ours
	Error           string        // a sentence why nothing else is known of it, "queue x does not exist ..."
	ReadAt          time.Time
}

// Depth is everything in the queue, approximately.
func (q Queue) Depth() int64 { return q.Visible + q.InFlight + q.Delayed }

// Ours tells whether it is the dead-letter queue of one of our steps.
func (q Queue) Ours() bool { return q.Step != StepKey{} }

// IsDeadLetterQueue tells whether other queues give up into it.
func (q Queue) IsDeadLetterQueue() bool { return len(q.Sources) > 0 || q.Ours() }

// QueueMessage is a message of a queue that is not ours.
type QueueMessage struct {
	ID              string
	Body            string
	Attributes      []QueueAttribute // its sender's, by name
	Trace           string           // X-Ray trace header, empty without one
	SentAt          time.Time        // when its sender sent it; a move into a dead-letter queue keeps it
	FirstReceivedAt time.Time
	Receives        int    // times it was taken, this one included
	Source          string // the queue it was given up by, if the service says so
	Receipt         string // of the last time it was taken; empty for a copy
}

// QueueAttribute is one attribute its sender gave a message.
type QueueAttribute struct {
	Name  string `json:"name"`
	Type  string `json:"type"` // String, Number, Binary, or one of these with a dot and a word
	Value []byte `json:"value"`
}

// QueueCopy is our own copy of a message that was seen in a queue. It says what
// was there then, not what is there now.
type QueueCopy struct {
	QueueMessage
	Key         string // names the copy within its queue; URL-safe, by the time the message was sent
	Size        int    // of the whole body, in bytes
	Cut         bool   // body or attributes are only their beginning
	FirstSeenAt time.Time
	SeenAt      time.Time // last
	MovedTo     string    // where our own redrive sent it; empty: it did not
	MovedAt     time.Time
	MovedAs     string // its id there
	Move        string // the redrive that did
}

// QueueCopyFilter selects copies. The zero value selects all, newest first by
// when they were sent.
type QueueCopyFilter struct {
	Query  string // in id, body, names and values of attributes; case-insensitive
	Blind  bool   // Query is looked for in the id alone: who asks may not see messages
	Limit  int    // 1 to 500
	Cursor string // Next of the page before
}

// QueueSent answers for one message that was to be sent.
type QueueSent struct {
	State SendState
	ID    string // its id in the queue it was sent to
	Err   error  // why it was not sent for sure
}

// SendState is what is known of a message that was to be sent.
type SendState int

// The states.
const (
	SendDone    SendState = iota
	SendRefused           // that queue never takes this message
	SendFailed            // it was not sent; later it may be
	SendUnsure            // there was no answer: it may have been sent
)

// NativeMove is a move of all messages that the queue service makes by itself.
type NativeMove struct {
	Handle        string // names it while it runs, empty afterwards
	State         MoveState
	To            string // empty: each to where it came from
	Moved, ToMove int64  // approximate
	Rate          int    // messages a second; 0: as the service likes
	Failure       string
	StartedAt     time.Time
}

// QueueBrowser looks into queues that are not ours. A queue that does not exist
// answers ErrNotFound; an action that the service refuses answers ErrConflict
// with its reason. Whether a queue may be looked into is its caller's to know.
type QueueBrowser interface {
	// List returns the queues that are named, with the dead-letter queues of
	// these, and those of our steps that are not empty; by name. One that does
	// not exist is in the list and says so.
	List(ctx context.Context) ([]Queue, error)
	// Get returns the dead-letter queue of one of our steps, which List leaves out
	// while it is empty; ErrNotFound for any other name.
	Get(ctx context.Context, name string) (Queue, error)
	// Take receives up to n messages, 10 at most, and hides them from everybody
	// else for hide. It waits up to wait for the first. Taking counts as a receive
	// of each: its Receives are one more.
	Take(ctx context.Context, queue string, n int, hide, wait time.Duration) ([]QueueMessage, error)
	// Hide hides messages in hand for another hide from now; with 0 they are back
	// in the queue at once. One that is no longer in hand is passed over.
	Hide(ctx context.Context, queue string, hide time.Duration, messages ...QueueMessage) error
	// Purge deletes everything in a queue, for good.
	Purge(ctx context.Context, queue string) error
}

// QueueMover moves messages from one queue to another.
type QueueMover interface {
	// Send sends the same again: body, attributes and trace. One answer each, in
	// order.
	Send(ctx context.Context, to string, messages ...QueueMessage) []QueueSent
	// Delete deletes messages in hand, one answer each, in order.
	Delete(ctx context.Context, queue string, messages ...QueueMessage) []error
	// StartNative lets the service move everything from a dead-letter queue to
	// another queue, or each message to where it came from when to is empty, at
	// most rate a second. It answers the handle of the move.
	StartNative(ctx context.Context, queue, to string, rate int) (string, error)
	// Native lists the service's moves of a queue, newest first; it forgets old
	// ones.
	Native(ctx context.Context, queue string) ([]NativeMove, error)
	// CancelNative ends one and answers about how many messages it has moved;
	// they stay moved.
	CancelNative(ctx context.Context, queue, handle string) (int64, error)
}

// QueueCopies keeps what was seen, for two weeks after it was last seen.
type QueueCopies interface {
	// Keep stores copies of messages seen at a time, and tells of each whether it
	// was seen before.
	Keep(ctx context.Context, queue string, at time.Time, messages ...QueueMessage) (before []bool, err error)
	// Moved notes that messages were sent to another queue.
	Moved(ctx context.Context, queue, move string, at time.Time, moved ...MovedMessage) error
	// Get returns a copy by its key, or ErrNotFound.
	Get(ctx context.Context, queue, key string) (QueueCopy, error)
	// List returns copies. With a Query it looks at a bounded number of them and
	// says how many; the search goes on from Next.
	List(ctx context.Context, queue string, f QueueCopyFilter) (Page[QueueCopy], error)
}

// MovedMessage is what became of one message.
type MovedMessage struct{ ID, To, As string }

// QueueLook is what was last done to a queue from here.
type QueueLook struct {
	At       time.Time `json:"at"` // of the last look; zero: nobody has looked yet
	By       string    `json:"by"`
	Seen     int       `json:"seen"` // messages in that look
	New      int       `json:"new"`  // of them, never seen before
	All      bool      `json:"all"`  // nothing else came: it was everything that could be taken
	PurgedAt time.Time `json:"purged_at,omitzero"`
	PurgedBy string    `json:"purged_by,omitempty"`
}

// MoveState is where a move stands.
type MoveState string

// The states of a move.
const (
	MoveRunning   MoveState = "running"
	MovePaused    MoveState = "paused"
	MoveDone      MoveState = "done"
	MoveCancelled MoveState = "cancelled"
	MoveStopped   MoveState = "stopped" // by itself, see StopReason
	MoveFailed    MoveState = "failed"  // could not go on, see StopReason
)

// Final tells whether the state never changes again.
func (s MoveState) Final() bool { return s != MoveRunning && s != MovePaused }

// QueueMoveRequest asks for messages to be moved out of a queue: either IDs or
// All.
type QueueMoveRequest struct {
	IDs    []string
	All    bool
	To     string  // empty: where they came from
	Rate   float64 // a second; 0: as fast as it goes
	Native bool    // let the service do it: all, and at most 500 a second
	Reason string
}

// QueueMove is a stored piece of work that moves messages out of a queue. Ours
// (not Native) goes on after a crash. A message is sent first and deleted
// afterwards, so it is never lost; what a crash between the two leaves is sent
// once more at most, and counted as Twice.
type QueueMove struct {
	ID         string    `json:"id"`
	Queue      string    `json:"queue"`
	To         string    `json:"to,omitempty"` // empty: each to where it came from
	Native     bool      `json:"native,omitempty"`
	All        bool      `json:"all,omitempty"` // what was sent before it started
	State      MoveState `json:"state"`
	Matched    int64     `json:"matched"` // with All: about so many
	Moved      int64     `json:"moved"`
	Missing    int64     `json:"missing"` // selected, and not found any more
	Twice      int64     `json:"twice"`   // may be in the other queue twice
	Skipped    []Skip    `json:"skipped"`
	Rate       float64   `json:"rate"`
	By         string    `json:"by"`
	Reason     string    `json:"reason"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	StopReason string    `json:"stop_reason,omitempty"`
	Trouble    string    `json:"trouble,omitempty"` // what keeps a running one from going on

	Open     []string  `json:"open,omitempty"`     // selected and not moved yet
	Sending  []string  `json:"sending,omitempty"`  // about to be sent
	Sent     []string  `json:"sent,omitempty"`     // sent and not yet known to be deleted
	Unsure   []string  `json:"unsure,omitempty"`   // about to be sent when a process ended
	Handle   string    `json:"handle,omitempty"`   // of a native one
	Worker   string    `json:"worker,omitempty"`   // process at work
	Until    time.Time `json:"until,omitzero"`     // when it gives no sign of life by then, another goes on
	HiddenBy time.Time `json:"hidden_by,omitzero"` // until then a process that ended may have messages hidden
	version  int64
}

// Left are the messages that were not moved, as far as it is known.
func (m QueueMove) Left() int64 { return max(0, m.Matched-m.Moved) }

func (m *QueueMove) skip(why string, n int64) {
	if n > 0 {
		i := slices.IndexFunc(m.Skipped, func(s Skip) bool { return s.Why == why })
		if i < 0 {
			m.Skipped = append(m.Skipped, Skip{Why: why})
			i = len(m.Skipped) - 1
		}
		m.Skipped[i].Count += n
	}
}
