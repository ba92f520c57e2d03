package pipeline

import (
	"testing"
	"time"
)

func TestAlarmJudge(t *testing.T) {
	has := func(v float64) slot { return slot{value: v, data: true} }
	none := slot{}
	unknown := slot{unknown: true}
	for name, tt := range map[string]struct {
		missing    string
		datapoints int
		was        string
		slots      []slot
		want       string
	}{
		"all fine":                                 {"missing", 2, AlarmOK, []slot{has(1), has(2), has(3)}, AlarmOK},
		"two of three breach":                      {"missing", 2, AlarmOK, []slot{has(9), has(2), has(9)}, AlarmOn},
		"one of three breaches":                    {"missing", 2, AlarmOn, []slot{has(1), has(2), has(9)}, AlarmOK},
		"no data, missing":                         {"missing", 2, AlarmOK, []slot{none, none, none}, AlarmInsufficient},
		"no data, breaching":                       {"breaching", 2, AlarmOK, []slot{none, none, none}, AlarmOn},
		"no data, not breaching":                   {"not_breaching", 2, AlarmOn, []slot{none, none, none}, AlarmOK},
		"no data, ignore keeps alarm":              {"ignore", 2, AlarmOn, []slot{none, none, none}, AlarmOn},
		"no data, ignore keeps ok":                 {"ignore", 2, AlarmOK, []slot{none, none, none}, AlarmOK},
		"silence counts with a breach":             {"breaching", 2, AlarmOK, []slot{has(1), has(9), none}, AlarmOn},
		"before anybody measured it is no silence": {"breaching", 2, AlarmInsufficient, []slot{unknown, unknown, unknown}, AlarmInsufficient},
		"after a restart the state is kept":        {"missing", 2, AlarmOn, []slot{unknown, unknown, unknown}, AlarmOn},
		"a breach, then silence, missing":          {"missing", 2, AlarmOK, []slot{none, has(9), none}, AlarmOn},
		"a first breach, missing":                  {"missing", 2, AlarmOK, []slot{none, none, has(9)}, AlarmOK},
		"a breach, then silence, ignore":           {"ignore", 2, AlarmInsufficient, []slot{none, has(9), none}, AlarmInsufficient},
		"a breach, then silence, not breaching":    {"not_breaching", 2, AlarmOn, []slot{none, has(9), none}, AlarmOK},
		"too few can breach, ignore":               {"ignore", 2, AlarmOn, []slot{has(1), has(1), none}, AlarmOK},
		"one breach and one fine, missing":         {"missing", 2, AlarmOK, []slot{none, has(9), has(1)}, AlarmOK},
	} {
		t.Run(name, func(t *testing.T) {
			c := AlarmConfig{Metric: MetricDeadLetters, Statistic: "max", Comparison: ">=", Threshold: 5, Period: time.Minute, Periods: 3, Datapoints: tt.datapoints, Missing: tt.missing}
			got, reason := c.judge(tt.slots, tt.was)
			if got != tt.want || reason == "" {
				t.Errorf("state %s (%s), want %s", got, reason, tt.want)
			}
		})
	}
}

func TestAlarmComparisonsAndStatistics(t *testing.T) {
	p := Datapoint{Sum: 10, Count: 4, Min: 1, Max: 5}
	for statistic, want := range map[string]float64{"sum": 10, "count": 4, "min": 1, "max": 5, "average": 2.5} {
		if got := (AlarmConfig{Statistic: statistic}).value(p); got != want {
			t.Errorf("%s = %v, want %v", statistic, got, want)
		}
	}
	for comparison, want := range map[string][3]bool{">=": {false, true, true}, ">": {false, false, true}, "<=": {true, true, false}, "<": {true, false, false}} {
		for i, v := range []float64{1, 2, 3} {
			if got := (AlarmConfig{Comparison: comparison, Threshold: 2}).breaches(v); got != want[i] {
				t.Errorf("%v %s 2 is %v", v, comparison, got)
			}
		}
	}
}
