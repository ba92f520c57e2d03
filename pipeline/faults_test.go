package pipeline_test

import (
	"errors"
	"testing"
	"time"

	"redrive/pipeline"
)

func (m *member) fault(d time.Duration) pipeline.Fault {
	m.t.Helper()
	return must(m.engine.Faults.Start(m.t.Context(), pipeline.NewFault{Pipeline: "p", Step: "validate", ErrorRate: 1, For: d, Reason: "game day"}))(m.t)
}

// fails tells whether a row that is sent now fails on purpose.
func (m *member) fails() bool {
	m.t.Helper()
	id := m.submit(1)[0]
	m.pass(500 * time.Millisecond)
	row := m.row(id)
	return len(row.Attempts) > 0 && row.Attempts[len(row.Attempts)-1].Error == "failed on purpose by an injected fault"
}

func (f *fleet) faultEnds() []pipeline.Entry {
	f.t.Helper()
	return must(f.last().engine.Audit.List(f.t.Context(), pipeline.AuditFilter{Action: "fault.end", Limit: 50}))(f.t).Items
}

func TestAFaultActsInEveryProcess(t *testing.T) {
	newFleet(t, 0, nil, func(t *testing.T, f *fleet) {
		console, worker := f.join(only(pipeline.OnlyConsole, diamond)), f.join(only(pipeline.OnlyWorkers, diamond))
		fault := console.fault(time.Hour)
		console.pass(2 * time.Second)
		if on := worker.engine.Faults.List(t.Context()); len(on) != 1 || on[0] != fault {
			t.Errorf("the other process has %+v on, want %+v", on, fault)
		}
		if !worker.fails() {
			t.Error("a fault started in one process does not act in another")
		}
		must(worker.engine.Faults.End(t.Context(), fault.ID, "enough"))(t)
		worker.pass(2 * time.Second)
		if on := console.engine.Faults.List(t.Context()); len(on) != 0 {
			t.Errorf("ended elsewhere and still on: %+v", on)
		}
		if worker.fails() {
			t.Error("it acts after its end")
		}
		if _, err := console.engine.Faults.End(t.Context(), fault.ID, "twice"); !errors.Is(err, pipeline.ErrNotFound) {
			t.Errorf("ending it twice: %v", err)
		}
		if ends := f.faultEnds(); len(ends) != 1 || ends[0].Reason != "enough" {
			t.Errorf("ends in the audit log: %+v", ends)
		}
	})
}

func TestAFaultEndsOnceInTime(t *testing.T) {
	newFleet(t, 3, diamond, func(t *testing.T, f *fleet) {
		a, b := f.members[0], f.members[1]
		a.fault(10 * time.Second)
		a.pass(5 * time.Second)
		v := must(b.engine.Steps.Get(t.Context(), "p", "validate"))(t)
		if v.FaultsOn != 1 {
			t.Errorf("%d faults shown", v.FaultsOn)
		}
		a.pass(20 * time.Second)
		for _, m := range f.members {
			if on := m.engine.Faults.List(t.Context()); len(on) != 0 {
				t.Errorf("still on: %+v", on)
			}
		}
		if ends := f.faultEnds(); len(ends) != 1 || ends[0].Reason != "its time was over" || ends[0].Actor != pipeline.Program {
			t.Errorf("ends in the audit log: %+v", ends)
		}
	})
}

func TestAFaultDoesNotOutliveItsProcess(t *testing.T) {
	for name, end := range map[string]func(*member){"killed": (*member).kill, "stopped": (*member).end} {
		t.Run(name, func(t *testing.T) {
			newFleet(t, 2, diamond, func(t *testing.T, f *fleet) {
				a, b := f.members[0], f.members[1]
				a.fault(time.Hour)
				a.pass(3 * time.Second)
				end(a)
				b.pass(13 * time.Second)
				if on := b.engine.Faults.List(t.Context()); len(on) != 0 {
					t.Errorf("it outlives its process: %+v", on)
				}
				if b.fails() {
					t.Error("it acts without its process")
				}
				if ends := f.faultEnds(); len(ends) != 1 {
					t.Errorf("ends in the audit log: %+v", ends)
				}
			})
		})
	}
}

func TestARestartForgetsFaults(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		must(w.engine.Faults.Start(t.Context(), pipeline.NewFault{Pipeline: "p", Step: "validate", ErrorRate: 1, For: time.Hour, Reason: "game day"}))(t)
		w.pass(2 * time.Second)
		w.restart(nil)
		ids := w.submit(3)
		w.pass(2 * time.Second)
		w.wantStatus(pipeline.StatusDone, ids...)
		if on := w.engine.Faults.List(t.Context()); len(on) != 0 {
			t.Errorf("on after a restart: %+v", on)
		}
	})
}
