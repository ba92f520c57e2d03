package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	recentMost  = 12
	recentEach  = 5
	failedOver  = 5 * time.Minute
	causesMost  = 3 // needs for single causes; the rest are one need together
	pausedTells = 1 // a paused step with this many rows waiting is told
)

// Overview puts together how everything stands.
func (e *Engine) Overview(ctx context.Context) (Overview, error) {
	counts, err := e.backend.Metrics.Counts(ctx)
	if err != nil {
		return Overview{}, err
	}
	v := Overview{At: time.Now().UTC()}
	for _, p := range e.cfg.Pipelines {
		pv, err := e.pipelineView(ctx, p, counts)
		if err != nil {
			return v, err
		}
		v.Pipelines = append(v.Pipelines, pv)
	}
	if v.Breakers, err = e.Breakers.List(ctx); err != nil {
		return v, err
	}
	if v.Alarms, err = e.Alarms.List(ctx); err != nil {
		return v, err
	}
	if v.Instances, err = e.Instances(ctx); err != nil {
		return v, err
	}
	if v.Costs, err = e.Costs(ctx); err != nil {
		return v, err
	}
	if v.Needs, err = e.needs(ctx, v); err != nil {
		return v, err
	}
	v.Recent, err = e.recent(ctx)
	return v, err
}

func (e *Engine) pipelineView(ctx context.Context, p Pipeline, counts Counts) (PipelineView, error) {
	v := PipelineView{Name: p.Name, Rows: map[Status]int64{}, OldestOpen: counts.Oldest[p.Name]}
	for _, s := range Statuses() {
		v.Rows[s] = counts.Rows[p.Name][s]
	}
	for _, s := range p.Steps {
		v.Steps = append(v.Steps, e.Steps.viewWith(e.worker(p.Name, s.Name), counts.Steps[StepKey{p.Name, s.Name}]))
	}
	v.Steps = append(v.Steps, e.Steps.goneSteps(p.Name)...)
	v.ArrivalRate, v.DoneRate = e.observer.rowPace(p.Name)
	now := time.Now().UTC()
	points, err := e.backend.Metrics.Query(ctx, MetricQuery{Metric: MetricErrorRate, Dimensions: Dimensions{Pipeline: p.Name},
		From: now.Add(-failedOver).Truncate(Resolution), To: now, Period: Resolution})
	var failed, attempts float64
	for _, d := range points {
		failed, attempts = failed+d.Sum, attempts+d.Count
	}
	if attempts > 0 {
		v.FailedRate = failed / attempts
	}
	return v, err
}

// needs are what an operator must look at, worst first.
func (e *Engine) needs(ctx context.Context, v Overview) ([]Need, error) {
	needs := breakerNeeds(v)
	groups, err := e.Letters.Groups(ctx, "", "")
	if err != nil {
		return nil, err
	}
	needs = append(needs, letterNeeds(groups)...)
	for _, p := range v.Pipelines {
		for _, s := range p.Steps {
			needs = append(needs, stepNeeds(s)...)
		}
	}
	for _, pipeline := range e.Steps.gonePipelines() {
		for _, s := range e.Steps.goneSteps(pipeline) {
			needs = append(needs, stepNeeds(s)...)
		}
	}
	return append(needs, alarmNeeds(v.Alarms)...), nil
}

func breakerNeeds(v Overview) []Need {
	var needs []Need
	for _, b := range v.Breakers {
		if b.State == "closed" && !b.Held {
			continue
		}
		n := Need{Kind: NeedBreaker, Object: b.Name, Count: b.Waiting, Since: b.Since}
		switch {
		case b.Held:
			n.Text = fmt.Sprintf("Breaker %s is held %s by %s", b.Name, b.State, b.HeldBy)
			n.More = "Automatic again by itself at " + b.HeldUntil.UTC().Format("15:04:05") + " UTC."
		case b.State == "open":
			n.Text = fmt.Sprintf("Breaker %s is open; %d rows wait safely", b.Name, b.Waiting)
			n.More = b.Reason
		default:
			n.Text = fmt.Sprintf("Breaker %s is half-open: %d of %d probes are through", b.Name, b.Granted, b.Probes)
			n.More = "The probes decide what follows."
		}
		needs = append(needs, n)
	}
	return needs
}

func letterNeeds(groups []Group) []Need {
	var needs []Need
	var rest int64
	for i, g := range groups {
		if i >= causesMost {
			rest += g.Count
			continue
		}
		needs = append(needs, Need{Kind: NeedLetters, Object: g.Group, Pipeline: g.Pipeline, Step: g.Step, Count: g.Count, Since: g.FirstAt,
			Text: fmt.Sprintf("%d dead %s at %s: %s", g.Count, plural(g.Count, "letter", "letters"), g.Step, g.Error)})
	}
	if rest > 0 {
		needs = append(needs, Need{Kind: NeedLetters, Count: rest, Text: fmt.Sprintf("%d more dead %s of %d other causes", rest, plural(rest, "letter", "letters"), len(groups)-causesMost)})
	}
	return needs
}

