package api

import (
	"context"

	"redrive/pipeline"
)

type alarms interface {
	List(ctx context.Context) ([]pipeline.AlarmView, error)
	Get(ctx context.Context, name string) (pipeline.AlarmDetail, error)
}

type alarmList struct {
	Alarms []alarmItem `json:"alarms"`
}

type alarmItem struct {
	Name          string   `json:"name"`
	State         string   `json:"state" enum:"ok,alarm,insufficient-data"`
	Severity      string   `json:"severity" enum:"notice,page"`
	Metric        string   `json:"metric"`
	Pipeline      optional `json:"pipeline"`
	Step          optional `json:"step"`
	Breaker       optional `json:"breaker"`
	Statistic     string   `json:"statistic"`
	Comparison    string   `json:"comparison"`
	Threshold     figure   `json:"threshold"`
	Period        span     `json:"period"`
	Periods       int      `json:"periods"`
	Datapoints    int      `json:"datapoints"`
	Missing       string   `json:"missing"`
	Value         *figure  `json:"value"`
	Since         stamp    `json:"since"`
	Reason        optional `json:"reason"`
	SilencedUntil stamp    `json:"silenced_until"`
	Watched       *watched `json:"watched"`
}

// watched is how the alarm stands with whoever watches it from outside, null
// without one.
type watched struct {
	Source       string   `json:"source"`
	State        optional `json:"state"`
	Since        stamp    `json:"since"`
	Reason       optional `json:"reason"`
	SeenAt       stamp    `json:"seen_at"`
	FailingSince stamp    `json:"failing_since"`
	Error        optional `json:"error"`
}

type alarmAnswer struct {
	alarmItem
	History []alarmChange `json:"history"`
}

type alarmChange struct {
	At       stamp          `json:"at"`
	From     string         `json:"from"`
	To       string         `json:"to"`
	Reason   optional       `json:"reason"`
	Notified []notifiedItem `json:"notified"`
	Source   optional       `json:"source"` // who saw it from outside; null: it was judged here
}

type notifiedItem struct {
	Route string   `json:"route"`
	OK    bool     `json:"ok"`
	Error optional `json:"error"`
	At    stamp    `json:"at"`
}

// ListAlarms lists every alarm.
func (a *API) ListAlarms() Operation {
	return Operation{Summary: "Every alarm", Answer: alarmList{}, Do: func(c *Call) (any, error) {
		views, err := a.s.Alarms.List(c.ctx())
		if err != nil {
			return nil, err
		}
		return alarmList{Alarms: list(views, toAlarm)}, nil
	}}
}

// GetAlarm is one alarm with its history and who was told.
func (a *API) GetAlarm() Operation {
	return Operation{Summary: "One alarm with its history and who was told", Answer: alarmAnswer{}, Do: func(c *Call) (any, error) {
		d, err := a.s.Alarms.Get(c.ctx(), c.name("name"))
		if err != nil {
			return nil, err
		}
		return alarmAnswer{alarmItem: toAlarm(d.AlarmView), History: list(d.History, toAlarmChange)}, nil
	}}
}

func toAlarm(v pipeline.AlarmView) alarmItem {
	item := alarmItem{
		Name: v.Name, State: v.State, Severity: v.Severity, Metric: v.Metric,
		Pipeline: optional(v.Dimensions.Pipeline), Step: optional(v.Dimensions.Step), Breaker: optional(v.Dimensions.Breaker),
		Statistic: v.Statistic, Comparison: v.Comparison, Threshold: figure(v.Threshold), Period: span(v.Period), Periods: v.Periods,
		Datapoints: v.Datapoints, Missing: v.Missing, Since: stamp(v.Since), Reason: optional(v.Reason),
	}
	if v.Value != nil {
		now := figure(*v.Value)
		item.Value = &now
	}
	if w := v.Watched; w != nil {
		item.Watched = &watched{Source: w.Source, State: optional(w.State), Since: stamp(w.Since), Reason: optional(w.Reason),
			SeenAt: stamp(w.SeenAt), FailingSince: stamp(w.FailingSince), Error: optional(w.Error)}
	}
	return item
}

func toAlarmChange(c pipeline.AlarmChange) alarmChange {
	return alarmChange{At: stamp(c.At), From: c.From, To: c.To, Reason: optional(c.Reason), Source: optional(c.Source), Notified: list(c.Notified, func(n pipeline.Notified) notifiedItem {
		return notifiedItem{Route: n.Route, OK: n.OK, Error: optional(n.Error), At: stamp(n.At)}
	})}
}
