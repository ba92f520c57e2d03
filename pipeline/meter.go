package pipeline

import (
	"slices"
	"sync"
	"time"
)

// meter adds up what a step's attempts came to until the observer takes it.
type meter struct {
	mu        sync.Mutex
	attempts  float64
	failed    float64
	throttled float64
	processed float64
	seconds   float64
	longest   float64
	recent    [256]time.Duration // durations of the newest attempts, a ring
	seen      int
}

func newMeter() *meter { return &meter{} }

// ended counts one attempt; flags that were not stored are counted by whoever
// stores them.
func (m *meter) ended(end *ended, stored bool) {
	a := end.outcome.Attempt
	if a.Number == 0 || end.outcome.Verdict == Release || end.answer.Kind == AnswerAborted {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempts++
	switch a.Outcome {
	case AttemptFailed, AttemptDead:
		m.failed++
	case AttemptThrottled:
		m.throttled++
	case AttemptProcessed:
		if stored {
			m.processed++
		}
	}
	m.seconds += a.Duration.Seconds()
	m.longest = max(m.longest, a.Duration.Seconds())
	m.recent[m.seen%len(m.recent)] = a.Duration
	m.seen++
}

// take returns what was counted since the last take as points of slot at.
func (m *meter) take(d Dimensions, at time.Time) []Point {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.attempts == 0 {
		return nil
	}
	worst, best := 0.0, 1.0
	if m.failed > 0 {
		worst = 1
	}
	if m.failed < m.attempts {
		best = 0
	}
	points := []Point{
		{Metric: MetricErrorRate, Dimensions: d, At: at, Sum: m.failed, Count: m.attempts, Min: best, Max: worst},
		{Metric: MetricDuration, Dimensions: d, At: at, Sum: m.seconds, Count: m.attempts, Max: m.longest},
	}
	if m.throttled > 0 {
		points = append(points, Point{Metric: MetricThrottled, Dimensions: d, At: at, Sum: m.throttled, Count: m.throttled, Min: 1, Max: 1})
	}
	if m.processed > 0 {
		points = append(points, Point{Metric: MetricProcessed, Dimensions: d, At: at, Sum: m.processed, Count: m.processed, Min: 1, Max: 1})
	}
	m.attempts, m.failed, m.throttled, m.processed, m.seconds, m.longest = 0, 0, 0, 0, 0, 0
	return points
}

// percentiles of the newest attempts' durations; zero without any.
func (m *meter) percentiles() (p50, p95 time.Duration) {
	m.mu.Lock()
	n := min(m.seen, len(m.recent))
	list := slices.Clone(m.recent[:n])
	m.mu.Unlock()
	if n == 0 {
		return 0, 0
	}
	slices.Sort(list)
	return list[n/2], list[min(n-1, n*95/100)]
}
