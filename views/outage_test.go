package views

import (
	"testing"
	"time"

	"redrive/pipeline"
)

// changes makes a history, newest first, from "minute from to by" lines told in
// the order they happened.
func changes(start time.Time, lines ...pipeline.BreakerChange) []pipeline.BreakerChange {
	var out []pipeline.BreakerChange
	for i, c := range lines {
		c.At = start.Add(time.Duration(i) * time.Minute)
		c.Reason = c.From + " to " + c.To
		if c.By == "" {
			c.By = pipeline.Program
		}
		out = append([]pipeline.BreakerChange{c}, out...)
	}
	return out
}

func TestOutageOf(t *testing.T) {
	start := time.Date(2026, 5, 14, 3, 2, 10, 0, time.UTC)
	open, probe, again := pipeline.BreakerChange{From: "closed", To: "open"}, pipeline.BreakerChange{From: "open", To: "half-open"}, pipeline.BreakerChange{From: "half-open", To: "open"}
	passed := pipeline.BreakerChange{From: "half-open", To: "closed"}
	forced := pipeline.BreakerChange{From: "closed", To: "open", By: "ada"}
	for name, tt := range map[string]struct {
		state   string
		history []pipeline.BreakerChange
		want    Outage
		why     string
		rounds  string
	}{
		"closed":        {"closed", changes(start, open, probe, passed), Outage{}, "", ""},
		"just opened":   {"open", changes(start, open), Outage{Since: start, By: "redrive", Why: "closed to open"}, "Closed to open", ""},
		"third round":   {"half-open", changes(start, open, probe, again, probe, again, probe), Outage{Since: start, By: "redrive", Why: "closed to open", Rounds: 3}, "Closed to open", "2 rounds of probes since, none passed."},
		"second outage": {"open", changes(start, open, probe, passed, forced), Outage{Since: start.Add(3 * time.Minute), By: "ada", Why: "closed to open"}, "ada: “closed to open”", ""},
		"cut history":   {"open", changes(start, again, probe, again), Outage{Since: start, By: "redrive", Why: "half-open to open", Rounds: 1, AtLeast: true}, "Half-open to open", "At least 1 round of probes since, none passed."},
		"no history":    {"open", nil, Outage{Since: start, By: "redrive", Why: "because", AtLeast: true}, "Because", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := pipeline.BreakerDetail{BreakerView: pipeline.BreakerView{State: tt.state, Since: start, Reason: "because"}, History: tt.history}
			got := OutageOf(d)
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if got.why() != tt.why || got.rounds(tt.state) != tt.rounds {
				t.Errorf("says %q and %q, want %q and %q", got.why(), got.rounds(tt.state), tt.why, tt.rounds)
			}
		})
	}
}

func TestOpenRegions(t *testing.T) {
	start := time.Date(2026, 5, 14, 3, 0, 0, 0, time.UTC)
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	change := func(minute int, from, to string) pipeline.BreakerChange {
		return pipeline.BreakerChange{At: at(minute), From: from, To: to}
	}
	for name, tt := range map[string]struct {
		state   string
		history []pipeline.BreakerChange // newest first
		want    []ChartRegion
	}{
		"never":             {"closed", nil, nil},
		"all along":         {"open", nil, []ChartRegion{{From: at(0), Until: at(60), Label: "open", Tone: Fault}}},
		"since the middle":  {"open", []pipeline.BreakerChange{change(40, "half-open", "open"), change(39, "open", "half-open"), change(30, "closed", "open")}, []ChartRegion{{From: at(30), Until: at(60), Label: "open since 03:30:00", Tone: Fault}}},
		"twice":             {"closed", []pipeline.BreakerChange{change(50, "half-open", "closed"), change(45, "closed", "open"), change(20, "half-open", "closed"), change(10, "closed", "open")}, []ChartRegion{{From: at(10), Until: at(20), Tone: Fault}, {From: at(45), Until: at(50), Tone: Fault}}},
		"over before":       {"closed", []pipeline.BreakerChange{change(-5, "half-open", "closed"), change(-10, "closed", "open")}, nil},
		"began before":      {"closed", []pipeline.BreakerChange{change(5, "half-open", "closed"), change(-10, "closed", "open")}, []ChartRegion{{From: at(0), Until: at(5), Label: "open", Tone: Fault}}},
		"longer than known": {"closed", []pipeline.BreakerChange{change(5, "half-open", "closed")}, []ChartRegion{{From: at(0), Until: at(5), Label: "open", Tone: Fault}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := openRegions(pipeline.BreakerDetail{BreakerView: pipeline.BreakerView{State: tt.state}, History: tt.history}, at(0), at(60))
			if len(got) != len(tt.want) {
				t.Fatalf("got %+v, want %+v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("region %d is %+v, want %+v", i, got[i], tt.want[i])
				}
			}
		})
	}
}

