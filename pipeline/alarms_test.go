package pipeline_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
)

// mailbox keeps what it was told; with an error it takes nothing.
type mailbox struct {
	mu   sync.Mutex
	got  []pipeline.Notice
	fail error
}

func (m *mailbox) Notify(_ context.Context, n pipeline.Notice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, n)
	return m.fail
}

func (m *mailbox) notices() []pipeline.Notice {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.got
}

func alarmed(slack, pager *mailbox) func(*world) pipeline.Config {
	return func(w *world) pipeline.Config {
		c := diamond(w)
		alarm := func(name, metric, statistic string, threshold float64, severity string, d pipeline.Dimensions) pipeline.AlarmConfig {
			return pipeline.AlarmConfig{Name: name, Metric: metric, Statistic: statistic, Comparison: ">=", Threshold: threshold, Period: 10 * time.Second,
				Periods: 1, Datapoints: 1, Missing: "not_breaching", Severity: severity, Dimensions: d}
		}
		c.Alarms = []pipeline.AlarmConfig{
			alarm("dead-letters", pipeline.MetricDeadLetters, "max", 5, "notice", pipeline.Dimensions{Pipeline: "p"}),
			alarm("dead-at-index", pipeline.MetricDeadLetters, "max", 1, "notice", pipeline.Dimensions{Pipeline: "p", Step: "index"}),
			alarm("errors", pipeline.MetricErrorRate, "average", 0.2, "page", pipeline.Dimensions{}),
			alarm("stuck", pipeline.MetricStuckRows, "max", 1, "notice", pipeline.Dimensions{}),
		}
		c.Routes = []pipeline.Route{{Name: "slack", Severities: []string{"notice", "page"}, Notifier: slack}, {Name: "pager", Severities: []string{"page"}, Notifier: pager}}
		return c
	}
}

func (w *world) alarm(name string) pipeline.AlarmDetail {
	w.t.Helper()
	return must(w.engine.Alarms.Get(w.t.Context(), name))(w.t)
}

func TestAlarmStormSendsOneMessage(t *testing.T) {
	slack, pager := &mailbox{}, &mailbox{fail: errors.New("answered 500")}
	newWorld(t, alarmed(slack, pager), func(t *testing.T, w *world) {
		w.die(8)
		w.pass(time.Minute)
		for _, name := range []string{"dead-letters", "dead-at-index"} {
			a := w.alarm(name)
			if a.State != pipeline.AlarmOn || a.Value == nil || *a.Value != 8 {
				t.Errorf("%s is %s", name, a.State)
			}
			if len(a.History) == 0 || len(a.History[0].Notified) != 1 || !a.History[0].Notified[0].OK {
				t.Errorf("history of %s = %+v", name, a.History)
			}
		}
		told := map[string]int{}
		for _, n := range slack.notices() {
			for _, a := range n.Alarms {
				told[a.Name+" "+a.To]++
			}
		}
		if len(slack.notices()) > 3 || told["dead-letters alarm"] != 1 || told["dead-at-index alarm"] != 1 || told["errors alarm"] != 1 {
			t.Errorf("%d messages: %v", len(slack.notices()), told)
		}
		var failed *pipeline.Notified
		for _, h := range w.alarm("errors").History {
			for _, n := range h.Notified {
				if n.Route == "pager" {
					failed = &n
				}
			}
		}
		if failed == nil || failed.OK || failed.Error != "answered 500" {
			t.Errorf("the pager's failure is kept as %+v", failed)
		}
	})
}

func TestAlarmEndsAndSurvives(t *testing.T) {
	slack, pager := &mailbox{}, &mailbox{}
	newWorld(t, alarmed(slack, pager), func(t *testing.T, w *world) {
		w.die(8)
		w.pass(20 * time.Second)
		w.restart(nil)
		w.pass(3 * time.Second)
		if a := w.alarm("dead-letters"); a.State != pipeline.AlarmOn || len(a.History) != 1 {
			t.Errorf("after a restart: %s, %d changes", a.State, len(a.History))
		}
		w.answer(ok)
		w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}})
		w.pass(time.Minute)
		a := w.alarm("dead-letters")
		if a.State != pipeline.AlarmOK || a.History[0].From != pipeline.AlarmOn || a.History[0].To != pipeline.AlarmOK {
			t.Errorf("after the redrive: %s, %+v", a.State, a.History)
		}
	})
}

func TestSweepRaisesItsOwnAlarm(t *testing.T) {
	slack, pager := &mailbox{}, &mailbox{}
	newWorld(t, alarmed(slack, pager), func(t *testing.T, w *world) {
		w.lose(2)
		w.pass(2 * time.Minute)
		w.sweep(false)
		w.pass(5 * time.Second)
		if a := w.alarm("stuck"); a.State != pipeline.AlarmOn {
			t.Errorf("stuck is %s: %s", a.State, a.Reason)
		}
	})
}

