package views

import (
	"strings"
	"testing"
	"time"
)

func TestDayLine(t *testing.T) {
	until := time.Date(2026, 5, 14, 3, 25, 0, 0, time.UTC)
	cells := make([]DayCell, dayCells)
	cells[dayCells-5] = DayCell{Calls: 100, Failed: 30}
	cells[dayCells-4] = DayCell{Calls: 100, Failed: 1}
	line := DayLine{Name: "index", Cells: cells}

	if got, want := line.sentence(until), "index: 15.5 % of 200 attempts failed in the last 24 hours; the worst five minutes were at 03:00 with 30 %"; got != want {
		t.Errorf("sentence:\n got %s\nwant %s", got, want)
	}
	last := line.quarters(until)[3]
	if want := "M67 5H69"; last.Ground != want {
		t.Errorf("ground %q, want %q: only windows with calls", last.Ground, want)
	}
	if !strings.HasPrefix(last.Dead, "M67 0h") {
		t.Errorf("the worst window stands full: %q", last.Dead)
	}
	if !strings.HasPrefix(last.Warn, "M68 6.5h") {
		t.Errorf("one in a hundred is a warning: %q", last.Warn)
	}
	if got := (DayLine{Name: "archive"}).sentence(until); got != "archive: no calls in the last 24 hours" {
		t.Errorf("without calls: %s", got)
	}
}

func TestTimeChartScale(t *testing.T) {
	for _, tt := range []struct{ value, top float64 }{{0, 1}, {0.5, 0.6}, {3, 4}, {7, 8}, {9.5, 12}, {118, 160}, {186, 240}} {
		c := TimeChartProps{Points: []ChartPoint{{Value: tt.value}}}
		if got := c.top(); got != tt.top {
			t.Errorf("highest %g: top %g, want %g", tt.value, got, tt.top)
		}
	}
}

func TestTimeChartBreaksTheLineWhereThereIsNoData(t *testing.T) {
	start := time.Date(2026, 5, 14, 3, 0, 0, 0, time.UTC)
	at := func(i int) time.Time { return start.Add(time.Duration(i) * time.Minute) }
	c := TimeChartProps{From: at(0), Until: at(4), Top: 1, Threshold: 0.5, Points: []ChartPoint{
		{At: at(0), Value: 0}, {At: at(1), Value: 0.25}, {At: at(2), None: true}, {At: at(3), Value: 0.25}, {At: at(4), Value: 1},
	}}
	fine, bad := c.lines()
	if want := "M0 200L250 150"; fine != want {
		t.Errorf("fine %q, want %q", fine, want)
	}
	if want := "M750 150L1000 0"; bad != want {
		t.Errorf("bad %q, want %q", bad, want)
	}
}
