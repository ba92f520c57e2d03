package pipeline

import "time"

// Sweep is one run of the search for rows that are neither finished nor queued
// nor retrying any more.
type Sweep struct {
	ID         string     `json:"id"`
	State      SweepState `json:"state"`
	DryRun     bool       `json:"dry_run"`
	Pipeline   string     `json:"pipeline,omitempty"` // empty: all
	Scanned    int64      `json:"scanned"`
	Stuck      int64      `json:"stuck"`
	Requeued   int64      `json:"requeued"`
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt time.Time  `json:"finished_at,omitzero"`
	By         string     `json:"by"` // "redrive" on schedule
	Error      string     `json:"error,omitempty"`
	Rows       []Stuck    `json:"rows"` // the first thousand; Stuck counts all
	version    int64
}

// SweepState is where a sweep stands.
type SweepState string

// The states of a sweep.
const (
	SweepRunning SweepState = "running"
	SweepDone    SweepState = "done"
	SweepFailed  SweepState = "failed"
)

// Stuck is one step of a row that a sweep found, and why it is stuck.
type Stuck struct {
	Row  string `json:"id"`
	Step string `json:"step"`
	Why  string `json:"why"`
}

// SweepSettings are when sweeps run and what they take for stuck.
type SweepSettings struct {
	Cron       string        `json:"cron"` // five fields, UTC
	StuckAfter time.Duration `json:"stuck_after"`
	Enabled    bool          `json:"enabled"`
}

// SweepSchedule is the settings in force with the next runs.
type SweepSchedule struct {
	SweepSettings
	NextRuns   []time.Time // five, or none when not enabled
	Configured SweepSettings
	ChangedBy  string // empty: as configured
	ChangedAt  time.Time
	Sentence   string // the schedule in words
}

// ScheduleChange is an operator's change; nil leaves a setting as it is. Reset
// puts everything back to the configuration.
type ScheduleChange struct {
	Cron       *string
	StuckAfter *time.Duration
	Enabled    *bool
	Reset      bool
	Reason     string
}
