package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// glanceEach is how old an alarm's figures may be on the pages of a process
// that does not judge it.
const glanceEach = 2 * time.Second

// lead judges every alarm on the metrics as they are now. A process that has
// just taken this over knows nothing of the time when nobody measured.
func (a *Alarms) lead(ctx context.Context, now time.Time) error {
	a.mu.Lock()
	fresh := !a.leading
	if a.leading = true; fresh {
		a.started = now
	}
	a.mu.Unlock()
	if fresh {
		if err := a.load(ctx); err != nil {
			return err
		}
	}
	var all error
	for i, c := range a.e.cfg.Alarms {
		if err := a.judge(ctx, i, c, now); err != nil {
			all = errors.Join(all, fmt.Errorf("judging alarm %s: %w", c.Name, err))
		}
	}
	return all
}

// follow reads what the process that judges the alarms has stored.
func (a *Alarms) follow(ctx context.Context) error {
	a.mu.Lock()
	a.leading = false
	a.mu.Unlock()
	return a.load(ctx)
}

// glance brings the figures up to date where another process judges: only
// states are stored. Figures that cannot be read stay as they are.
func (a *Alarms) glance(ctx context.Context) {
	now := time.Now()
	a.mu.Lock()
	due := !a.leading && now.Sub(a.looked) >= glanceEach
	if due {
		a.looked = now
	}
	a.mu.Unlock()
	if !due {
		return
	}
	for i, c := range a.e.cfg.Alarms {
		if _, _, err := a.weigh(ctx, i, c, now.UTC()); err != nil {
			a.e.log.WarnContext(ctx, "looking at an alarm", "alarm", c.Name, "error", err)
			return
		}
	}
}

func (a *Alarms) judge(ctx context.Context, i int, c AlarmConfig, now time.Time) error {
	was, next, err := a.weigh(ctx, i, c, now)
	if err != nil || next.State == was.State {
		return err
	}
	next.Since = now
	return a.change(ctx, i, c, was, next)
}

// lateMeasures is how long after a period what other processes measured in it may
// still come in. A period is judged when it is complete, or breaches already.
const lateMeasures = 15 * time.Second

// weigh answers an alarm's state as it is kept and as it should be. An equal
// state takes the newest figures.
func (a *Alarms) weigh(ctx context.Context, i int, c AlarmConfig, now time.Time) (was, next alarmState, err error) {
	complete := now
	if a.e.backend.Shared {
		complete = now.Add(-lateMeasures)
	}
	points, err := a.e.backend.Metrics.Query(ctx, MetricQuery{Metric: c.Metric, Dimensions: c.Dimensions,
		From: complete.Truncate(c.Period).Add(-time.Duration(c.Periods) * c.Period), To: now, Period: c.Period})
	if err != nil {
		return was, next, err
	}
	slots := a.slots(c, points, complete)
	a.mu.Lock()
	defer a.mu.Unlock()
	was = a.state[i]
	next = was
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
	}
	return was, next, nil
}
