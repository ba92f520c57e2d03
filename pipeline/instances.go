package pipeline

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

const (
	kindInstance = "instance"
	keepInstance = 26 * time.Hour   // of its record, however wrong its clock may be
	showInstance = 10 * time.Minute // of one that went without a word
	shownGone    = 10 * time.Second // a silence after which pages say so
	longGone     = 30 * time.Second // a first sight this old, by the clock, is of one that is gone
)

// InstanceView is one of the processes that run on the same store.
type InstanceView struct {
	ID        string
	Name      string // what attempts call it
	Runs      string // "all", OnlyConsole or OnlyWorkers
	Version   string
	State     InstanceState
	Self      bool // the process that answers
	Leads     bool // it writes the gauges and judges the alarms
	StartedAt time.Time
	SeenAt    time.Time // its last sign of life
	Steps     []InstanceStep
}

// InstanceState is what is known of a process.
type InstanceState string

// The states of a process.
const (
	InstanceRunning  InstanceState = "running"
	InstanceStopping InstanceState = "stopping" // takes no more work, lets calls end
	InstanceGone     InstanceState = "gone"     // without a word, for more than ten seconds
)

// InstanceStep is what a process does at one step.
type InstanceStep struct {
	StepKey
	Concurrency int // calls it may make at once
	Running     int // calls it makes now
}

// instance is the sign of life a process stores.
type instance struct {
	Name      string              `json:"name"`
	Only      string              `json:"only,omitempty"`
	Version   string              `json:"version,omitempty"`
	StartedAt time.Time           `json:"started"`
	SeenAt    time.Time           `json:"seen"`
	Stopping  bool                `json:"stopping,omitempty"`
	Steps     map[string][4]int64 `json:"steps,omitempty"`    // by settingID: concurrency, running, median and 95th percentile in ms
	Breakers  map[string][3]int64 `json:"breakers,omitempty"` // round, and calls and failed ones of its window
	Arrivals  map[string]float64  `json:"arrivals,omitempty"` // rows a second, by pipeline
}

// Instances returns the processes that run on this store and those that went
// lately without a word, this one first. A store with one process has no list.
func (e *Engine) Instances(context.Context) ([]InstanceView, error) {
	if !e.fleet.shared {
		return nil, nil
	}
	return e.fleet.views(), nil
}

// processes is how many processes work on a step.
func (e *Engine) processes(step string) int {
	n, _ := e.fleet.share(step)
	if !e.worksSteps() {
		n--
	}
	return n
}

// instance is this process's own sign of life.
func (e *Engine) instance() instance {
	in := instance{Name: e.cfg.Worker, Only: e.cfg.Only, Version: e.cfg.Version, StartedAt: e.fleet.started, SeenAt: time.Now().UTC(),
		Stopping: e.fleet.stopping.Load(), Steps: map[string][4]int64{}, Breakers: map[string][3]int64{}, Arrivals: e.observer.arrivalRates()}
	if e.worksSteps() {
		for _, w := range e.workers {
			p50, p95 := w.meter.percentiles()
			in.Steps[settingID(w.pipeline, w.step.Name)] = [4]int64{int64(w.limits.most()), int64(w.running()), p50.Milliseconds(), p95.Milliseconds()}
		}
	}
	for _, g := range e.Breakers.guards {
		if round, calls, failed := g.counted(); calls > 0 {
			in.Breakers[g.name] = [3]int64{round, int64(calls), int64(failed)}
		}
	}
	return in
}

func (in instance) view(id string) InstanceView {
	v := InstanceView{ID: id, Name: in.Name, Runs: cmp.Or(in.Only, "all"), Version: in.Version, State: InstanceRunning,
		StartedAt: in.StartedAt, SeenAt: in.SeenAt, Steps: []InstanceStep{}}
	if in.Stopping {
		v.State = InstanceStopping
	}
	for id, n := range in.Steps {
		pipeline, step, _ := strings.Cut(id, "/")
		v.Steps = append(v.Steps, InstanceStep{StepKey: StepKey{pipeline, step}, Concurrency: int(n[0]), Running: int(n[1])})
	}
	slices.SortFunc(v.Steps, func(a, b InstanceStep) int {
		return cmp.Or(cmp.Compare(a.Pipeline, b.Pipeline), cmp.Compare(a.Step, b.Step))
	})
	return v
}

// share is how many processes work on a step, this one among them, and whether
// all of them know of each other by now.
func (f *fleet) share(step string) (n int, settled bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	n = 1
	for _, s := range f.others {
		if _, works := s.Steps[step]; works && !s.Stopping && s.lives(goneAfter) {
			n++
		}
	}
	return n, n == 1 || !time.Now().Before(f.joined)
}

// calls adds up the other processes' windows of a breaker in its present round.
func (f *fleet) calls(breaker string, round int64) (calls, failed int) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, s := range f.others {
		if n := s.Breakers[breaker]; n[0] == round && s.lives(goneAfter) {
			calls, failed = calls+int(n[1]), failed+int(n[2])
		}
	}
	return calls, failed
}

// arrivals are the rows a second that other processes take in.
func (f *fleet) arrivals(pipeline string) (rate float64) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, s := range f.others {
		if s.lives(goneAfter) {
			rate += s.Arrivals[pipeline]
		}
	}
	return rate
}

// percentiles are the worst of the other processes' for a step.
func (f *fleet) percentiles(step string) (p50, p95 time.Duration) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, s := range f.others {
		if n := s.Steps[step]; s.lives(goneAfter) {
			p50, p95 = max(p50, time.Duration(n[2])*time.Millisecond), max(p95, time.Duration(n[3])*time.Millisecond)
		}
	}
	return p50, p95
}

func (f *fleet) views() []InstanceView {
	self := f.e.instance().view(f.id)
	self.Self = true
	f.mu.RLock()
	defer f.mu.RUnlock()
	list := make([]InstanceView, 0, len(f.others)+1)
	for id, s := range f.others {
		if s.lives(showInstance) || time.Since(s.SeenAt) < showInstance {
			list = append(list, s.view(id))
		}
	}
	slices.SortFunc(list, func(a, b InstanceView) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	list = slices.Insert(list, 0, self)
	for i := range list {
		list[i].Leads = list[i].ID == f.leases[leaseLeader].Holder && list[i].State != InstanceGone
	}
	return list
}