func TestFaultsEndByThemselves(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		ctx := t.Context()
		for name, n := range map[string]pipeline.NewFault{
			"no reason": {Pipeline: "p", Step: "index", ErrorRate: 1, For: time.Minute},
			"no end":    {Pipeline: "p", Step: "index", ErrorRate: 1, Reason: "x"},
			"no step":   {Pipeline: "p", Step: "zebra", ErrorRate: 1, For: time.Minute, Reason: "x"},
			"nothing":   {Pipeline: "p", Step: "index", For: time.Minute, Reason: "x"},
			"too much":  {Pipeline: "p", Step: "index", ErrorRate: 0.7, Throttle: 0.7, For: time.Minute, Reason: "x"},
		} {
			if _, err := w.engine.Faults.Start(ctx, n); !errors.Is(err, pipeline.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(w.engine.Faults.Start(ctx, pipeline.NewFault{Pipeline: "p", Step: "index", ErrorRate: 1, For: 30 * time.Second, Reason: "game day"}))(t)
		slow := must(w.engine.Faults.Start(ctx, pipeline.NewFault{Pipeline: "p", Step: "notify", Latency: 2 * time.Second, For: time.Hour, Reason: "game day"}))(t)
		ids := w.submit(3)
		w.pass(time.Second)
		for _, id := range ids {
			if s := w.state(id, "index"); s != pipeline.StateRetrying {
				t.Errorf("index is %s under a fault", s)
			}
			if s := w.state(id, "notify"); s != pipeline.StateRunning {
				t.Errorf("notify is %s under latency", s)
			}
		}
		if n := len(w.made(at("index"))); n != 0 {
			t.Errorf("the downstream was called %d times through the fault", n)
		}
		must(w.engine.Faults.End(ctx, slow.ID, "enough"))(t)
		w.pass(time.Minute)
		ends := must(w.engine.Audit.List(ctx, pipeline.AuditFilter{Action: "fault.end", Limit: 10}))(t)
		if len(ends.Items) != 2 || ends.Items[0].Actor != pipeline.Program {
			t.Errorf("the ends in the audit log: %+v", ends.Items)
		}
		if on := w.engine.Faults.List(ctx); len(on) != 0 {
			t.Errorf("faults still on: %+v", on)
		}
		if _, err := w.engine.Faults.End(ctx, slow.ID, ""); !errors.Is(err, pipeline.ErrNotFound) {
			t.Errorf("ending it twice: %v", err)
		}
	})
}

func TestStuckRowsOfAPipelineRaiseItsAlarm(t *testing.T) {
	config := func(w *world) pipeline.Config {
		c := diamond(w)
		c.Alarms = []pipeline.AlarmConfig{{Name: "stuck", Metric: pipeline.MetricStuckRows, Dimensions: pipeline.Dimensions{Pipeline: "p"}, Statistic: "max",
			Comparison: ">=", Threshold: 1, Period: time.Minute, Periods: 1, Datapoints: 1, Missing: "not_breaching"}}
		return c
	}
	newWorld(t, config, func(t *testing.T, w *world) {
		w.lose(3)
		w.pass(2 * time.Minute)
		w.sweep(false)
		w.pass(5 * time.Second)
		if a := w.alarm("stuck"); a.State != pipeline.AlarmOn {
			t.Errorf("alarm = %+v", a.AlarmView)
		}
	})
}

func TestRecoveryIsToldAfterARestart(t *testing.T) {
	slack := &mailbox{}
	newWorld(t, alarmed(slack, &mailbox{}), func(t *testing.T, w *world) {
		w.die(8)
		w.pass(time.Minute)
		w.close()
		time.Sleep(5 * time.Minute)
		w.open()
		w.answer(ok)
		w.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}})
		w.pass(2 * time.Minute)
		told := map[string]int{}
		for _, n := range slack.notices() {
			for _, a := range n.Alarms {
				told[a.Name+" "+a.To]++
			}
		}
		if told["dead-letters alarm"] != 1 || told["dead-letters ok"] != 1 {
			t.Errorf("told %v; history %+v", told, w.alarm("dead-letters").History)
		}
	})
}

func TestRecoveryIsToldAfterSilence(t *testing.T) {
	slack := &mailbox{}
	config := func(w *world) pipeline.Config {
		c := alarmed(slack, &mailbox{})(w)
		for i := range c.Alarms {
			c.Alarms[i].Missing = "missing"
		}
		return c
	}
	newWorld(t, config, func(t *testing.T, w *world) {
		w.die(8)
		w.pass(10 * time.Minute)
		w.answer(ok)
		w.submit(50)
		w.pass(2 * time.Minute)
		told := map[string]int{}
		for _, n := range slack.notices() {
			for _, a := range n.Alarms {
				told[a.Name+" "+a.To]++
			}
		}
		if told["errors alarm"] != 1 || told["errors ok"] != 1 {
			t.Errorf("told %v; history %+v", told, w.alarm("errors").History)
		}
	})
}
