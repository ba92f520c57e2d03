package main

import (
	"encoding/json"
	"time"
)

// The API's answers as far as tests look at them.

type takenDoc struct {
	ID        string `json:"id"`
	Duplicate bool   `json:"duplicate"`
	Error     string `json:"error"`
}

type batchDoc struct {
	Accepted int        `json:"accepted"`
	Results  []takenDoc `json:"results"`
}

type rowDoc struct {
	ID              string          `json:"id"`
	Pipeline        string          `json:"pipeline"`
	Status          string          `json:"status"`
	CreatedAt       time.Time       `json:"created_at"`
	ContentType     string          `json:"content_type"`
	Payload         json.RawMessage `json:"payload"`
	PayloadEncoding string          `json:"payload_encoding"`
	Steps           []flagDoc       `json:"steps"`
	Attempts        []attemptDoc    `json:"attempts"`
}

type flagDoc struct {
	Name           string          `json:"name"`
	State          string          `json:"state"`
	Attempts       int             `json:"attempts"`
	ProcessedAt    *time.Time      `json:"processed_at"`
	NextAttemptAt  *time.Time      `json:"next_attempt_at"`
	LastError      *string         `json:"last_error"`
	Result         json.RawMessage `json:"result"`
	ResultEncoding string          `json:"result_encoding"`
}

type attemptDoc struct {
	Step       string    `json:"step"`
	Number     int       `json:"number"`
	StartedAt  time.Time `json:"started_at"`
	DurationMS int64     `json:"duration_ms"`
	Outcome    string    `json:"outcome"`
	Error      *string   `json:"error"`
	StatusCode *int      `json:"status_code"`
	Worker     string    `json:"worker"`
}

type rowsDoc struct {
	Rows       []rowDoc `json:"rows"`
	NextCursor *string  `json:"next_cursor"`
}

type overviewDoc struct {
	Pipelines []struct {
		Name  string         `json:"name"`
		Rows  map[string]int `json:"rows"`
		Steps []stepDoc      `json:"steps"`
	} `json:"pipelines"`
	Instances []instanceDoc `json:"instances"`
}

type instanceDoc struct {
	Name  string `json:"name"`
	Runs  string `json:"runs"`
	State string `json:"state"`
	Leads bool   `json:"leads"`
}

type stepDoc struct {
	Name           string   `json:"name"`
	Needs          []string `json:"needs"`
	Waiting        int      `json:"waiting"`
	Queued         int      `json:"queued"`
	Running        int      `json:"running"`
	Retrying       int      `json:"retrying"`
	Dead           int      `json:"dead"`
	ProcessedTotal int      `json:"processed_total"`
	FailedTotal    int      `json:"failed_attempts_total"`
	Breaker        *string  `json:"breaker"`
	BreakerState   *string  `json:"breaker_state"`
	Paused         bool     `json:"paused"`
	Rate           float64  `json:"rate"`
	Concurrency    int      `json:"concurrency"`
	FallingBehind  bool     `json:"falling_behind"`
	Gone           bool     `json:"gone"`
}

type letterDoc struct {
	ID            string     `json:"id"`
	RowID         string     `json:"row_id"`
	Pipeline      string     `json:"pipeline"`
	Step          string     `json:"step"`
	Queue         string     `json:"queue"`
	Error         string     `json:"error"`
	StatusCode    *int       `json:"status_code"`
	Group         string     `json:"group"`
	Attempts      int        `json:"attempts"`
	Kind          string     `json:"kind"`
	FirstFailedAt *time.Time `json:"first_failed_at"`
	DeadAt        *time.Time `json:"dead_at"`
}

type lettersDoc struct {
	DeadLetters []letterDoc `json:"dead_letters"`
	Total       int         `json:"total"`
	NextCursor  *string     `json:"next_cursor"`
}

type groupsDoc struct {
	Groups []struct {
		Group, Error, Pipeline, Step, Kind string
		Count                              int
		FirstAt                            time.Time `json:"first_at"`
		LastAt                             time.Time `json:"last_at"`
	} `json:"groups"`
}

type operationDoc struct {
	ID          *string    `json:"id"`
	State       string     `json:"state"`
	Pipeline    string     `json:"pipeline"`
	Step        *string    `json:"step"`
	Matched     int        `json:"matched"`
	Eligible    int        `json:"eligible"`
	Skipped     []skipDoc  `json:"skipped"`
	Moved       int        `json:"moved"`
	Succeeded   int        `json:"succeeded"`
	FailedAgain int        `json:"failed_again"`
	Rate        *float64   `json:"rate_per_second"`
	By          string     `json:"by"`
	Reason      *string    `json:"reason"`
	StartedAt   time.Time  `json:"started_at"`
	FinishedAt  *time.Time `json:"finished_at"`
	StopReason  *string    `json:"stop_reason"`
}

type skipDoc struct {
	Why   string `json:"why"`
	Count int    `json:"count"`
}

type breakerDoc struct {
	Name        string     `json:"name"`
	State       string     `json:"state"`
	Mode        string     `json:"mode"`
	FailureRate float64    `json:"failure_rate"`
	Calls       int        `json:"calls"`
	Since       time.Time  `json:"since"`
	NextProbeAt *time.Time `json:"next_probe_at"`
	Waiting     int        `json:"waiting"`
	HeldBy      *string    `json:"held_by"`
	HeldUntil   *time.Time `json:"held_until"`
	Reason      *string    `json:"reason"`
	History     []struct {
		At           time.Time
		From, To, By string
		Reason       *string
	} `json:"history"`
	Probes []struct {
		At    time.Time
		RowID string `json:"row_id"`
		Step  string
		OK    bool
		Error *string
	} `json:"probes"`
}

type sweepDoc struct {
	ID         string     `json:"id"`
	State      string     `json:"state"`
	DryRun     bool       `json:"dry_run"`
	Scanned    int        `json:"scanned"`
	Stuck      int        `json:"stuck"`
	Requeued   int        `json:"requeued"`
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`
	By         string     `json:"by"`
	Rows       []struct {
		ID, Step, Why string
	} `json:"rows"`
}

type scheduleDoc struct {
	Cron       string      `json:"cron"`
	StuckAfter string      `json:"stuck_after"`
	Enabled    bool        `json:"enabled"`
	NextRuns   []time.Time `json:"next_runs"`
}

type alarmDoc struct {
	Name      string    `json:"name"`
	State     string    `json:"state"`
	Severity  string    `json:"severity"`
	Metric    string    `json:"metric"`
	Threshold float64   `json:"threshold"`
	Value     *float64  `json:"value"`
	Since     time.Time `json:"since"`
	Reason    *string   `json:"reason"`
	History   []struct {
		At       time.Time
		From, To string
		Notified []struct {
			Route string
			OK    bool
			Error *string
			At    *time.Time
		}
	} `json:"history"`
}

type entryDoc struct {
	At     time.Time       `json:"at"`
	Actor  string          `json:"actor"`
	Action string          `json:"action"`
	Object string          `json:"object"`
	Reason *string         `json:"reason"`
	Result string          `json:"result"`
	Detail json.RawMessage `json:"detail"`
}

type auditDoc struct {
	Entries    []entryDoc `json:"entries"`
	NextCursor *string    `json:"next_cursor"`
}
