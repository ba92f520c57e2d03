package pipeline

import (
	"slices"
	"time"
)

// behindLeast is the backlog below which a step is never called behind: a
// second's worth is on its way, not stuck.
const behindLeast = 2

// view is a configured step as it stands.
func (s *Steps) view(w *worker) StepView {
	return s.viewWith(w, s.e.observer.stepCounts(w.pipeline, w.step.Name))
}

func (s *Steps) viewWith(w *worker, counts StepCounts) StepView {
	key := StepKey{w.pipeline, w.step.Name}
	s.mu.RLock()
	o := s.overrides[settingID(w.pipeline, w.step.Name)]
	s.mu.RUnlock()
	v := StepView{Pipeline: w.pipeline, Name: w.step.Name, Needs: w.step.Needs, Breaker: w.step.Breaker,
		Counts: counts, Target: w.step.Target, Timeout: w.step.Timeout,
		Attempts: w.step.Retry.Attempts, Base: w.step.Retry.Base, Cap: w.step.Retry.Cap, Jitter: string(w.step.Retry.Jitter),
		Permanent: w.step.Permanent, Exclusive: w.step.Exclusive, Settings: inForce(w.step, o), Configured: inForce(w.step, override{}),
		FaultsOn: s.e.Faults.count(w.pipeline, w.step.Name)}
	if v.Settings != v.Configured {
		v.ChangedBy, v.ChangedAt, v.ChangedWhy = o.By, o.At, o.Reason
	}
	v.Arrivals, v.Departures = s.e.observer.stepPace(key)
	if v.P50, v.P95 = w.meter.percentiles(); v.P95 == 0 {
		v.P50, v.P95 = s.e.fleet.percentiles(settingID(w.pipeline, w.step.Name))
	}
	v.Processes = s.e.processes(settingID(w.pipeline, w.step.Name))
	if w.guard != nil {
		b := s.e.Breakers.view(w.guard)
		v.BreakerView, v.BreakerState, v.BreakerHeld = &b, b.State, b.Held
	}
	v.fallBehind()
	return v
}

// fallBehind marks a step whose arrivals outrun its rate, and says how long its
// backlog takes at the present rate.
func (v *StepView) fallBehind() {
	backlog := float64(v.Counts.Queued + v.Counts.Retrying)
	pace := v.Settings.Rate
	if pace == 0 {
		pace = v.Departures
	}
	if backlog > 0 && pace > 0 && !v.Settings.Paused {
		v.DrainIn = time.Duration(backlog / pace * float64(time.Second))
	}
	rate := v.Settings.Rate
	v.Behind = rate > 0 && !v.Settings.Paused && v.Arrivals > rate && backlog >= max(behindLeast, rate)
}

// gone are steps that are no longer configured and still hold messages.
func (s *Steps) gone(pipeline, step string) (StepView, bool) {
	c := s.e.observer.stepCounts(pipeline, step)
	if c.Queued+c.Running+c.Retrying+c.Dead+c.Waiting == 0 {
		return StepView{}, false
	}
	return StepView{Pipeline: pipeline, Name: step, Counts: c, Gone: true}, true
}

// gonePipelines are those that left the configuration and still hold messages.
func (s *Steps) gonePipelines() []string {
	s.e.observer.mu.RLock()
	defer s.e.observer.mu.RUnlock()
	var names []string
	for key := range s.e.observer.counts.Steps {
		if s.e.pipeline(key.Pipeline) == nil && !slices.Contains(names, key.Pipeline) {
			names = append(names, key.Pipeline)
		}
	}
	slices.Sort(names)
	return names
}

// goneSteps are all of a pipeline, by name.
func (s *Steps) goneSteps(pipeline string) []StepView {
	s.e.observer.mu.RLock()
	var names []string
	for key := range s.e.observer.counts.Steps {
		if key.Pipeline == pipeline && s.e.worker(pipeline, key.Step) == nil {
			names = append(names, key.Step)
		}
	}
	s.e.observer.mu.RUnlock()
	slices.Sort(names)
	var views []StepView
	for _, name := range names {
		if v, ok := s.gone(pipeline, name); ok {
			views = append(views, v)
		}
	}
	return views
}
