package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is trouble made on purpose at one step. It ends by itself, at the
// latest with the process.
type Fault struct {
	ID             string
	Pipeline, Step string
	ErrorRate      float64       // share of calls that fail without being made, 0 to 1
	Throttle       float64       // share of calls answered "too many requests", 0 to 1
	Latency        time.Duration // added before each call
	StartedAt      time.Time
	Until          time.Time
	By             string
	Reason         string
}

// NewFault is a fault to start.
type NewFault struct {
	Pipeline, Step      string
	ErrorRate, Throttle float64
	Latency             time.Duration
	For                 time.Duration // required, up to 24 hours
	Reason              string        // required
}

const (
	faultMost    = 24 * time.Hour
	latencyMost  = 10 * time.Minute
	faultsTicked = time.Second
)

// Faults are the faults that are on. They live in this process only, so that
// none outlives it.
type Faults struct {
	e *Engine

	mu   sync.RWMutex
	list []Fault
}

func newFaults(e *Engine) *Faults { return &Faults{e: e} }

// List returns the faults that are on, the newest first.
func (f *Faults) List(context.Context) []Fault {
	f.mu.RLock()
	defer f.mu.RUnlock()
	now := time.Now()
	var list []Fault
	for _, fault := range slices.Backward(f.list) {
		if fault.Until.After(now) {
			list = append(list, fault)
		}
	}
	return list
}

// Start switches a fault on. It ends by itself after For.
func (f *Faults) Start(ctx context.Context, n NewFault) (Fault, error) {
	if err := f.validate(n); err != nil {
		return Fault{}, err
	}
	now := time.Now().UTC()
	fault := Fault{ID: NewID(), Pipeline: n.Pipeline, Step: n.Step, ErrorRate: n.ErrorRate, Throttle: n.Throttle, Latency: n.Latency,
		StartedAt: now, Until: now.Add(n.For), By: ActorFrom(ctx).Name, Reason: n.Reason}
	entry := NewEntry(ctx, "fault.start", "faults/"+fault.ID, n.Reason, map[string]any{"pipeline": n.Pipeline, "step": n.Step,
		"error_rate": n.ErrorRate, "throttle": n.Throttle, "latency": n.Latency.String(), "for": n.For.String()})
	if err := f.e.backend.Audit.Append(ctx, *entry); err != nil {
		return Fault{}, err
	}
	f.mu.Lock()
	f.list = append(f.list, fault)
	f.mu.Unlock()
	f.e.Events.Touch(TopicFaults, TopicOverview, TopicAudit, TopicSteps)
	return fault, nil
}

func (f *Faults) validate(n NewFault) error {
	switch {
	case f.e.worker(n.Pipeline, n.Step) == nil && f.e.pipeline(n.Pipeline) == nil:
		return notFound("there is no pipeline named " + n.Pipeline)
	case f.e.worker(n.Pipeline, n.Step) == nil:
		return invalid("step", "pipeline "+n.Pipeline+" has no step "+n.Step)
	case !share(n.ErrorRate):
		return invalid("error_rate", "error_rate is a share from 0 to 1")
	case !share(n.Throttle):
		return invalid("throttle", "throttle is a share from 0 to 1")
	case n.ErrorRate+n.Throttle > 1:
		return invalid("throttle", "error_rate and throttle are at most 1 together")
	case n.Latency < 0 || n.Latency > latencyMost:
		return invalid("latency", "latency is from 0s to 10m")
	case n.ErrorRate == 0 && n.Throttle == 0 && n.Latency == 0:
		return invalid("error_rate", "say what goes wrong: error_rate, throttle or latency")
	case n.For <= 0 || n.For > faultMost:
		return invalid("for", "say for how long, at most 24h: a fault always ends by itself")
	case strings.TrimSpace(n.Reason) == "":
		return invalid("reason", "say why: a fault on purpose needs a reason")
	}
	return nil
}

func share(v float64) bool { return v >= 0 && v <= 1 }

// End switches a fault off before its time, or answers ErrNotFound.
func (f *Faults) End(ctx context.Context, id, reason string) (Fault, error) {
	f.mu.RLock()
	i := slices.IndexFunc(f.list, func(x Fault) bool { return x.ID == id && x.Until.After(time.Now()) })
	f.mu.RUnlock()
	if i < 0 {
		return Fault{}, notFound("there is no fault " + id + " on; it may have ended by itself")
	}
	if err := f.e.backend.Audit.Append(ctx, *NewEntry(ctx, "fault.end", "faults/"+id, reason, nil)); err != nil {
		return Fault{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	i = slices.IndexFunc(f.list, func(x Fault) bool { return x.ID == id })
	if i < 0 {
		return Fault{}, notFound("the fault has just ended by itself")
	}
	fault := f.list[i]
	fault.Until = time.Now().UTC()
	f.list = slices.Delete(f.list, i, i+1)
	f.e.Events.Touch(TopicFaults, TopicOverview, TopicAudit, TopicSteps)
	return fault, nil
}

// run takes down the faults whose time is over and says so in the audit log.
func (f *Faults) run(ctx context.Context) error {
	return every(ctx, faultsTicked, func(ctx context.Context) {
		var over []Entry
		f.mu.Lock()
		f.list = slices.DeleteFunc(f.list, func(x Fault) bool {
			if x.Until.After(time.Now()) {
				return false
			}
			over = append(over, *NewEntry(ctx, "fault.end", "faults/"+x.ID, "its time was over", nil))
			return true
		})
		f.mu.Unlock()
		if len(over) == 0 {
			return
		}
		if err := f.e.backend.Audit.Append(ctx, over...); err != nil && ctx.Err() == nil {
			f.e.log.WarnContext(ctx, "noting the end of a fault", "error", err)
		}
		f.e.Events.Touch(TopicFaults, TopicOverview, TopicSteps, TopicAudit)
	})
}

func (f *Faults) count(pipeline, step string) int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	n := 0
	for _, x := range f.list {
		if x.Pipeline == pipeline && x.Step == step && x.Until.After(time.Now()) {
			n++
		}
	}
	return n
}

// hit plays the faults that are on at a step: it waits out their latency and
// answers in the downstream's place when chance says so.
func (f *Faults) hit(ctx context.Context, pipeline, step string, random func() float64) (Answer, bool) {
	f.mu.RLock()
	var on []Fault
	for _, x := range f.list {
		if x.Pipeline == pipeline && x.Step == step && x.Until.After(time.Now()) {
			on = append(on, x)
		}
	}
	f.mu.RUnlock()
	for _, x := range on {
		if x.Latency > 0 {
			sleep(ctx, x.Latency)
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return Answer{Kind: AnswerTransient, Error: "timeout: latency added on purpose", Cause: CauseTimeout}, true
			}
			if ctx.Err() != nil {
				return Answer{Kind: AnswerAborted}, true
			}
		}
		switch chance := random(); {
		case chance < x.ErrorRate:
			return Answer{Kind: AnswerTransient, Error: "failed on purpose by an injected fault", Cause: "fault"}, true
		case chance < x.ErrorRate+x.Throttle:
			return Answer{Kind: AnswerThrottled, StatusCode: 429, Error: "throttled on purpose by an injected fault", RetryAfter: time.Second}, true
		}
	}
	return Answer{}, false
}
