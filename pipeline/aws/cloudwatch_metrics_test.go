package aws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// shelf keeps what it is given, or refuses it.
type shelf struct {
	mu   sync.Mutex
	puts []*cloudwatch.PutMetricDataInput
	fail error
}

func (s *shelf) PutMetricData(_ context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return nil, s.fail
	}
	s.puts = append(s.puts, in)
	return &cloudwatch.PutMetricDataOutput{}, nil
}

func (s *shelf) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *shelf) datums() []types.MetricDatum {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []types.MetricDatum
	for _, put := range s.puts {
		list = append(list, put.MetricData...)
	}
	return list
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func measured(metric string, d pipeline.Dimensions, at time.Time, values ...float64) pipeline.Point {
	p := pipeline.Point{Metric: metric, Dimensions: d, At: at.Truncate(pipeline.Resolution), Min: values[0], Max: values[0]}
	for _, v := range values {
		p.Sum, p.Count, p.Min, p.Max = p.Sum+v, p.Count+1, min(p.Min, v), max(p.Max, v)
	}
	return p
}

func spelled(d types.MetricDatum) string {
	var dims []string
	for _, dim := range d.Dimensions {
		dims = append(dims, *dim.Name+"="+*dim.Value)
	}
	s := d.StatisticValues
	return fmt.Sprintf("%s %s{%s} n=%g sum=%g min=%g max=%g %s", d.Timestamp.UTC().Format("15:04"), *d.MetricName, strings.Join(dims, ","),
		*s.SampleCount, *s.Sum, *s.Minimum, *s.Maximum, d.Unit)
}

var index = pipeline.Dimensions{Pipeline: "p", Step: "index"}

func TestPointsOfAMinuteBecomeOneSet(t *testing.T) {
	fake := awstest.CloudWatch(t)
	a := NewAccount(awstest.Config(t, awstest.Endpoints{CloudWatch: fake.URL}))
	e := newExporter(a.cloudwatch(), names{prefix: "redrive-"}.namespace(), nil, quiet())
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	e.put(measured(pipeline.MetricErrorRate, index, at, 0, 0, 1), measured(pipeline.MetricErrorRate, index, at.Add(50*time.Second), 1),
		measured(pipeline.MetricErrorRate, index, at.Add(time.Minute), 0), measured(pipeline.MetricDuration, index, at, 0.5, 2),
		measured(pipeline.MetricBreakerOpen, pipeline.Dimensions{Breaker: "downstream"}, at, 1, 0), measured(pipeline.MetricStuckRows, pipeline.Dimensions{Pipeline: "p"}, at, 7))
	e.flush(t.Context(), time.Minute, at.Add(2*time.Minute))
	puts := fake.Data()
	if len(puts) != 1 || *puts[0].Namespace != "Redrive/redrive" {
		t.Fatalf("%d requests: %+v", len(puts), puts)
	}
	var got []string
	for _, d := range puts[0].MetricData {
		got = append(got, spelled(d))
	}
	want := []string{
		"10:00 breaker_open{Breaker=downstream} n=2 sum=1 min=0 max=1 None",
		"10:00 duration_seconds{Pipeline=p,Step=index} n=2 sum=2.5 min=0.5 max=2 Seconds",
		"10:00 error_rate{Pipeline=p,Step=index} n=4 sum=2 min=0 max=1 None",
		"10:00 stuck_rows{Pipeline=p} n=1 sum=7 min=7 max=7 Count",
		"10:01 error_rate{Pipeline=p,Step=index} n=1 sum=0 min=0 max=0 None",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("sent\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n := e.Series(); n != 0 {
		t.Errorf("%d billed of the last hour, and all of them are older", n)
	}
}

func TestOnlyWhatSQSDoesNotMeasureIsSent(t *testing.T) {
	all := pipeline.Dimensions{}
	e := newExporter(&shelf{}, "Redrive", []pipeline.AlarmConfig{
		{Metric: pipeline.MetricErrorRate, Statistic: "average"},
		{Metric: pipeline.MetricQueueDepth, Dimensions: pipeline.Dimensions{Pipeline: "p"}, Statistic: "max"},
		{Metric: pipeline.MetricQueueDepth, Dimensions: index, Statistic: "max"},
	}, quiet())
	for s, want := range map[billed]bool{
		{pipeline.MetricErrorRate, index}:                                        true,
		{pipeline.MetricErrorRate, pipeline.Dimensions{Pipeline: "p"}}:           false,
		{pipeline.MetricErrorRate, pipeline.Dimensions{Breaker: "downstream"}}:   false,
		{pipeline.MetricErrorRate, all}:                                          true, // an alarm watches it
		{pipeline.MetricDeadLetters, index}:                                      true,
		{pipeline.MetricDeadLetters, all}:                                        false,
		{pipeline.MetricProcessed, index}:                                        true,
		{pipeline.MetricThrottled, index}:                                        true,
		{pipeline.MetricDuration, index}:                                         true,
		{pipeline.MetricOldestWaiting, index}:                                    true,
		{pipeline.MetricBreakerOpen, pipeline.Dimensions{Breaker: "downstream"}}: true,
		{pipeline.MetricBreakerOpen, all}:                                        false,
		{pipeline.MetricStuckRows, pipeline.Dimensions{Pipeline: "p"}}:           true,
		{pipeline.MetricStuckRows, all}:                                          false,
		{pipeline.MetricQueueDepth, pipeline.Dimensions{Pipeline: "p"}}:          true, // an alarm watches it
		{pipeline.MetricQueueDepth, index}:                                       false,
		{pipeline.MetricArrivals, index}:                                         false,
	} {
		if e.wants(s) != want {
			t.Errorf("%+v is sent: %v, want %v", s, !want, want)
		}
	}
}

func TestNonsenseIsNotSent(t *testing.T) {
	s := &shelf{}
	e := newExporter(s, "Redrive", nil, quiet())
	now := time.Now()
	e.put(pipeline.Point{Metric: pipeline.MetricDuration, Dimensions: index, At: now, Sum: math.NaN(), Count: 1},
		pipeline.Point{Metric: pipeline.MetricDuration, Dimensions: index, At: now, Sum: math.Inf(1), Count: 1},
		pipeline.Point{Metric: pipeline.MetricDuration, Dimensions: index, At: now})
	e.flush(t.Context(), time.Minute, now.Add(time.Hour))
	if n := len(s.puts); n != 0 {
		t.Errorf("%d requests for nothing", n)
	}
}

func TestManyMetricsGoInFewRequests(t *testing.T) {
	fake := awstest.CloudWatch(t)
	a := NewAccount(awstest.Config(t, awstest.Endpoints{CloudWatch: fake.URL}))
	e := newExporter(a.cloudwatch(), "Redrive", nil, quiet())
	now := time.Now()
	for i := range 2500 {
		e.put(measured(pipeline.MetricProcessed, pipeline.Dimensions{Pipeline: "p", Step: fmt.Sprint("s", i)}, now, 1))
	}
	e.flush(t.Context(), time.Minute, now.Add(time.Minute))
	if n := len(fake.Data()); n != 3 {
		t.Errorf("%d requests for 2,500 metrics", n)
	}
	if n := len(fake.Datums(pipeline.MetricProcessed)); n != 2500 {
		t.Errorf("%d metrics arrived", n)
	}
	if n := e.Series(); n != 2500 {
		t.Errorf("%d billed", n)
	}
	long := make([]datum, 1000)
	for i := range long {
		long[i].Step = strings.Repeat("s", 2000)
	}
	if n := fitting(long); n*2400 > 1_000_000 || n == 0 {
		t.Errorf("%d long ones in one request", n)
	}
}

func TestMinutesAreSentOnceAndComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		e := newExporter(s, "Redrive", nil, quiet())
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { e.run(ctx); close(done) }()
		for range 10 * 30 { // ten minutes, a sample each two seconds
			e.put(measured(pipeline.MetricDeadLetters, index, time.Now(), 3))
			time.Sleep(2 * time.Second)
		}
		if n := len(s.puts); n < 9 || n > 10 {
			t.Errorf("%d requests in ten minutes", n)
		}
		for _, d := range s.datums() {
			if *d.StatisticValues.SampleCount != 30 {
				t.Errorf("%s is not a whole minute", spelled(d))
			}
		}
		e.put(measured(pipeline.MetricDeadLetters, index, time.Now(), 3))
		end()
		<-done
		var samples float64
		for _, d := range s.datums() {
			samples += *d.StatisticValues.SampleCount
		}
		if samples != 301 {
			t.Errorf("%g samples of 301 arrived by the end", samples)
		}
	})
}

func TestMetricsWaitWhileCloudWatchIsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &shelf{}
		s.refuse(errors.New("connection refused"))
		e := newExporter(s, "Redrive", nil, slog.New(slog.NewTextHandler(&log, nil)))
		round := func(minutes int) {
			for range minutes {
				e.put(measured(pipeline.MetricProcessed, index, time.Now(), 1, 1))
				time.Sleep(time.Minute)
				e.flush(t.Context(), time.Second, time.Now().Truncate(time.Minute))
			}
		}
		round(40)
		s.refuse(nil)
		round(1)
		if n := len(s.datums()); n != 41 {
			t.Errorf("%d minutes of 41 arrived after 40 minutes without CloudWatch", n)
		}
		if words := log.String(); strings.Count(words, "takes no metrics") != 1 || strings.Count(words, "takes metrics again") != 1 || strings.Contains(words, "dropped from") {
			t.Errorf("logged:\n%s", words)
		}
		log.Reset()
		s.refuse(errors.New("connection refused"))
		round(90)
		s.refuse(nil)
		round(1)
		if n := len(s.datums()) - 41; n != 61 {
			t.Errorf("%d minutes arrived after 90 without CloudWatch; an hour is kept", n)
		}
		words := log.String()
		if strings.Count(words, "\n") != 3 || !strings.Contains(words, "the oldest are dropped") || !strings.Contains(words, "minutes_dropped=30") {
			t.Errorf("logged:\n%s", words)
		}
	})
}

