package pipeline

import "time"

// AlarmConfig is an alarm with CloudWatch's meaning: it goes off when at least
// Datapoints of the last Periods periods breach the threshold.
type AlarmConfig struct {
	Name       string
	Metric     string
	Dimensions Dimensions
	Statistic  string // average, sum, min, max, count
	Comparison string // >=, >, <=, <
	Threshold  float64
	Period     time.Duration
	Periods    int
	Datapoints int
	Missing    string // missing, breaching, not_breaching, ignore
	Severity   string // notice, page
}

// The states of an alarm.
const (
	AlarmOK           = "ok"
	AlarmOn           = "alarm"
	AlarmInsufficient = "insufficient-data"
)

// AlarmView is an alarm as it stands.
type AlarmView struct {
	AlarmConfig
	State  string
	Value  *float64 // of the newest period, nil without data
	Since  time.Time
	Reason string // why it is in this state, with the figures
	// Watched is how it stands with the watchman; nil: there is none, or he was
	// not asked yet. An alarm that is raised with him is raised.
	Watched *WatchedAlarm
}

// AlarmDetail is an alarm with its history, newest first, and its metric.
type AlarmDetail struct {
	AlarmView
	History []AlarmChange
	Points  []Datapoint // the last periods, for the picture
}

// AlarmChange is one change of state and who was told.
type AlarmChange struct {
	At       time.Time  `json:"at"`
	From     string     `json:"from"`
	To       string     `json:"to"`
	Reason   string     `json:"reason"`
	Notified []Notified `json:"notified"`
	Source   string     `json:"source,omitempty"` // the watchman who saw it; empty: it was judged here
}

// Notified is the result of telling one route.
type Notified struct {
	Route string    `json:"route"`
	OK    bool      `json:"ok"`
	Error string    `json:"error,omitempty"`
	At    time.Time `json:"at"`
}
