package pipeline

import (
	"maps"
	"time"
)

// The metrics the engine writes. A sample of the first four is 1 for each
// event, so their average over error_rate's samples is a rate.
const (
	MetricErrorRate     = "error_rate"             // a sample an attempt: 1 failed, 0 processed
	MetricDeadLetters   = "dead_letters"           // gauge
	MetricOldestWaiting = "oldest_waiting_seconds" // gauge
	MetricQueueDepth    = "queue_depth"            // gauge: queued and retrying
	MetricStuckRows     = "stuck_rows"             // a sample a sweep: rows found
	MetricBreakerOpen   = "breaker_open"           // gauge: 1 open or half-open, 0 closed
	MetricArrivals      = "arrivals"               // a sample a step queued
	MetricProcessed     = "processed"              // a sample a flag set
	MetricThrottled     = "throttled"              // a sample a throttled attempt
	MetricDuration      = "duration_seconds"       // a sample an attempt
)

// Resolution is the finest a metric is kept; points are aligned to it.
const Resolution = 10 * time.Second

// Coarse is the resolution in which metrics are kept for long.
const Coarse = 5 * time.Minute

// Dimensions say what a metric is about; empty ones mean all of it.
type Dimensions struct {
	Pipeline, Step, Breaker string
}

// Point is what was measured in one slot of Resolution.
type Point struct {
	Metric string
	Dimensions
	At       time.Time // start of the slot
	Sum      float64
	Count    float64
	Min, Max float64
}

// MetricQuery asks for one metric between From and To in slots of Period, a
// multiple of Resolution (of Coarse for what is older than a few hours).
type MetricQuery struct {
	Metric string
	Dimensions
	From, To time.Time
	Period   time.Duration
}

// Datapoint is one slot with data.
type Datapoint struct {
	At       time.Time
	Sum      float64
	Count    float64
	Min, Max float64
}

// Average of the slot's samples, 0 without any.
func (d Datapoint) Average() float64 {
	if d.Count == 0 {
		return 0
	}
	return d.Sum / d.Count
}

// StepKey names a step of a pipeline.
type StepKey struct{ Pipeline, Step string }

// Counts are the counters kept with the rows.
type Counts struct {
	Rows   map[string]map[Status]int64 // by pipeline
	Steps  map[StepKey]StepCounts
	Oldest map[string]time.Time // by pipeline: when its oldest unfinished row was accepted
}

// same tells whether nothing was counted between the two. Times are no counts.
func (c Counts) same(d Counts) bool {
	return maps.EqualFunc(c.Rows, d.Rows, maps.Equal) && maps.EqualFunc(c.Steps, d.Steps, func(a, b StepCounts) bool {
		a.OldestDue, b.OldestDue = time.Time{}, time.Time{}
		return a == b
	})
}

// StepCounts are the counters of one step. Discarded rows are not among them.
type StepCounts struct {
	Waiting, Queued, Running, Retrying, Dead int64
	ProcessedTotal, FailedTotal, Throttled   int64     // since the store was made
	OldestDue                                time.Time // due time of the oldest queued cell, zero if none
}
