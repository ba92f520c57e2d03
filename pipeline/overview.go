package pipeline

import "time"

// Overview is the state of everything at a glance. Counts cover all processes
// and are at most two seconds old.
type Overview struct {
	At        time.Time
	Pipelines []PipelineView
	Breakers  []BreakerView
	Alarms    []AlarmView
	Needs     []Need         // what needs an operator, worst first; empty when nothing does
	Recent    []Event        // the newest first
	Instances []InstanceView // the processes on a store that several share, else none
	Costs     *Costs         // nil on a store that is not paid for by use
}

// PipelineView is one pipeline on the overview.
type PipelineView struct {
	Name        string
	Rows        map[Status]int64
	Steps       []StepView // the configured ones, then those that are gone but still hold messages
	OldestOpen  time.Time  // when the oldest unfinished row was accepted; zero if none
	FailedRate  float64    // failed attempts over attempts in the last five minutes
	ArrivalRate float64    // rows accepted a second, over the last minute
	DoneRate    float64    // rows done a second, over the last minute
}

// Unfinished are the rows that are neither done nor set aside.
func (p PipelineView) Unfinished() int64 {
	return p.Rows[StatusAccepted] + p.Rows[StatusInProgress] + p.Rows[StatusDead]
}

// Total are all rows kept.
func (p PipelineView) Total() int64 {
	var n int64
	for _, c := range p.Rows {
		n += c
	}
	return n
}

// StepView is one step as it stands, with its settings.
type StepView struct {
	Pipeline, Name string
	Needs          []string
	Counts         StepCounts
	Breaker        string
	BreakerState   string // closed, open, half-open; empty without a breaker
	BreakerHeld    bool
	Gone           bool // no longer configured; its messages wait

	Target      string
	Timeout     time.Duration
	Attempts    int // 0: until it succeeds
	Base, Cap   time.Duration
	Jitter      string
	Permanent   []int
	Settings    StepSettings // in force now
	Configured  StepSettings // what the configuration says
	ChangedBy   string       // who changed a setting; empty: as configured
	ChangedAt   time.Time
	ChangedWhy  string
	Exclusive   bool    // claimed in the store before each call
	Processes   int     // that work on it now: Concurrency is of each, Rate of all together
	Arrivals    float64 // a second, over the last minute
	Departures  float64 // flags set a second, over the last minute
	P50, P95    time.Duration
	Behind      bool          // arrivals outrun the rate
	DrainIn     time.Duration // the backlog at the present rate or pace; 0: nothing waits or unknown
	FaultsOn    int           // faults injected on purpose
	BreakerView *BreakerView  // nil without one
}

// StepSettings are what operators may change while a step runs.
type StepSettings struct {
	Paused      bool
	Concurrency int
	Rate        float64 // calls a second over all processes; 0: no limit
}

// StepChange is an operator's change; nil leaves a setting as it is. Reset puts
// everything back to the configuration.
type StepChange struct {
	Paused      *bool
	Concurrency *int
	Rate        *float64
	Reset       bool
	Reason      string
}

// StepDetail is a step with its history, for its page.
type StepDetail struct {
	StepView
	Errors   []Datapoint // error_rate in five-minute slots of the last 24 hours
	Flow     []Datapoint // flags set, in minutes of the last hour
	Retries  []Bucket    // scheduled retries of the next 15 minutes
	Breakers []BreakerView
	Costs    *Costs // nil on a store that is not paid for by use
}

// Bucket is one bar of a histogram of times.
type Bucket struct {
	At    time.Time
	Count int64
}

// Need is one thing that needs an operator, in a sentence with what to do.
type Need struct {
	Kind     NeedKind
	Object   string // what it is about: a breaker's or alarm's name, "pipeline/step", a group
	Pipeline string
	Step     string
	Count    int64
	Text     string // "Breaker search-api has been open for 22 minutes"
	More     string // what happens next by itself
	Since    time.Time
}

// NeedKind sorts needs for pictures and links.
type NeedKind string

// The kinds of need.
const (
	NeedBreaker NeedKind = "breaker"
	NeedLetters NeedKind = "dead_letters"
	NeedAlarm   NeedKind = "alarm"
	NeedBehind  NeedKind = "behind"
	NeedPaused  NeedKind = "paused"
	NeedGone    NeedKind = "gone"
	NeedStuck   NeedKind = "stuck"
)

// Event is one line of what happened lately.
type Event struct {
	At     time.Time
	Kind   string // breaker, alarm, sweep, redrive, audit
	Text   string
	By     string
	Object string // path below the base: "breakers/search-api"
	Bad    bool
}
