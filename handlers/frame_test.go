package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline"
	"redrive/views"
)

type faultStub struct {
	on      []pipeline.Fault
	err     error
	started []pipeline.NewFault
	ended   []string
}

func (s *faultStub) List(context.Context) []pipeline.Fault { return s.on }

func (s *faultStub) Start(_ context.Context, n pipeline.NewFault) (pipeline.Fault, error) {
	s.started = append(s.started, n)
	return pipeline.Fault{ID: "f9", Pipeline: n.Pipeline, Step: n.Step, ErrorRate: n.ErrorRate, Throttle: n.Throttle, Latency: n.Latency}, s.err
}

func (s *faultStub) End(_ context.Context, id, reason string) (pipeline.Fault, error) {
	s.ended = append(s.ended, id+": "+reason)
	return pipeline.Fault{ID: id, Pipeline: "github", Step: "index", ErrorRate: 0.3}, s.err
}

func TestFramerSaysWhatNeedsAttention(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	state := troubled(now)
	state.Alarms = []pipeline.AlarmView{{State: pipeline.AlarmOn}, {State: pipeline.AlarmOK}}
	fault := pipeline.Fault{ID: "f1", Pipeline: "github", Step: "index", ErrorRate: 0.3, Until: now.Add(time.Minute), By: "j.lindqvist", Reason: "game day"}
	frame := NewFramer(views.Page{Base: "/x/", Env: views.Environment{Name: "production"}}, stateStub{state}, &faultStub{on: []pipeline.Fault{fault}})
	r := httptest.NewRequest(http.MethodGet, "/rows?q=octo", nil)
	r = r.WithContext(pipeline.WithActor(r.Context(), pipeline.Actor{Name: "m.okafor", Role: "operator"}))
	p := frame(r, views.SectionRows, "Rows")
	if want := (views.Tallies{DeadLetters: 132, BreakersOpen: 1, Alarms: 1}); p.Tallies != want {
		t.Errorf("tallies %+v, want %+v", p.Tallies, want)
	}
	if p.Actor != "m.okafor" || p.Role != "operator" || p.Query != "octo" || !p.ReadAt.Equal(now) || p.Env.Name != "production" {
		t.Errorf("frame %+v", p)
	}
	if len(p.Faults) != 1 || p.Faults[0].Action == nil || p.Faults[0].Action.Href != "/x/faults/f1/end" || !p.Faults[0].Action.Post {
		t.Fatalf("faults %+v", p.Faults)
	}
	want := "30 % of the index calls in github fail on purpose until " + fault.Until.Format("15:04:05") + " UTC, by j.lindqvist: “game day”."
	if got := p.Faults[0].Text; got != want {
		t.Errorf("banner %q\nwant   %q", got, want)
	}
}

// countedState counts readings and can fail.
type countedState struct {
	reads int
	err   error
	takes time.Duration
}

func (s *countedState) Overview(context.Context) (pipeline.Overview, error) {
	s.reads++
	time.Sleep(s.takes)
	return pipeline.Overview{At: time.Now()}, s.err
}

func TestFramesOfOneSecondShareAReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from := &countedState{}
		frame := NewFramer(views.Page{Base: "/"}, from, noFaults{})
		read := func() views.Page {
			return frame(httptest.NewRequest(http.MethodGet, "/", nil), views.SectionRows, "Rows")
		}
		first, second := read(), read()
		if from.reads != 1 || !first.ReadAt.Equal(second.ReadAt) {
			t.Errorf("%d readings", from.reads)
		}
		time.Sleep(stateFresh)
		if read(); from.reads != 2 {
			t.Errorf("%d readings after a second", from.reads)
		}
		time.Sleep(stateFresh)
		from.err = errStoreAway
		if p := read(); len(p.Notices) != 1 {
			t.Errorf("notices %+v", p.Notices)
		}
		if read(); from.reads != 4 {
			t.Error("a failure was kept")
		}
	})
}

// A store that takes long to fail is not asked for every page.
func TestFramesDoNotAllWaitForAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from := &countedState{err: errStoreAway, takes: 4 * time.Second}
		frame := NewFramer(views.Page{Base: "/"}, from, noFaults{})
		began := time.Now()
		for range 3 {
			if p := frame(httptest.NewRequest(http.MethodGet, "/", nil), views.SectionRows, "Rows"); len(p.Notices) != 1 {
				t.Errorf("notices %+v", p.Notices)
			}
		}
		if took := time.Since(began); took != from.takes {
			t.Errorf("three pages took %s", took)
		}
		time.Sleep(stateDown)
		from.err, from.takes = nil, 0
		if p := frame(httptest.NewRequest(http.MethodGet, "/", nil), views.SectionRows, "Rows"); len(p.Notices) != 0 {
			t.Errorf("notices %+v once it is back", p.Notices)
		}
	})
}
