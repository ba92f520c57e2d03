package aws

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// run sends complete minutes once a minute, each process at its own second, and
// what is left when ctx ends.
func (e *exporter) run(ctx context.Context) {
	next := time.Now().Truncate(exportEach).Add(exportEach + exportGrace + rand.N(exportEach-2*exportGrace))
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			e.flush(context.WithoutCancel(ctx), exportEnd, time.Now().Add(exportEach))
			return
		case now := <-timer.C:
			e.flush(ctx, exportFor, now.Add(-exportGrace).Truncate(exportEach))
			timer.Reset(exportEach)
		}
	}
}

// flush sends the minutes before a time, the oldest first. What could not be
// sent waits for the next time.
func (e *exporter) flush(ctx context.Context, limit time.Duration, before time.Time) {
	ctx, cancel := context.WithTimeout(spend(ctx, purposeIdle), limit)
	defer cancel()
	list := e.take(before)
	for len(list) > 0 {
		n := fitting(list)
		if err := e.send(ctx, list[:n]); err != nil {
			e.back(ctx, list, err)
			return
		}
		list = list[n:]
	}
}

// datum is one series in one minute.
type datum struct {
	minute time.Time
	billed
	set types.StatisticSet
}

// take empties the minutes before a time.
func (e *exporter) take(before time.Time) []datum {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []datum
	for minute, all := range e.minutes {
		if !minute.Before(before) {
			continue
		}
		for s, set := range all {
			list = append(list, datum{minute, s, set})
		}
		delete(e.minutes, minute)
	}
	slices.SortFunc(list, func(a, b datum) int {
		return cmp.Or(a.minute.Compare(b.minute), strings.Compare(a.metric, b.metric), strings.Compare(a.Pipeline, b.Pipeline),
			strings.Compare(a.Step, b.Step), strings.Compare(a.Breaker, b.Breaker))
	})
	return list
}

// fitting is how many of a list fit into one request.
func fitting(list []datum) int {
	size := 0
	for i, d := range list {
		size += 400 + len(d.metric) + len(d.Pipeline) + len(d.Step) + len(d.Breaker)
		if i == datumsMost || size > bytesMost && i > 0 {
			return i
		}
	}
	return len(list)
}

func (e *exporter) send(ctx context.Context, list []datum) error {
	in := &cloudwatch.PutMetricDataInput{Namespace: &e.namespace}
	for _, d := range list {
		in.MetricData = append(in.MetricData, types.MetricDatum{MetricName: &d.metric, Dimensions: dimensions(d.Dimensions), Timestamp: &d.minute,
			StatisticValues: &d.set, Unit: unit(d.metric)})
	}
	if _, err := e.client.PutMetricData(ctx, in); err != nil {
		return failure(err, "cloudwatch:PutMetricData", "namespace "+e.namespace)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range list {
		e.sent[d.billed] = d.minute
	}
	if !e.failing.IsZero() {
		e.log.InfoContext(ctx, "CloudWatch takes metrics again", "failing_since", e.failing, "minutes_dropped", e.dropped)
		e.failing, e.dropped = time.Time{}, 0
	}
	return nil
}

// back keeps what was not sent, up to an hour of it. It is logged once when it
// begins and once when minutes begin to be dropped.
func (e *exporter) back(ctx context.Context, list []datum, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range list {
		e.add(d.minute, d.billed, d.set)
	}
	if e.failing.IsZero() {
		e.failing = time.Now().UTC()
		e.log.WarnContext(ctx, "CloudWatch takes no metrics; they are kept for an hour", "error", err)
	}
	for minute := range e.minutes {
		if time.Since(minute) <= exportKeep {
			continue
		}
		delete(e.minutes, minute)
		if e.dropped++; e.dropped == 1 {
			e.log.WarnContext(ctx, "CloudWatch has taken no metrics for an hour; the oldest are dropped from now on", "failing_since", e.failing)
		}
	}
}
