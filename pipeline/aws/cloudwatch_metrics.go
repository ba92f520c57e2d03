package aws

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"redrive/pipeline"
)

const (
	exportEach  = time.Minute
	exportFor   = 30 * time.Second // one round
	exportEnd   = 5 * time.Second  // the last one, while the process ends
	exportGrace = 5 * time.Second  // after a minute its points are complete
	exportKeep  = time.Hour        // what could not be sent is kept so long
	datumsMost  = 1000             // of one request
	bytesMost   = 900_000          // of one request, which may have 1 MB; as it is counted here
)

// namespace is where CloudWatch keeps the metrics: two installations in one
// account have two.
func (n names) namespace() string {
	return strings.TrimRight("Redrive/"+strings.Trim(n.prefix, "-"), "/")
}

// metricClient is what is used of CloudWatch's client.
type metricClient interface {
	PutMetricData(context.Context, *cloudwatch.PutMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error)
}

// billed is one custom metric, which has a price each month.
type billed struct {
	metric string
	pipeline.Dimensions
}

// exporter sends to CloudWatch, a minute at a time, what SQS does not measure
// by itself: by step, breakers by breaker, stuck rows by pipeline, and whatever
// else an alarm watches. Several processes may send the same series; CloudWatch
// adds them up. A minute whose answer got lost may be sent twice, which changes
// no average, minimum or maximum.
type exporter struct {
	client    metricClient
	namespace string
	watched   map[billed]bool
	log       *slog.Logger

	mu      sync.Mutex
	minutes map[time.Time]map[billed]types.StatisticSet
	sent    map[billed]time.Time // the newest minute of each
	failing time.Time            // since when nothing can be sent; zero: it can
	dropped int                  // minutes, since then
}

func newExporter(client metricClient, namespace string, alarms []pipeline.AlarmConfig, log *slog.Logger) *exporter {
	e := &exporter{client: client, namespace: namespace, watched: map[billed]bool{}, log: log,
		minutes: map[time.Time]map[billed]types.StatisticSet{}, sent: map[billed]time.Time{}}
	for _, a := range alarms {
		if !measuredBySQS(a) {
			e.watched[billed{a.Metric, a.Dimensions}] = true
		}
	}
	return e
}

// wants tells which series are sent.
func (e *exporter) wants(s billed) bool {
	switch s.metric {
	case pipeline.MetricErrorRate, pipeline.MetricDuration, pipeline.MetricProcessed, pipeline.MetricThrottled,
		pipeline.MetricDeadLetters, pipeline.MetricOldestWaiting:
		return s.Step != "" || e.watched[s]
	case pipeline.MetricBreakerOpen:
		return s.Breaker != "" || e.watched[s]
	case pipeline.MetricStuckRows:
		return s.Pipeline != "" || e.watched[s]
	}
	return e.watched[s]
}

// put adds points to their minutes.
func (e *exporter) put(points ...pipeline.Point) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range points {
		s := billed{p.Metric, p.Dimensions}
		if p.Count > 0 && e.wants(s) && finite(p.Sum, p.Count, p.Min, p.Max) {
			e.add(p.At.UTC().Truncate(exportEach), s, types.StatisticSet{SampleCount: &p.Count, Sum: &p.Sum, Minimum: &p.Min, Maximum: &p.Max})
		}
	}
}

func finite(values ...float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}

// add merges a set into a minute. The caller holds the lock.
func (e *exporter) add(minute time.Time, s billed, more types.StatisticSet) {
	if e.minutes[minute] == nil {
		e.minutes[minute] = map[billed]types.StatisticSet{}
	}
	if have, ok := e.minutes[minute][s]; ok {
		more = types.StatisticSet{SampleCount: new(*have.SampleCount + *more.SampleCount), Sum: new(*have.Sum + *more.Sum),
			Minimum: new(min(*have.Minimum, *more.Minimum)), Maximum: new(max(*have.Maximum, *more.Maximum))}
	}
	e.minutes[minute][s] = more
}

// tap is a store of metrics of which the exporter hears every point, also where
// it cannot be stored.
func (e *exporter) tap(store pipeline.MetricStore) pipeline.MetricStore {
	return tapped{MetricStore: store, exporter: e}
}

type tapped struct {
	pipeline.MetricStore
	exporter *exporter
}

func (t tapped) Put(ctx context.Context, points ...pipeline.Point) error {
	t.exporter.put(points...)
	return t.MetricStore.Put(ctx, points...)
}

// Series counts the custom metrics this process sent in the last hour.
func (e *exporter) Series() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, at := range e.sent {
		if time.Since(at) < time.Hour {
			n++
		}
	}
	return n
}

// dimensions by the names CloudWatch shows.
func dimensions(d pipeline.Dimensions) []types.Dimension {
	var list []types.Dimension
	for _, n := range []named{{"Pipeline", d.Pipeline}, {"Step", d.Step}, {"Breaker", d.Breaker}} {
		if n.value != "" {
			list = append(list, types.Dimension{Name: new(n.name), Value: new(n.value)})
		}
	}
	return list
}

func unit(metric string) types.StandardUnit {
	switch {
	case strings.HasSuffix(metric, "_seconds"):
		return types.StandardUnitSeconds
	case metric == pipeline.MetricErrorRate || metric == pipeline.MetricBreakerOpen:
		return types.StandardUnitNone
	}
	return types.StandardUnitCount
}
