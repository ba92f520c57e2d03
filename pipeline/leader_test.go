package pipeline_test

import (
	"testing"
	"time"

	"redrive/pipeline"
)

// measured is a metric of the pipeline in one slot of ten seconds.
func (m *member) measured(metric string, at time.Time) pipeline.Datapoint {
	m.t.Helper()
	points, err := m.db.Backend().Metrics.Query(m.t.Context(), pipeline.MetricQuery{Metric: metric, Dimensions: pipeline.Dimensions{Pipeline: "p"},
		From: at.Truncate(pipeline.Resolution), To: at.Truncate(pipeline.Resolution).Add(pipeline.Resolution), Period: pipeline.Resolution})
	if err != nil {
		m.t.Fatal(err)
	}
	if len(points) == 0 {
		return pipeline.Datapoint{}
	}
	return points[0]
}

func (f *fleet) leader() *member { return f.holder("leader") }

func TestOneProcessWritesTheGauges(t *testing.T) {
	newFleet(t, 3, diamond, func(t *testing.T, f *fleet) {
		f.die(7)
		f.until(40 * time.Second)
		a := f.members[0]
		if p := a.measured(pipeline.MetricDeadLetters, f.began.Add(25*time.Second)); p.Count < 4 || p.Count > 6 || p.Sum != 7*p.Count {
			t.Errorf("dead letters in ten seconds, three processes: %+v", p)
		}
		if p := a.measured(pipeline.MetricProcessed, f.began); p.Sum != 14 {
			t.Errorf("processed by all processes: %+v, want 14", p)
		}
	})
}

func TestAnotherProcessLeadsWithinTenSeconds(t *testing.T) {
	newFleet(t, 3, diamond, func(t *testing.T, f *fleet) {
		f.until(20 * time.Second)
		first := f.leader()
		first.kill()
		within(t, 10*time.Second, "led by another", func() bool { m := f.leader(); return m != nil && m != first })
		second := f.leader()
		f.answer(func(c pipeline.Call) pipeline.Answer { time.Sleep(4 * time.Second); return ok(c) })
		second.submit(50)
		second.pass(time.Second)
		second.stop() // its calls go on
		within(t, 2*time.Second, "led by the third", func() bool { m := f.leader(); return m != nil && m != first && m != second })
	})
}

func TestAConsoleNeverLeads(t *testing.T) {
	newFleet(t, 0, diamond, func(t *testing.T, f *fleet) {
		console := f.join(only(pipeline.OnlyConsole, diamond))
		console.pass(30 * time.Second)
		if m := f.leader(); m != nil {
			t.Fatal("a console leads")
		}
		worker := f.join(only(pipeline.OnlyWorkers, diamond))
		within(t, 2*time.Second, "led", func() bool { return f.leader() == worker })
	})
}

// told counts what was told of an alarm.
func told(m *mailbox, alarm, to string) int {
	n := 0
	for _, notice := range m.notices() {
		for _, a := range notice.Alarms {
			if a.Name == alarm && a.To == to {
				n++
			}
		}
	}
	return n
}

func TestAnAlarmIsToldOnceByAllProcesses(t *testing.T) {
	slack := &mailbox{}
	newFleet(t, 3, alarmed(slack, &mailbox{}), func(t *testing.T, f *fleet) {
		f.die(8)
		f.until(time.Minute)
		if n := told(slack, "dead-letters", pipeline.AlarmOn); n != 1 {
			t.Errorf("told %d times", n)
		}
		for _, m := range f.members {
			a := m.alarm("dead-letters")
			if a.State != pipeline.AlarmOn || a.Value == nil || *a.Value != 8 || len(a.History) != 1 {
				t.Errorf("one process says %s, value %v, %d changes", a.State, a.Value, len(a.History))
			}
		}
		leader := f.leader()
		leader.kill()
		other := f.members[0]
		if other == leader {
			other = f.members[1]
		}
		other.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}})
		other.pass(time.Minute)
		if n, over := told(slack, "dead-letters", pipeline.AlarmOn), told(slack, "dead-letters", pipeline.AlarmOK); n != 1 || over != 1 {
			t.Errorf("after the one that judged was killed: told %d times that it went off, %d that it is over", n, over)
		}
	})
}

// The figures of an alarm are as fresh on the pages of a process that does not
// judge it.
func TestFiguresOfAnAlarmAreFreshEverywhere(t *testing.T) {
	newFleet(t, 2, alarmed(&mailbox{}, &mailbox{}), func(t *testing.T, f *fleet) {
		f.die(6)
		f.until(time.Minute)
		f.answer(breakIndex)
		f.members[0].submit(3)
		f.members[0].pass(25 * time.Second)
		for _, m := range f.members {
			if a := m.alarm("dead-letters"); a.Value == nil || *a.Value != 9 {
				t.Errorf("value %v, want 9", a.Value)
			}
		}
	})
}

// Whoever judges after a time in which nobody could knows nothing of that time.
func TestATakeOverSetsOffNoAlarm(t *testing.T) {
	slack := &mailbox{}
	config := func(w *world) pipeline.Config {
		c := diamond(w)
		c.Alarms = []pipeline.AlarmConfig{{Name: "silence", Metric: pipeline.MetricQueueDepth, Dimensions: pipeline.Dimensions{Pipeline: "p"}, Statistic: "max", Comparison: ">=",
			Threshold: 100, Period: 10 * time.Second, Periods: 1, Datapoints: 1, Missing: "breaching", Severity: "page"}}
		c.Routes = []pipeline.Route{{Name: "slack", Severities: []string{"page"}, Notifier: slack}}
		return c
	}
	newFleet(t, 2, config, func(t *testing.T, f *fleet) {
		f.until(41 * time.Second)
		for _, m := range f.members {
			m.wire.Cut(true)
		}
		f.until(75 * time.Second)
		for _, m := range f.members {
			m.wire.Cut(false)
		}
		f.until(2 * time.Minute)
		if n := told(slack, "silence", pipeline.AlarmOn); n != 0 {
			t.Errorf("told %d times", n)
		}
		if f.leader() == nil {
			t.Error("nobody leads any more")
		}
	})
}
