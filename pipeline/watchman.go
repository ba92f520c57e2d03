package pipeline

import (
	"context"
	"time"
)

// Watchman is somebody outside who judges the configured alarms as well, on
// metrics that the backend sends there. What he says is kept with the alarms;
// that he cannot be reached is shown with them and troubles nothing else.
type Watchman struct {
	Name string // what pages call him
	// Look tells how the alarms named by since stand with him, and what changed
	// after the time given for each; zero: as far back as he remembers. It
	// returns in a bounded time; its error is a sentence.
	Look func(ctx context.Context, since map[string]time.Time) ([]AlarmReport, error)
}

// AlarmReport is what the watchman says of one alarm.
type AlarmReport struct {
	Name    string // as configured
	State   string // AlarmOK, AlarmOn, AlarmInsufficient
	Since   time.Time
	Reason  string
	Changes []AlarmChange // in any order, without Notified
}

// WatchedAlarm is what is known of an alarm as the watchman sees it.
type WatchedAlarm struct {
	Source       string // his name
	State        string // empty: he has no such alarm, or did not answer yet
	Since        time.Time
	Reason       string
	SeenAt       time.Time // when he last answered, zero: never
	FailingSince time.Time // since when he does not answer; zero: he does
	Error        string    // why not
}

// raised tells whether what the watchman saw last still counts as an alarm: a
// state he stopped confirming says nothing.
func (w *WatchedAlarm) raised(now time.Time) bool {
	return w != nil && w.State == AlarmOn && now.Sub(w.SeenAt) < watchStale
}