func stepNeeds(s StepView) []Need {
	waiting := s.Counts.Queued + s.Counts.Retrying
	n := Need{Pipeline: s.Pipeline, Step: s.Name, Object: s.Pipeline + "/" + s.Name, Count: waiting}
	switch {
	case s.Gone && waiting+s.Counts.Dead > 0:
		n.Kind, n.Text = NeedGone, fmt.Sprintf("Step %s is no longer part of %s; %d rows wait there and nobody takes them", s.Name, s.Pipeline, waiting)
		n.More = "Put the step back into the configuration, or discard the rows."
	case s.Settings.Paused && waiting >= pausedTells:
		n.Kind, n.Text, n.Since = NeedPaused, fmt.Sprintf("Step %s is paused by %s; %d rows wait", s.Name, cmp.Or(s.ChangedBy, Program), waiting), s.ChangedAt
		n.More = s.ChangedWhy
	case s.Behind:
		n.Kind, n.Text = NeedBehind, fmt.Sprintf("Step %s is falling behind: %.1f arrive and at most %.1f leave a second", s.Name, s.Arrivals, s.Settings.Rate)
		n.More = fmt.Sprintf("%d rows wait: %s at this rate.", waiting, s.DrainIn.Round(time.Second))
	default:
		return nil
	}
	return []Need{n}
}

// alarmNeeds are the alarms that say more than the needs above.
func alarmNeeds(alarms []AlarmView) []Need {
	var needs []Need
	for _, a := range alarms {
		if a.State != AlarmOn || a.Metric == MetricDeadLetters || a.Metric == MetricBreakerOpen {
			continue
		}
		needs = append(needs, Need{Kind: NeedAlarm, Object: a.Name, Since: a.Since, Text: "Alarm " + a.Name, More: a.Reason})
	}
	return needs
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// recent is what happened lately, the newest first.
func (e *Engine) recent(ctx context.Context) ([]Event, error) {
	var events []Event
	for _, collect := range []func(context.Context) ([]Event, error){e.breakerEvents, e.alarmEvents, e.sweepEvents, e.auditEvents} {
		list, err := collect(ctx)
		if err != nil {
			return nil, err
		}
		events = append(events, list...)
	}
	slices.SortStableFunc(events, func(a, b Event) int { return b.At.Compare(a.At) })
	return events[:min(len(events), recentMost)], nil
}

func (e *Engine) breakerEvents(ctx context.Context) ([]Event, error) {
	var events []Event
	for _, g := range e.Breakers.guards {
		changes, err := readLog[BreakerChange](ctx, e.backend.Records, kindTransition+g.name, recentEach)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if c.By == Program {
				events = append(events, Event{At: c.At, Kind: "breaker", Text: fmt.Sprintf("Breaker %s went %s: %s", g.name, c.To, c.Reason),
					By: c.By, Object: "breakers/" + g.name, Bad: c.To == "open"})
			}
		}
	}
	return events, nil
}

func (e *Engine) alarmEvents(ctx context.Context) ([]Event, error) {
	var events []Event
	for _, a := range e.cfg.Alarms {
		changes, err := readLog[AlarmChange](ctx, e.backend.Records, kindAlarmHistory+a.Name, recentEach)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if c.Source == "" && (c.To != AlarmInsufficient && c.From != AlarmInsufficient || c.To == AlarmOn) {
				events = append(events, Event{At: c.At, Kind: "alarm", Text: fmt.Sprintf("Alarm %s: %s, %s", a.Name, c.To, c.Reason),
					By: Program, Object: "alarms/" + a.Name, Bad: c.To == AlarmOn})
			}
		}
	}
	return events, nil
}

func (e *Engine) sweepEvents(ctx context.Context) ([]Event, error) {
	page, err := e.Sweeps.List(ctx, "", recentEach)
	if err != nil {
		return nil, err
	}
	var events []Event
	for _, s := range page.Items {
		if s.State != SweepRunning && s.By == Program {
			events = append(events, Event{At: s.FinishedAt, Kind: "sweep", Text: fmt.Sprintf("Sweep %s: %d rows looked at, %d stuck, %d requeued", s.State, s.Scanned, s.Stuck, s.Requeued),
				By: s.By, Object: "sweeps/" + s.ID, Bad: s.State == SweepFailed})
		}
	}
	return events, nil
}

func (e *Engine) auditEvents(ctx context.Context) ([]Event, error) {
	page, err := e.backend.Audit.List(ctx, AuditFilter{Limit: recentMost})
	if err != nil {
		return nil, err
	}
	var events []Event
	for _, a := range page.Items {
		if a.Actor != Program {
			text := a.Action + " " + a.Object
			if a.Reason != "" {
				text += ": " + a.Reason
			}
			events = append(events, Event{At: a.At, Kind: "audit", Text: text, By: a.Actor, Object: a.Object})
		}
	}
	return events, nil
}