func TestAnOutageBeganAfterTheLastCalls(t *testing.T) {
	start := time.Date(2026, 5, 14, 3, 0, 0, 0, time.UTC)
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	b := pipeline.BreakerDetail{BreakerView: pipeline.BreakerView{State: "closed", BreakerConfig: pipeline.BreakerConfig{Probes: 3}},
		History: []pipeline.BreakerChange{{At: at(30), From: "half-open", To: "closed"}},
		Rates:   []pipeline.Datapoint{{At: at(10), Count: 40}, {At: at(20), Count: 3}, {At: at(31), Count: 40}}}
	got := openRegions(b, at(0), at(60))
	if len(got) != 1 || !got[0].From.Equal(at(11)) || !got[0].Until.Equal(at(30)) {
		t.Errorf("got %+v, want it open from the end of the last full minute of calls", got)
	}
}

func TestRaisedRegions(t *testing.T) {
	start := time.Date(2026, 5, 14, 3, 0, 0, 0, time.UTC)
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	a := pipeline.AlarmDetail{History: []pipeline.AlarmChange{{At: at(50), From: "ok", To: "alarm"}, {At: at(10), From: "alarm", To: "ok"}, {At: at(-20), From: "ok", To: "alarm"}, {At: at(-40), From: "alarm", To: "ok"}, {At: at(-50), From: "ok", To: "alarm"}}}
	got := raisedRegions(a, at(0), at(60))
	want := []ChartRegion{{From: at(50), Until: at(60), Label: "raised", Tone: Fault}, {From: at(0), Until: at(10), Tone: Fault}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSettingsInWords(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		time.Second:                      {"1s", "1 second"},
		90 * time.Second:                 {"1m30s", "1 m 30 s"},
		15 * time.Minute:                 {"15m", "15 minutes"},
		time.Hour:                        {"1h", "1 hour"},
		90 * time.Minute:                 {"1h30m", "1 h 30 m"},
		24 * time.Hour:                   {"24h", "24 hours"},
		72 * time.Hour:                   {"72h", "3 d"},
		time.Hour + 500*time.Millisecond: {"1h0m0.5s", "1 h"},
	} {
		if got := DurationInput(d); got != want[0] {
			t.Errorf("DurationInput(%s) = %q, want %q", d, got, want[0])
		}
		if got := StuckWords(d); got != want[1] {
			t.Errorf("StuckWords(%s) = %q, want %q", d, got, want[1])
		}
	}
}

func TestAlarmPlace(t *testing.T) {
	for want, c := range map[string]pipeline.AlarmConfig{
		"/c/dead-letters?pipeline=p&step=s": {Metric: "dead_letters", Dimensions: pipeline.Dimensions{Pipeline: "p", Step: "s"}},
		"/c/sweeps":                         {Metric: "stuck_rows"},
		"/c/breakers/b%2F1":                 {Metric: "breaker_open", Dimensions: pipeline.Dimensions{Breaker: "b/1"}},
		"/c/breakers":                       {Metric: "breaker_open"},
		"/c/steps/p/s":                      {Metric: "error_rate", Dimensions: pipeline.Dimensions{Pipeline: "p", Step: "s"}},
		"/c/":                               {Metric: "error_rate", Dimensions: pipeline.Dimensions{Pipeline: "p"}},
	} {
		if _, got := alarmPlace("/c/", c); string(got) != want {
			t.Errorf("%+v leads to %q, want %q", c, got, want)
		}
	}
}
