package pipeline

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"redrive/pipeline/redact"
)

// tellers deliver notices, one goroutine a route. What changes while a route
// has to wait goes out in its next message, which also says how many changes it
// stands for: a storm of alarms is one message.
type tellers struct {
	e      *Engine
	routes []*teller
	mu     sync.Mutex // serialises the history's updates
}

func newTellers(e *Engine) *tellers {
	t := &tellers{e: e}
	for _, r := range e.cfg.Routes {
		t.routes = append(t.routes, newTeller(r))
	}
	return t
}

// tell hands a change to every route that takes its severity.
func (t *tellers) tell(n pendingNotice) {
	for _, r := range t.routes {
		if r.route.takes(n.config.Severity) {
			r.add(n, time.Now())
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
		var due <-chan time.Time
		if at, ok := r.next(time.Now()); ok {
			due = time.After(time.Until(at))
		}
		select {
		case <-ctx.Done():
			t.send(context.WithoutCancel(ctx), r, true)
			if n := r.waiting(); n > 0 {
				t.e.log.WarnContext(ctx, "alarms that nobody was told of: the route has had its messages of this hour", "route", r.route.Name, "changes", n)
			}
			return
		case <-r.wake:
		case <-due:
			t.send(context.WithoutCancel(ctx), r, false)
		}
	}
}

// send delivers what is due in one message and keeps the result with each
// alarm's history. A message that may have arrived is never repeated.
func (t *tellers) send(ctx context.Context, r *teller, all bool) {
	pending := r.take(time.Now(), all)
	if len(pending) == 0 {
		return
	}
	notice := noticeOf(pending)
	callCtx, cancel := context.WithTimeout(ctx, notifyFor)
	err := r.route.Notifier.Notify(callCtx, notice)
	cancel()
	result := Notified{Route: r.route.Name, OK: err == nil, At: time.Now().UTC()}
	if err != nil {
		result.Error = redact.Text(err.Error())
		t.e.log.WarnContext(ctx, "telling of an alarm", "route", r.route.Name, "alarms", len(pending), "held_back", notice.HeldBack, "error", err)
	} else {
		r.tellsOf(pending, result.At)
	}
	for _, u := range pending {
		for _, p := range u.newest {
			u.earlier = append(u.earlier, p.record)
		}
		for _, rec := range u.earlier {
			t.keep(ctx, u.alarm, rec, result)
		}
	}
	t.e.Events.Touch(TopicAlarms)
}

func noticeOf(pending []*untold) Notice {
	notice := Notice{At: time.Now().UTC()}
	for _, u := range pending {
		for _, p := range u.newest {
			notice.Alarms = append(notice.Alarms, NoticeAlarm{Name: p.config.Name, Severity: p.config.Severity,
				From: p.change.From, To: p.change.To, Reason: redact.Text(p.change.Reason), Path: "alarms/" + p.config.Name})
		}
		notice.HeldBack += u.changes - len(u.newest)
	}
	return notice
}

// keep adds the result to the change's record.
func (t *tellers) keep(ctx context.Context, alarm string, record Record, result Notified) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, notifyFor)
	defer cancel()
	rec, err := t.e.backend.Records.Get(ctx, record.Kind, record.ID)
	if err == nil {
		var change AlarmChange
		if err = json.Unmarshal(rec.Data, &change); err == nil {
			change.Notified = append(change.Notified, result)
			if rec.Data, err = json.Marshal(change); err == nil {
				rec.ExpiresAt = record.ExpiresAt
				err = t.e.backend.Records.Put(ctx, nil, rec)
			}
		}
	}
	if err != nil {
		t.e.log.WarnContext(ctx, "keeping the result of a notice", "route", result.Route, "alarm", alarm, "error", err)
	}
}
