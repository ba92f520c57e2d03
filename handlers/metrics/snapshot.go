package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"redrive/pipeline"
)

// snapshot is the engine's state at one scrape.
type snapshot struct{ state pipeline.Overview }

// Describe sends nothing: which series there are depends on the configuration.
func (s snapshot) Describe(chan<- *prometheus.Desc) {}

// Collect sends one sample a series.
func (s snapshot) Collect(to chan<- prometheus.Metric) {
	for _, p := range s.state.Pipelines {
		collectPipeline(to, p, s.state.At)
	}
	for _, b := range s.state.Breakers {
		collectBreaker(to, b)
	}
	for _, a := range s.state.Alarms {
		gauge(to, "redrive_alarm", "1 while the alarm is on.", flag(a.State == pipeline.AlarmOn), "alarm", a.Name, "severity", a.Severity)
	}
	collectCosts(to, s.state.Costs)
}

func collectPipeline(to chan<- prometheus.Metric, p pipeline.PipelineView, now time.Time) {
	for _, status := range pipeline.Statuses() {
		gauge(to, "redrive_rows", "Rows kept, by status.", float64(p.Rows[status]), "pipeline", p.Name, "status", string(status))
	}
	gauge(to, "redrive_oldest_unfinished_row_seconds", "Age of the oldest row that is not finished.", age(p.OldestOpen, now), "pipeline", p.Name)
	for _, step := range p.Steps {
		if !step.Gone {
			collectStep(to, p.Name, step, now)
		}
	}
}

func collectStep(to chan<- prometheus.Metric, pipe string, s pipeline.StepView, now time.Time) {
	at := []string{"pipeline", pipe, "step", s.Name}
	for _, state := range []struct {
		name  string
		count int64
	}{{"waiting", s.Counts.Waiting}, {"queued", s.Counts.Queued}, {"running", s.Counts.Running}, {"retrying", s.Counts.Retrying}, {"dead", s.Counts.Dead}} {
		gauge(to, "redrive_step_rows", "Rows at a step, by state.", float64(state.count), append([]string{"state", state.name}, at...)...)
	}
	gauge(to, "redrive_dead_letters", "Dead letters of a step.", float64(s.Counts.Dead), at...)
	gauge(to, "redrive_step_oldest_due_seconds", "How long the oldest queued row has been due.", age(s.Counts.OldestDue, now), at...)
	gauge(to, "redrive_step_paused", "1 while the step is paused.", flag(s.Settings.Paused), at...)
	gauge(to, "redrive_step_concurrency", "Calls at once allowed in this process.", float64(s.Settings.Concurrency), at...)
	gauge(to, "redrive_step_rate_limit", "Calls a second allowed, 0 without a limit.", s.Settings.Rate, at...)
	gauge(to, "redrive_step_falling_behind", "1 while more arrives than the rate allows.", flag(s.Behind), at...)
	gauge(to, "redrive_step_faults", "Faults made on purpose that are on.", float64(s.FaultsOn), at...)
	counter(to, "redrive_step_processed_total", "Rows processed by a step.", s.Counts.ProcessedTotal, at...)
	counter(to, "redrive_step_failed_attempts_total", "Attempts that failed.", s.Counts.FailedTotal, at...)
	counter(to, "redrive_step_throttled_attempts_total", "Attempts the downstream asked to come back for.", s.Counts.Throttled, at...)
}

func collectBreaker(to chan<- prometheus.Metric, b pipeline.BreakerView) {
	for _, state := range []string{"closed", "open", "half-open"} {
		gauge(to, "redrive_breaker_state", "1 for the state the breaker is in.", flag(b.State == state), "breaker", b.Name, "state", state)
	}
	gauge(to, "redrive_breaker_held", "1 while an operator holds the breaker.", flag(b.Held), "breaker", b.Name)
	gauge(to, "redrive_breaker_failure_rate", "Share of failed calls in the breaker's window.", b.FailureNow, "breaker", b.Name)
	gauge(to, "redrive_breaker_waiting_rows", "Queued and retrying rows at the breaker's steps.", float64(b.Waiting), "breaker", b.Name)
}

func gauge(to chan<- prometheus.Metric, name, help string, value float64, labels ...string) {
	send(to, prometheus.GaugeValue, name, help, value, labels)
}

func counter(to chan<- prometheus.Metric, name, help string, value int64, labels ...string) {
	send(to, prometheus.CounterValue, name, help, float64(value), labels)
}

// send takes labels as pairs of name and value.
func send(to chan<- prometheus.Metric, kind prometheus.ValueType, name, help string, value float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	to <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...)
}

func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

func age(since, now time.Time) float64 {
	if since.IsZero() || now.Before(since) {
		return 0
	}
	return now.Sub(since).Seconds()
}
