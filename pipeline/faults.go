package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is trouble made on purpose at one step, in every process. It ends by
// itself, at the latest with the process that started it.
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
	kindFault    = "fault"
	faultMost    = 24 * time.Hour
	latencyMost  = 10 * time.Minute
	faultsTicked = 750 * time.Millisecond
	faultKept    = time.Minute // longer than it lasts, so that somebody notes its end
)

// Faults are the faults that are on, in every process.
type Faults struct {
	e *Engine

	writing sync.Mutex // one of this process writes or reads the store, so that what it read is not late
	mu      sync.RWMutex
	list    []storedFault // newest first
}

// storedFault is a fault with the process that started it: it does not outlive
// that one.
type storedFault struct {
	Fault
	Owner   string
	version int64
}

func newFaults(e *Engine) *Faults { return &Faults{e: e} }

// List returns the faults that are on, the newest first.
func (f *Faults) List(context.Context) []Fault {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var list []Fault
	for _, x := range f.list {
		if f.on(x) {
			list = append(list, x.Fault)
		}
	}
	return list
}

func (f *Faults) on(x storedFault) bool {
	return x.Until.After(time.Now()) && f.e.fleet.present(x.Owner)
}

// Start switches a fault on. It ends by itself after For.
func (f *Faults) Start(ctx context.Context, n NewFault) (fault Fault, err error) {
	entry := NewEntry(ctx, "fault.start", "faults", n.Reason, nil)
	defer f.e.Audit.failed(ctx, entry, &err)
	if err := f.validate(n); err != nil {
		return Fault{}, err
	}
	now := time.Now().UTC()
	fault = Fault{ID: NewID(), Pipeline: n.Pipeline, Step: n.Step, ErrorRate: n.ErrorRate, Throttle: n.Throttle, Latency: n.Latency,
		StartedAt: now, Until: now.Add(n.For), By: ActorFrom(ctx).Name, Reason: n.Reason}
	entry.Object = "faults/" + fault.ID
	entry.with(beforeAfter(nil, faultDetail(fault), map[string]any{"pipeline": n.Pipeline, "step": n.Step,
		"error_rate": n.ErrorRate, "throttle": n.Throttle, "latency": n.Latency.String(), "for": n.For.String()}))
	if err := f.store(ctx, entry, storedFault{Fault: fault, Owner: f.e.fleet.id}); err != nil {
		return Fault{}, err
	}
	return fault, nil
}

// faultDetail is what the audit says of a fault that is on.
func faultDetail(x Fault) map[string]any {
	return map[string]any{"pipeline": x.Pipeline, "step": x.Step, "error_rate": x.ErrorRate, "throttle": x.Throttle,
		"latency": x.Latency.String(), "until": x.Until.UTC().Truncate(time.Second)}
}

func (f *Faults) store(ctx context.Context, entry *Entry, x storedFault) error {
	data, err := json.Marshal(x)
	if err != nil {
		return err
	}
	f.writing.Lock()
	defer f.writing.Unlock()
	if err := f.e.backend.Records.Put(ctx, entry, Record{Kind: kindFault, ID: x.ID, Data: data, ExpiresAt: x.Until.Add(faultKept)}); err != nil {
		return fmt.Errorf("storing a fault: %w", err)
	}
	x.version = 1
	f.mu.Lock()
	f.list = slices.Insert(f.list, 0, x)
	f.mu.Unlock()
	f.touch()
	return nil
}

func (f *Faults) touch() { f.e.Events.Touch(TopicFaults, TopicOverview, TopicAudit, TopicSteps) }

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

// End switches a fault off before its time, in every process, or answers
// ErrNotFound.
func (f *Faults) End(ctx context.Context, id, reason string) (fault Fault, err error) {
	entry := NewEntry(ctx, "fault.end", "faults/"+id, reason, nil)
	defer f.e.Audit.failed(ctx, entry, &err)
	f.mu.RLock()
	i := slices.IndexFunc(f.list, func(x storedFault) bool { return x.ID == id && f.on(x) })
	var x storedFault
	if i >= 0 {
		x = f.list[i]
	}
	f.mu.RUnlock()
	if i < 0 {
		return Fault{}, notFound("there is no fault " + id + " on; it may have ended by itself")
	}
	ended, err := f.end(ctx, entry, x)
	if err != nil {
		return Fault{}, err
	}
	if !ended {
		return Fault{}, notFound("the fault has just ended by itself")
	}
	x.Until = time.Now().UTC()
	return x.Fault, nil
}

