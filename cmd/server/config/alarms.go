package config

import (
	"slices"
	"time"
)

// Metrics are what an alarm can watch.
func Metrics() []string {
	var names []string
	for _, a := range usual() {
		names = append(names, a.Metric)
	}
	return names
}

// usual gives, for each metric, the alarm on it with everything left out. The
// first five are those a file without alarms gets.
func usual() []Alarm {
	a := Alarm{Statistic: "max", Comparison: ">=", Period: time.Minute, Periods: 1, Datapoints: 1, Missing: "not_breaching", Severity: "notice"}
	with := func(name, metric string, threshold float64, severity string) Alarm {
		b := a
		b.Name, b.Metric, b.Threshold, b.Severity = name, metric, threshold, severity
		return b
	}
	errorRate := with("high-error-rate", "error_rate", 0.03, "page")
	errorRate.Statistic, errorRate.Periods, errorRate.Datapoints = "average", 3, 3
	return []Alarm{
		with("dead-letters", "dead_letters", 5, "notice"),
		errorRate,
		with("oldest-waiting-row", "oldest_waiting_seconds", 900, "page"),
		with("stuck-rows", "stuck_rows", 1, "notice"),
		with("breaker-open", "breaker_open", 1, "page"),
		with("queue-depth", "queue_depth", 1000, "notice"),
	}
}

// DefaultAlarms are those of a configuration that has no alarms of its own, each
// over all pipelines: dead letters, error rate, oldest waiting row, stuck rows
// found by a sweep, breaker open.
func DefaultAlarms() []Alarm { return usual()[:5] }

func alarms(s *section, c *Config) []Alarm {
	items, given := s.items("alarms")
	if !given {
		return DefaultAlarms()
	}
	as := make([]Alarm, 0, len(items))
	for _, n := range items {
		below := s.r.section("alarm", lineOf(n), n)
		a := alarm(below)
		e, _ := below.get("name")
		if a.Name != "" && slices.ContainsFunc(as, func(b Alarm) bool { return b.Name == a.Name }) {
			s.r.mistake(e.line, "give it another name", "there are two alarms called %q", a.Name)
		}
		a.checkTarget(below, c)
		as = append(as, a)
	}
	return as
}

func alarm(s *section) Alarm {
	defer s.close()
	a := Alarm{
		Name:   required(s, "name", "name: and what to call it", name),
		Metric: required(s, "metric", "metric: dead_letters or another", oneOf(Metrics()...)),
	}
	d := leftOut(a.Metric)
	a.Pipeline = read(s, "pipeline", "", optional(name))
	a.Step = read(s, "step", "", optional(name))
	a.Breaker = read(s, "breaker", "", optional(name))
	a.Statistic = read(s, "statistic", d.Statistic, oneOf("average", "sum", "min", "max", "count"))
	a.Comparison = read(s, "comparison", d.Comparison, oneOf(">=", ">", "<=", "<"))
	a.Threshold = read(s, "threshold", d.Threshold, number(0, 1e15, false))
	a.Period = read(s, "period", d.Period, period)
	a.Periods = read(s, "periods", 1, whole(1, 1440))
	a.Datapoints = read(s, "datapoints", a.Periods, whole(1, 1440))
	a.Missing = read(s, "missing", d.Missing, oneOf("missing", "breaching", "not_breaching", "ignore"))
	a.Severity = read(s, "severity", "notice", severity())
	a.checkWindow(s)
	return a
}

func leftOut(metric string) Alarm {
	all := usual()
	if i := slices.IndexFunc(all, func(a Alarm) bool { return a.Metric == metric }); i >= 0 {
		return all[i]
	}
	return all[0]
}

// period reads how long a data point is: 10s, 30s or whole minutes.
func period(text string) (time.Duration, *fault) {
	d, f := duration(10*time.Second, 24*time.Hour)(text)
	if f == nil && d != 10*time.Second && d != 30*time.Second && d%time.Minute != 0 {
		return 0, &fault{"is not a period", "write 10s, 30s or whole minutes"}
	}
	return d, f
}

func severity() parse[string] { return oneOf("notice", "page") }

func (a Alarm) checkWindow(s *section) {
	if a.Datapoints > a.Periods {
		e, _ := s.get("datapoints")
		s.r.mistake(e.line, "give at most as many as periods", "%d datapoints cannot come from %d periods", a.Datapoints, a.Periods)
	}
	if time.Duration(a.Periods)*a.Period > 24*time.Hour {
		e, _ := s.get("periods")
		s.r.mistake(e.line, "look at no more than a day", "%d periods of %s are more than a day", a.Periods, spell(a.Period))
	}
	if e, given := s.get("threshold"); given && a.Metric == "error_rate" && a.Threshold > 1 {
		s.r.mistake(lineOf(e.value), "write 0.03 for 3 %", "error_rate is a share from 0 to 1, so it never reaches %g", a.Threshold)
	}
}
