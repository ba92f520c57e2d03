package pipelinetest

import (
	"time"

	"redrive/pipeline"
)

func metricRules() []rule {
	return []rule{
		{name: "points add up", run: pointsAddUp,
			rule: "Put adds points to what is stored: sums and counts add up, minima and maxima widen."},
		{name: "points at once", run: pointsAtOnce, crowd: true,
			rule: "Points put by many callers at once add up."},
		{name: "points of other dimensions", run: pointsApart,
			rule: "Points add up for the same metric, dimensions and time, and for no others."},
		{name: "periods align", run: periodsAlign,
			rule: "Query returns one datapoint a period that has data, oldest first, aligned to the period."},
		{name: "trim keeps what is coarse", run: trimKeepsCoarse,
			rule: "Trim deletes fine points before fine; coarse ones tell the same sums until coarse."},
	}
}

const slot = pipeline.Resolution

// hour is the start of an hour the points of a case lie in: not long ago and
// aligned to every period.
func (e *env) hour() time.Time { return e.now().Truncate(time.Hour).Add(-time.Hour) }

func point(at time.Time, step string, v ...float64) pipeline.Point {
	p := pipeline.Point{Metric: pipeline.MetricDuration, Dimensions: pipeline.Dimensions{Pipeline: "single", Step: step},
		At: at, Min: v[0], Max: v[0]}
	for _, x := range v {
		p.Sum, p.Count, p.Min, p.Max = p.Sum+x, p.Count+1, min(p.Min, x), max(p.Max, x)
	}
	return p
}

func (e *env) put(points ...pipeline.Point) {
	e.Helper()
	e.ok(e.b.Metrics.Put(e.Context(), points...), "putting points")
}

func (e *env) query(step string, from, to time.Time, period time.Duration) []pipeline.Datapoint {
	e.Helper()
	e.settled()
	d, err := e.b.Metrics.Query(e.Context(), pipeline.MetricQuery{Metric: pipeline.MetricDuration,
		Dimensions: pipeline.Dimensions{Pipeline: "single", Step: step}, From: from, To: to, Period: period})
	e.ok(err, "querying")
	for i := range d {
		same(e, "location", d[i].At.Location().String(), "UTC")
	}
	return d
}

func datapoint(at time.Time, sum, count, low, high float64) pipeline.Datapoint {
	return pipeline.Datapoint{At: at, Sum: sum, Count: count, Min: low, Max: high}
}

func pointsAddUp(e *env) {
	at := e.hour()
	e.put(point(at, "deliver", 4, 2))
	e.put(point(at, "deliver", 1), point(at, "deliver", 9, 3))
	e.put(point(at, "deliver", 0.5))
	same(e, "points", e.query("deliver", at, at.Add(time.Minute), slot), []pipeline.Datapoint{datapoint(at, 19.5, 6, 0.5, 9)})
	same(e, "average", e.query("deliver", at, at.Add(time.Minute), slot)[0].Average(), 3.25)
	e.put(point(at.Add(slot), "deliver", -2, 0))
	same(e, "negative point", e.query("deliver", at.Add(slot), at.Add(2*slot), slot), []pipeline.Datapoint{datapoint(at.Add(slot), -2, 2, -2, 0)})
}

func pointsAtOnce(e *env) {
	at := e.hour()
	all := e.processes()
	crowd(20, func(i int) {
		if err := all[i%len(all)].Metrics.Put(e.Context(), point(at, "deliver", float64(i), 1)); err != nil {
			e.Errorf("putting: %v", err)
		}
	})
	same(e, "points", e.query("deliver", at, at.Add(time.Minute), slot), []pipeline.Datapoint{datapoint(at, 210, 40, 0, 19)})
}