// end deletes a fault with an entry that says why, or answers false when
// somebody else did.
func (f *Faults) end(ctx context.Context, entry *Entry, x storedFault) (bool, error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	entry.with(beforeAfter(faultDetail(x.Fault), nil, nil))
	err := f.e.backend.Records.Put(ctx, entry, Record{Kind: kindFault, ID: x.ID, Version: x.version})
	if err != nil && !errors.Is(err, ErrVersion) {
		return false, fmt.Errorf("ending a fault: %w", err)
	}
	f.mu.Lock()
	f.list = slices.DeleteFunc(f.list, func(y storedFault) bool { return y.ID == x.ID })
	f.mu.Unlock()
	f.touch()
	return err == nil, nil
}

// ended is the entry of an end that nobody asked for.
func (f *Faults) ended(ctx context.Context, x storedFault, reason string) *Entry {
	return NewEntry(ctx, "fault.end", "faults/"+x.ID, reason, nil)
}

// run hears of the faults that other processes start and end, takes down those
// whose time is over or whose process is gone, and says so in the audit log.
func (f *Faults) run(ctx context.Context) error {
	err := every(ctx, faultsTicked, func(ctx context.Context) {
		err := f.load(ctx)
		if err == nil {
			err = f.sweep(ctx)
		}
		f.e.fleet.logged(ctx, "looking after faults", err)
	})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeFor)
	defer cancel()
	for _, x := range f.all() {
		if x.Owner == f.e.fleet.id {
			_, err := f.end(ctx, f.ended(ctx, x, "its process ended"), x)
			f.e.fleet.logged(ctx, "ending a fault", err)
		}
	}
	return err
}

func (f *Faults) all() []storedFault {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Clone(f.list)
}

// load reads which faults there are.
func (f *Faults) load(ctx context.Context) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	records, err := listAll(ctx, f.e.backend.Records, kindFault)
	if err != nil {
		return fmt.Errorf("reading faults: %w", err)
	}
	list := make([]storedFault, 0, len(records))
	for _, rec := range records {
		x := storedFault{version: rec.Version}
		if err := json.Unmarshal(rec.Data, &x); err != nil {
			return fmt.Errorf("reading fault %s: %w", rec.ID, err)
		}
		list = append(list, x)
	}
	f.mu.Lock()
	changed := !slices.EqualFunc(f.list, list, func(x, y storedFault) bool { return x.ID == y.ID })
	f.list = list
	f.mu.Unlock()
	if changed {
		f.touch()
	}
	return nil
}

// sweep notes the end of faults: of one's own, and, where several processes
// run, one of them those of a process that is gone.
func (f *Faults) sweep(ctx context.Context) error {
	var all error
	for _, x := range f.all() {
		ours, reason := x.Owner == f.e.fleet.id, "its time was over"
		over := ours && !x.Until.After(time.Now())
		if !ours {
			gone, err := f.e.fleet.gone(ctx, x.Owner)
			all = errors.Join(all, err)
			over, reason = gone && f.e.fleet.leads(), "its process is gone"
		}
		if over {
			_, err := f.end(ctx, f.ended(ctx, x, reason), x)
			all = errors.Join(all, err)
		}
	}
	return all
}

func (f *Faults) count(pipeline, step string) int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	n := 0
	for _, x := range f.list {
		if x.Pipeline == pipeline && x.Step == step && f.on(x) {
			n++
		}
	}
	return n
}

// hit plays the faults that are on at a step: it waits out their latency and
// answers in the downstream's place when chance says so.
func (f *Faults) hit(ctx context.Context, pipeline, step string, random func() float64) (Answer, bool) {
	f.mu.RLock()
	var on []storedFault
	for _, x := range f.list {
		if x.Pipeline == pipeline && x.Step == step && f.on(x) {
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
