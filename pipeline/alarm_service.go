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
	started time.Time
	tellers *tellers

	mu    sync.RWMutex
	state []alarmState
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
	a := &Alarms{e: e, started: time.Now(), state: make([]alarmState, len(e.cfg.Alarms))}
	for i := range a.state {
		a.state[i] = alarmState{State: AlarmInsufficient, Since: time.Now().UTC(), Reason: "not judged yet"}
	}
	a.tellers = newTellers(e)
	return a
}

func (a *Alarms) load(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, c := range a.e.cfg.Alarms {
		if err := a.read(ctx, i, c.Name); err != nil {
			return err
		}
	}
	return nil
}

func (a *Alarms) read(ctx context.Context, i int, name string) error {
	rec, err := a.e.backend.Records.Get(ctx, kindAlarm, name)
	if errors.Is(err, ErrNotFound) {
		a.state[i].version = 0
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading alarm %s: %w", name, err)
	}
	var stored alarmState // a fresh one: pages may still hold the Value of the old
	if err := json.Unmarshal(rec.Data, &stored); err != nil {
		return fmt.Errorf("reading alarm %s: %w", name, err)
	}
	stored.version = rec.Version
	a.state[i] = stored
	return nil
}

// evaluate judges every alarm on the metrics as they are now.
func (a *Alarms) evaluate(ctx context.Context, now time.Time) error {
	var all error
	for i, c := range a.e.cfg.Alarms {
		if err := a.judge(ctx, i, c, now); err != nil {
			all = errors.Join(all, fmt.Errorf("judging alarm %s: %w", c.Name, err))
		}
	}
	return all
}

func (a *Alarms) judge(ctx context.Context, i int, c AlarmConfig, now time.Time) error {
	points, err := a.e.backend.Metrics.Query(ctx, MetricQuery{Metric: c.Metric, Dimensions: c.Dimensions,
		From: now.Truncate(c.Period).Add(-time.Duration(c.Periods) * c.Period), To: now, Period: c.Period})
	if err != nil {
		return err
	}
	slots := a.slots(c, points, now)
	a.mu.Lock()
	was := a.state[i]
	next := was
	next.State, next.Reason = c.judge(slots, was.State)
	next.Value = nil
	for _, s := range slots {
		if s.data {
			v := s.value
			next.Value = &v
		}
	}
	if next.State == was.State {
		a.state[i].Value, a.state[i].Reason = next.Value, next.Reason
		a.mu.Unlock()
		return nil
	}
	next.Since = now
	a.mu.Unlock()
	return a.change(ctx, i, c, was, next)
}

// slots are the last complete periods, or with the present one at the end when
// a breach in it cannot be taken back.
func (a *Alarms) slots(c AlarmConfig, points []Datapoint, now time.Time) []slot {
	end := now.Truncate(c.Period)
	if n := len(points); n > 0 && c.only() && !points[n-1].At.Before(end) && c.breaches(c.value(points[n-1])) {
		end = end.Add(c.Period)
	}
	slots := make([]slot, c.Periods)
	for i := range slots {
		at := end.Add(-time.Duration(c.Periods-i) * c.Period)
		slots[i].unknown = at.Before(a.started)
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

func (a *Alarms) run(ctx context.Context) error { return a.tellers.run(ctx) }

// List returns all alarms in the order of the configuration.
func (a *Alarms) List(context.Context) ([]AlarmView, error) {
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
	return AlarmView{AlarmConfig: c, State: s.State, Value: s.Value, Since: s.Since, Reason: s.Reason}
}

// Get returns an alarm with its newest hundred changes, or ErrNotFound.
func (a *Alarms) Get(ctx context.Context, name string) (AlarmDetail, error) {
	i := slices.IndexFunc(a.e.cfg.Alarms, func(c AlarmConfig) bool { return c.Name == name })
	if i < 0 {
		return AlarmDetail{}, notFound("there is no alarm named " + name)
	}
	c := a.e.cfg.Alarms[i]
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
