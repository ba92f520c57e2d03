package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	kindAlarm        = "alarm"
	kindAlarmHistory = "alarm-history/" // + name
)

// Alarms judges the configured alarms and tells the routes.
type Alarms struct {
	e       *Engine
	tellers *tellers
	watch   *alarmWatch

	mu      sync.RWMutex
	started time.Time // since when this process judges them, or would
	leading bool      // it does
	looked  time.Time // when it last looked without judging
	state   []alarmState
}

// alarmState is the stored part of an alarm.
type alarmState struct {
	State   string    `json:"state"`
	Since   time.Time `json:"since"`
	Reason  string    `json:"reason"`
	Value   *float64  `json:"value"`
	Told    bool      `json:"told"` // that it went off, and not yet that it is over
	version int64
}

func newAlarms(e *Engine) *Alarms {
	a := &Alarms{e: e, started: time.Now(), leading: !e.fleet.shared, state: make([]alarmState, len(e.cfg.Alarms))}
	for i := range a.state {
		a.state[i] = alarmState{State: AlarmInsufficient, Since: time.Now().UTC(), Reason: "not judged yet"}
	}
	a.tellers, a.watch = newTellers(e), newAlarmWatch(e)
	return a
}

// load reads the alarms as they were last stored.
func (a *Alarms) load(ctx context.Context) error {
	if len(a.e.cfg.Alarms) == 0 {
		return nil
	}
	records, err := listByID(ctx, a.e.backend.Records, kindAlarm)
	if err != nil {
		return fmt.Errorf("reading alarms: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, c := range a.e.cfg.Alarms {
		if rec, ok := records[c.Name]; ok && rec.Version > a.state[i].version {
			err = errors.Join(err, a.hear(i, rec))
		}
	}
	return err
}

// read reads one alarm as it is now. The caller holds the lock.
func (a *Alarms) read(ctx context.Context, i int, name string) error {
	rec, err := a.e.backend.Records.Get(ctx, kindAlarm, name)
	if errors.Is(err, ErrNotFound) {
		a.state[i].version = 0
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading alarm %s: %w", name, err)
	}
	return a.hear(i, rec)
}

// hear takes over a stored state. The caller holds the lock.
func (a *Alarms) hear(i int, rec Record) error {
	var stored alarmState // a fresh one: pages may still hold the Value of the old
	if err := json.Unmarshal(rec.Data, &stored); err != nil {
		return fmt.Errorf("reading alarm %s: %w", rec.ID, err)
	}
	stored.version = rec.Version
	a.state[i] = stored
	a.e.Events.Touch(TopicAlarms, TopicOverview)
	return nil
}

// slots are the last complete periods, or up to a later one when a breach in it
// cannot be taken back.
func (a *Alarms) slots(c AlarmConfig, points []Datapoint, complete time.Time) []slot {
	end := complete.Truncate(c.Period)
	if n := len(points); n > 0 && c.only() && !points[n-1].At.Before(end) && c.breaches(c.value(points[n-1])) {
		end = points[n-1].At.Add(c.Period)
	}
	a.mu.RLock()
	began := a.started
	a.mu.RUnlock()
	slots := make([]slot, c.Periods)
	for i := range slots {
		at := end.Add(-time.Duration(c.Periods-i) * c.Period)
		slots[i].unknown = at.Before(began)
		if j := slices.IndexFunc(points, func(p Datapoint) bool { return p.At.Equal(at) }); j >= 0 {
			slots[i] = slot{value: c.value(points[j]), data: true}
		}
	}
	return slots
}

// change stores a new state with its history, then has the routes told. If
// another process was first, its state is taken and nobody is told twice.
func (a *Alarms) change(ctx context.Context, i int, c AlarmConfig, was, next alarmState) error {
	over := next.State == AlarmOK && was.Told
	next.Told = next.State == AlarmOn || was.Told && !over
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	change := AlarmChange{At: next.Since, From: was.State, To: next.State, Reason: next.Reason, Notified: []Notified{}}
	entry, err := logRecord(kindAlarmHistory+c.Name, change)
	if err != nil {
		return err
	}
	err = a.e.backend.Records.Put(ctx, nil, Record{Kind: kindAlarm, ID: c.Name, Version: was.version, Data: data}, entry)
	a.mu.Lock()
	defer a.mu.Unlock()
	if errors.Is(err, ErrVersion) {
		return a.read(ctx, i, c.Name)
	}
	if err != nil {
		return err
	}
	next.version = was.version + 1
	a.state[i] = next
	a.e.log.InfoContext(ctx, "alarm", "alarm", c.Name, "from", was.State, "to", next.State, "reason", next.Reason)
	a.e.Events.Touch(TopicAlarms, TopicOverview)
	if next.State == AlarmOn || over {
		a.tellers.tell(pendingNotice{config: c, change: change, record: entry})
	}
	return nil
}

func (a *Alarms) run(ctx context.Context) error {
	var watch sync.WaitGroup
	watch.Go(func() { a.watch.run(ctx) })
	defer watch.Wait()
	return a.tellers.run(ctx)
}

// List returns all alarms in the order of the configuration.
func (a *Alarms) List(ctx context.Context) ([]AlarmView, error) {
	a.glance(ctx)
	a.mu.RLock()
	defer a.mu.RUnlock()
	views := make([]AlarmView, len(a.state))
	for i, c := range a.e.cfg.Alarms {
		views[i] = a.view(i, c)
	}
	return views, nil
}

func (a *Alarms) view(i int, c AlarmConfig) AlarmView {
	s := a.state[i]
	v := AlarmView{AlarmConfig: c, State: s.State, Value: s.Value, Since: s.Since, Reason: s.Reason, Watched: a.watch.view(c.Name)}
	if v.State != AlarmOn && v.Watched.raised(time.Now()) {
		v.State, v.Since, v.Reason = AlarmOn, v.Watched.Since, v.Watched.Source+": "+v.Watched.Reason
	}
	return v
}

// Get returns an alarm with its newest hundred changes, or ErrNotFound.
func (a *Alarms) Get(ctx context.Context, name string) (AlarmDetail, error) {
	i := slices.IndexFunc(a.e.cfg.Alarms, func(c AlarmConfig) bool { return c.Name == name })
	if i < 0 {
		return AlarmDetail{}, notFound("there is no alarm named " + name)
	}
	c := a.e.cfg.Alarms[i]
	a.glance(ctx)
	a.mu.RLock()
	d := AlarmDetail{AlarmView: a.view(i, c)}
	a.mu.RUnlock()
	var err error
	if d.History, err = readLog[AlarmChange](ctx, a.e.backend.Records, kindAlarmHistory+name, 100); err != nil {
		return d, err
	}
	now := time.Now().UTC()
	d.Points, err = a.e.backend.Metrics.Query(ctx, MetricQuery{Metric: c.Metric, Dimensions: c.Dimensions,
		From: now.Truncate(c.Period).Add(-60 * c.Period), To: now, Period: c.Period})
	return d, err
}
