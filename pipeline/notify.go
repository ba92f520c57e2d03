package pipeline

import (
	"context"
	"slices"
	"time"
)

// Route is where alarms of some severities are told.
type Route struct {
	Name       string // "slack", "webhook 2": what history and pages call it
	Severities []string
	Notifier   Notifier
}

// Notifier delivers one message, or says why it could not. It returns in a
// bounded time, and never repeats a message that may have arrived.
type Notifier interface {
	Notify(ctx context.Context, m Notice) error
}

// Notice is one message: the alarms that changed together.
type Notice struct {
	At     time.Time
	Alarms []NoticeAlarm
	// HeldBack counts the changes that no message told by themselves: those of an
	// alarm that changed again before its turn came.
	HeldBack int
}

// NoticeAlarm is one alarm of a notice.
type NoticeAlarm struct {
	Name, Severity, From, To, Reason string
	Path                             string // page below the console's base
}

func (r Route) takes(severity string) bool { return slices.Contains(r.Severities, severity) }

const (
	notifyGather = 2 * time.Second  // alarms that change within this are told together
	notifyApart  = 30 * time.Second // least time between two messages of a route
	notifyAgain  = 5 * time.Minute  // an alarm told in a state is not told in the same one again within this
	notifyHourly = 30               // messages of a route within an hour; see teller
	notifyFor    = 10 * time.Second // one delivery

	notifyRecords = 50 // changes of one alarm that get the result of the message they were told with
)