func TestAMinuteAddedToWhileItWasSentIsMerged(t *testing.T) {
	s := &shelf{fail: errors.New("out")}
	e := newExporter(s, "Redrive", nil, quiet())
	at := time.Now().Truncate(time.Minute)
	e.put(measured(pipeline.MetricProcessed, index, at, 1, 1))
	e.flush(t.Context(), time.Second, at.Add(time.Minute))
	e.put(measured(pipeline.MetricProcessed, index, at.Add(30*time.Second), 1))
	s.refuse(nil)
	e.flush(t.Context(), time.Second, at.Add(time.Minute))
	if list := s.datums(); len(list) != 1 || *list[0].StatisticValues.Sum != 3 {
		t.Errorf("sent %d sets", len(list))
	}
}

// fullStore takes no points.
type fullStore struct{ pipeline.MetricStore }

func (fullStore) Put(context.Context, ...pipeline.Point) error { return errors.New("full") }

func TestEveryPointIsHeardOfAlsoWhereItCannotBeStored(t *testing.T) {
	s := &shelf{}
	e := newExporter(s, "Redrive", nil, quiet())
	if err := e.tap(fullStore{}).Put(t.Context(), measured(pipeline.MetricProcessed, index, time.Now(), 1)); err == nil {
		t.Error("the store's error is lost")
	}
	e.flush(t.Context(), time.Second, time.Now().Add(time.Minute))
	if n := len(s.datums()); n != 1 {
		t.Errorf("%d sets", n)
	}
}

func TestTheErrorNamesActionAndNamespace(t *testing.T) {
	fake := awstest.CloudWatch(t)
	fake.Inject(awstest.Fault{Action: "PutMetricData", Do: awstest.Denied()})
	a := NewAccount(awstest.Config(t, awstest.Endpoints{CloudWatch: fake.URL}))
	e := newExporter(a.cloudwatch(), "Redrive/shop", nil, quiet())
	err := e.send(t.Context(), []datum{{minute: time.Now(), billed: billed{pipeline.MetricProcessed, index},
		set: types.StatisticSet{SampleCount: sdkaws.Float64(1), Sum: sdkaws.Float64(1), Minimum: sdkaws.Float64(1), Maximum: sdkaws.Float64(1)}}})
	if err == nil || !strings.Contains(err.Error(), "may not do cloudwatch:PutMetricData on namespace Redrive/shop") {
		t.Errorf("error = %v", err)
	}
}

func TestTwoInstallationsHaveTwoNamespaces(t *testing.T) {
	for prefix, want := range map[string]string{"redrive-": "Redrive/redrive", "shop-eu-": "Redrive/shop-eu", "": "Redrive", "-": "Redrive", "x_": "Redrive/x_"} {
		if got := (names{prefix: prefix}).namespace(); got != want {
			t.Errorf("prefix %q gives %q, want %q", prefix, got, want)
		}
	}
}