func pointsApart(e *env) {
	at := e.hour()
	e.put(point(at, "deliver", 1), point(at, "enrich", 2), point(at.Add(slot), "deliver", 3))
	p := point(at, "deliver", 4)
	p.Metric = pipeline.MetricErrorRate
	q := point(at, "deliver", 5)
	q.Pipeline = "other"
	e.put(p, q)
	same(e, "one step", e.query("deliver", at, at.Add(slot), slot), []pipeline.Datapoint{datapoint(at, 1, 1, 1, 1)})
	same(e, "another step", e.query("enrich", at, at.Add(slot), slot), []pipeline.Datapoint{datapoint(at, 2, 1, 2, 2)})
	same(e, "a step of nobody", len(e.query("nobody", at, at.Add(slot), slot)), 0)
	d, err := e.b.Metrics.Query(e.Context(), pipeline.MetricQuery{Metric: pipeline.MetricBreakerOpen,
		Dimensions: pipeline.Dimensions{Breaker: "search"}, From: at, To: at.Add(time.Hour), Period: slot})
	e.ok(err, "querying")
	same(e, "a metric without data", len(d), 0)
}

func periodsAlign(e *env) {
	at := e.hour()
	for _, s := range []int{0, 5, 6, 11, 35} { // slots of ten seconds
		e.put(point(at.Add(time.Duration(s)*slot), "deliver", float64(s), 1))
	}
	end := at.Add(10 * time.Minute)
	minute := func(n int, sum, count, low, high float64) pipeline.Datapoint {
		return datapoint(at.Add(time.Duration(n)*time.Minute), sum, count, low, high)
	}
	same(e, "by minutes", e.query("deliver", at, end, time.Minute),
		[]pipeline.Datapoint{minute(0, 7, 4, 0, 5), minute(1, 19, 4, 1, 11), minute(5, 36, 2, 1, 35)})
	same(e, "by five minutes", e.query("deliver", at, end, pipeline.Coarse),
		[]pipeline.Datapoint{minute(0, 26, 8, 0, 11), minute(5, 36, 2, 1, 35)})
	same(e, "by hours", e.query("deliver", at, at.Add(time.Hour), time.Hour), []pipeline.Datapoint{minute(0, 62, 10, 0, 35)})
	same(e, "of one minute", e.query("deliver", at.Add(time.Minute), at.Add(2*time.Minute), time.Minute),
		[]pipeline.Datapoint{minute(1, 19, 4, 1, 11)})
	same(e, "slots", len(e.query("deliver", at, end, slot)), 5)
	same(e, "of a time without data", len(e.query("deliver", at.Add(2*time.Minute), at.Add(5*time.Minute), slot)), 0)
}

func trimKeepsCoarse(e *env) {
	at := e.hour()
	e.put(point(at, "deliver", 1, 2), point(at.Add(3*slot), "deliver", 7))
	young := at.Add(30 * time.Minute)
	e.put(point(young, "deliver", 4))
	end := at.Add(time.Hour)
	coarse := e.query("deliver", at, end, pipeline.Coarse)
	same(e, "points of five minutes", coarse, []pipeline.Datapoint{datapoint(at, 10, 3, 1, 7), datapoint(young, 4, 1, 4, 4)})

	e.ok(e.b.Metrics.Trim(e.Context(), at.Add(15*time.Minute), at.Add(-time.Hour)), "trimming")
	same(e, "points of five minutes, fine ones trimmed", e.query("deliver", at, end, pipeline.Coarse), coarse)
	same(e, "young slots", len(e.query("deliver", young, end, slot)), 1)

	e.ok(e.b.Metrics.Trim(e.Context(), at.Add(15*time.Minute), at.Add(15*time.Minute)), "trimming")
	same(e, "points of five minutes, coarse ones trimmed", e.query("deliver", at, end, pipeline.Coarse), coarse[1:])

	e.put(point(at, "deliver", 5))
	e.ok(e.b.Metrics.Trim(e.Context(), at.Add(-time.Hour), at.Add(15*time.Minute)), "trimming")
	same(e, "slots, coarse ones trimmed", len(e.query("deliver", at, young, slot)), 0)
}
