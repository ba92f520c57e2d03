package pipeline_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
)

// listener is an open page: it notes what it is told.
type listener struct {
	mu     sync.Mutex
	topics []string
}

func (m *member) listen(ctx context.Context) *listener {
	l := &listener{}
	news := m.engine.Events.Subscribe(ctx)
	go func() {
		for topics := range news {
			l.mu.Lock()
			l.topics = append(l.topics, topics...)
			l.mu.Unlock()
		}
	}()
	return l
}

// take answers what it was told since the last time.
func (l *listener) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	told := l.topics
	l.topics = nil
	return slices.Compact(slices.Sorted(slices.Values(told)))
}

func TestPagesLearnWhatOtherProcessesDo(t *testing.T) {
	newFleet(t, 0, nil, func(t *testing.T, f *fleet) {
		worker, console := f.join(guarded), f.join(only(pipeline.OnlyConsole, guarded))
		f.until(10 * time.Second)
		ctx, hangUp := context.WithCancel(t.Context())
		defer hangUp()
		page := console.listen(ctx)
		f.until(20 * time.Second)
		if told := page.take(); len(told) != 0 {
			t.Errorf("nothing happens and a page is told of %v", told)
		}
		no, rate := false, 7.0
		var op pipeline.Operation
		for _, tt := range []struct {
			what   string
			do     func()
			topics []string
		}{
			{"rows pass", func() { worker.submit(3) }, []string{pipeline.TopicOverview, pipeline.TopicRows, pipeline.TopicSteps, pipeline.TopicAnyRow}},
			{"rows die", func() { worker.answer(breakIndex); worker.submit(3) }, []string{pipeline.TopicLetters, pipeline.TopicOverview}},
			{"a breaker is forced", func() {
				must(worker.engine.Breakers.Force(ctx, "downstream", pipeline.ForceRequest{State: "closed", Reason: "x"}))(t)
			}, []string{pipeline.TopicBreakers}},
			{"a step is changed", func() {
				must(worker.engine.Steps.Change(ctx, "p", "index", pipeline.StepChange{Rate: &rate, Reason: "x"}))(t)
			}, []string{pipeline.TopicSteps, pipeline.TopicAudit}},
			{"the schedule is changed", func() {
				must(worker.engine.Sweeps.SetSchedule(ctx, pipeline.ScheduleChange{Enabled: &no, Reason: "x"}))(t)
			}, []string{pipeline.TopicSweeps}},
			{"a sweep runs", func() { must(worker.engine.Sweeps.Start(ctx, true, ""))(t) }, []string{pipeline.TopicSweeps}},
			{"a fault begins", func() { worker.fault(time.Hour) }, []string{pipeline.TopicFaults}},
			{"an operation begins", func() { op = worker.redrive(0.1) }, []string{pipeline.TopicOperations}},
			{"it is paused", func() { must(worker.engine.Operations.Pause(ctx, op.ID, "x"))(t) }, []string{pipeline.TopicOperations}},
			{"it is cancelled", func() { must(worker.engine.Operations.Cancel(ctx, op.ID, "x"))(t) }, []string{pipeline.TopicOperations}},
			{"a process joins", func() { f.join(guarded) }, []string{pipeline.TopicOverview}},
		} {
			page.take()
			tt.do()
			console.pass(2600 * time.Millisecond) // two seconds, and half a second in which news are gathered
			told := page.take()
			for _, topic := range tt.topics {
				if !slices.Contains(told, topic) {
					t.Errorf("%s: a page of another process is told of %v, not of %s", tt.what, told, topic)
				}
			}
			console.pass(10 * time.Second)
		}
	})
}

func TestAnAlarmIsNewsEverywhere(t *testing.T) {
	newFleet(t, 2, alarmed(&mailbox{}, &mailbox{}), func(t *testing.T, f *fleet) {
		ctx, hangUp := context.WithCancel(t.Context())
		defer hangUp()
		f.until(10 * time.Second)
		pages := []*listener{f.members[0].listen(ctx), f.members[1].listen(ctx)}
		f.die(8)
		f.until(time.Minute)
		for i, page := range pages {
			if told := page.take(); !slices.Contains(told, pipeline.TopicAlarms) {
				t.Errorf("page %d is told of %v", i, told)
			}
		}
	})
}
