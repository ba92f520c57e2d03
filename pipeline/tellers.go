package pipeline

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"redrive/pipeline/redact"
)

// tellers deliver notices, one goroutine a route. What changes while a route
// has to wait goes out in its next message: a storm of alarms is one message.
type tellers struct {
	e      *Engine
	routes []*teller
	mu     sync.Mutex // serialises the history's updates
}

type teller struct {
	route   Route
	mu      sync.Mutex
	pending []pendingNotice
	wake    chan struct{}
}

// pendingNotice is a change somebody must be told, with its history record.
type pendingNotice struct {
	config AlarmConfig
	change AlarmChange
	record Record
}

func newTellers(e *Engine) *tellers {
	t := &tellers{e: e}
	for _, r := range e.cfg.Routes {
		t.routes = append(t.routes, &teller{route: r, wake: make(chan struct{}, 1)})
	}
	return t
}

// tell hands a change to every route that takes its severity.
func (t *tellers) tell(n pendingNotice) {
	for _, r := range t.routes {
		if r.route.takes(n.config.Severity) {
			r.mu.Lock()
			r.pending = append(r.pending, n)
			r.mu.Unlock()
			select {
			case r.wake <- struct{}{}:
			default:
			}
		}
	}
}

func (t *tellers) run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, r := range t.routes {
		all.Go(func() { t.serve(ctx, r) })
	}
	all.Wait()
	return nil
}

func (t *tellers) serve(ctx context.Context, r *teller) {
	for {
		select {
		case <-ctx.Done():
			t.send(context.WithoutCancel(ctx), r)
			return
		case <-r.wake:
		}
		sleep(ctx, notifyGather)
		t.send(context.WithoutCancel(ctx), r)
		sleep(ctx, notifyApart)
	}
}

// send delivers all that is pending in one message and keeps the result with
// each alarm's history. A message that may have arrived is never repeated.
func (t *tellers) send(ctx context.Context, r *teller) {
	r.mu.Lock()
	pending := r.pending
	r.pending = nil
	r.mu.Unlock()
	if len(pending) == 0 {
		return
	}
	notice := Notice{At: time.Now().UTC()}
	for _, p := range pending {
		notice.Alarms = append(notice.Alarms, NoticeAlarm{Name: p.config.Name, Severity: p.config.Severity,
			From: p.change.From, To: p.change.To, Reason: redact.Text(p.change.Reason), Path: "alarms/" + p.config.Name})
	}
	callCtx, cancel := context.WithTimeout(ctx, notifyFor)
	err := r.route.Notifier.Notify(callCtx, notice)
	cancel()
	result := Notified{Route: r.route.Name, OK: err == nil, At: time.Now().UTC()}
	if err != nil {
		result.Error = redact.Text(err.Error())
		t.e.log.WarnContext(ctx, "telling of an alarm", "route", r.route.Name, "alarms", len(pending), "error", err)
	}
	for _, p := range pending {
		t.keep(ctx, p, result)
	}
	t.e.Events.Touch(TopicAlarms)
}

// keep adds the result to the change's record.
func (t *tellers) keep(ctx context.Context, p pendingNotice, result Notified) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, notifyFor)
	defer cancel()
	rec, err := t.e.backend.Records.Get(ctx, p.record.Kind, p.record.ID)
	if err == nil {
		var change AlarmChange
		if err = json.Unmarshal(rec.Data, &change); err == nil {
			change.Notified = append(change.Notified, result)
			if rec.Data, err = json.Marshal(change); err == nil {
				rec.ExpiresAt = p.record.ExpiresAt
				err = t.e.backend.Records.Put(ctx, nil, rec)
			}
		}
	}
	if err != nil {
		t.e.log.WarnContext(ctx, "keeping the result of a notice", "route", result.Route, "alarm", p.config.Name, "error", err)
	}
}
