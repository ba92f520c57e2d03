package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"redrive/pipeline/redact"
)

const (
	kindAlarmWatch = "alarm-watch"
	watchTick      = 5 * time.Second
	watchEach      = time.Minute      // the watchman is asked
	watchRead      = 10 * time.Second // what another process heard from him is read
	watchKeep      = 5 * time.Minute  // it is stored that he still answers, though nothing changed
	watchStale     = 3 * watchKeep    // after that his last word does not count
	watchFor       = 30 * time.Second // one call
	watchSettled   = 10 * time.Minute // after a change that long ago no more is heard of it
)

// alarmWatch keeps what the watchman says. One of all processes asks him, the
// others read what it stored.
type alarmWatch struct {
	e     *Engine
	man   *Watchman
	asked time.Time
	read  time.Time

	mu    sync.RWMutex
	heard watchRecord
}

func newAlarmWatch(e *Engine) *alarmWatch { return &alarmWatch{e: e, man: e.backend.Watchman} }

// run asks the watchman while this process leads.
func (w *alarmWatch) run(ctx context.Context) {
	if w.man == nil || len(w.e.cfg.Alarms) == 0 {
		return
	}
	_ = every(ctx, watchTick, func(ctx context.Context) {
		now := time.Now()
		var err error
		switch {
		case w.e.fleet.leads() && now.Sub(w.asked) >= watchEach:
			w.asked = now
			err = w.ask(ctx)
		case !w.e.fleet.leads() && now.Sub(w.read) >= watchRead:
			w.read = now
			_, err = w.load(ctx)
		}
		if err != nil && ctx.Err() == nil {
			w.e.log.WarnContext(ctx, "keeping what "+w.man.Name+" says of the alarms", "error", err)
		}
	})
}

// load reads what was last heard, by whichever process.
func (w *alarmWatch) load(ctx context.Context) (watchRecord, error) {
	rec, err := w.e.backend.Records.Get(ctx, kindAlarmWatch, w.man.Name)
	if errors.Is(err, ErrNotFound) {
		return watchRecord{}, nil
	}
	if err != nil {
		return watchRecord{}, err
	}
	var heard watchRecord
	if err := json.Unmarshal(rec.Data, &heard); err != nil {
		return watchRecord{}, err
	}
	heard.version, heard.stored = rec.Version, heard.SeenAt
	w.set(heard)
	return heard, nil
}

func (w *alarmWatch) set(heard watchRecord) {
	w.mu.Lock()
	news := !heard.same(w.heard)
	w.heard = heard
	w.mu.Unlock()
	if news {
		w.e.Events.Touch(TopicAlarms, TopicOverview)
	}
}

// ask hears the watchman, keeps the changes, then what he says now: a crash in
// between keeps a change again, as the same record.
func (w *alarmWatch) ask(ctx context.Context) error {
	before, err := w.load(ctx)
	if err != nil {
		return err
	}
	call, cancel := context.WithTimeout(ctx, watchFor)
	reports, err := w.man.Look(call, w.known(before))
	cancel()
	if ctx.Err() != nil {
		return nil
	}
	heard := w.note(ctx, before, reports, err)
	for _, r := range reports {
		if err := w.keep(ctx, r); err != nil {
			return err
		}
	}
	w.set(heard)
	if heard.same(before) && heard.SeenAt.Sub(before.stored) < watchKeep {
		return nil
	}
	data, err := json.Marshal(heard)
	if err != nil {
		return err
	}
	return w.e.backend.Records.Put(ctx, nil, Record{Kind: kindAlarmWatch, ID: w.man.Name, Version: AnyVersion, Data: data})
}

// note is what is known after an answer, or after none. Silence is logged once
// when it begins and once when it is over.
func (w *alarmWatch) note(ctx context.Context, before watchRecord, reports []AlarmReport, err error) watchRecord {
	now := time.Now().UTC()
	heard := before
	if err != nil {
		heard.Error = sentenceOf(err)
		if heard.FailingSince.IsZero() {
			heard.FailingSince = now
			w.e.log.WarnContext(ctx, w.man.Name+" does not say how the alarms stand; they are judged here as before", "error", err)
		}
		return heard
	}
	if !heard.FailingSince.IsZero() {
		w.e.log.InfoContext(ctx, w.man.Name+" says again how the alarms stand", "silent_since", heard.FailingSince)
	}
	heard.SeenAt, heard.FailingSince, heard.Error = now, time.Time{}, ""
	heard.Alarms = make(map[string]watchState, len(reports))
	for _, r := range reports {
		if w.configured(r.Name) {
			heard.Alarms[r.Name] = r.state(before.Alarms[r.Name].Known, now)
		}
	}
	return heard
}

// keep adds what changed to the alarm's history. The same change makes the same
// record, however often it is heard.
func (w *alarmWatch) keep(ctx context.Context, r AlarmReport) error {
	if !w.configured(r.Name) {
		return nil
	}
	oldest := time.Now().Add(-keepHistory)
	for _, c := range r.Changes {
		if c.At.Before(oldest) {
			continue
		}
		c.Source, c.Reason, c.Notified = w.man.Name, w.man.Name+": "+redact.Text(c.Reason), []Notified{}
		data, err := json.Marshal(c)
		if err != nil {
			return err
		}
		rec := Record{Kind: kindAlarmHistory + r.Name, ID: idOf(c.At, c.Source, r.Name, c.To), Version: AnyVersion, Data: data, ExpiresAt: c.At.Add(keepHistory).UTC()}
		if err := w.e.backend.Records.Put(ctx, nil, rec); err != nil {
			return err
		}
	}
	return nil
}

func (w *alarmWatch) configured(name string) bool {
	for _, c := range w.e.cfg.Alarms {
		if c.Name == name {
			return true
		}
	}
	return false
}

// view is what is known of one alarm, nil without a watchman or before he was
// first asked.
func (w *alarmWatch) view(name string) *WatchedAlarm {
	w.mu.RLock()
	defer w.mu.RUnlock()
	h := w.heard
	if w.man == nil || h.SeenAt.IsZero() && h.FailingSince.IsZero() {
		return nil
	}
	s := h.Alarms[name]
	return &WatchedAlarm{Source: w.man.Name, State: s.State, Since: s.Since, Reason: s.Reason,
		SeenAt: h.SeenAt, FailingSince: h.FailingSince, Error: h.Error}
}

// known are the newest changes that are kept, of each configured alarm.
func (w *alarmWatch) known(heard watchRecord) map[string]time.Time {
	known := make(map[string]time.Time, len(w.e.cfg.Alarms))
	for _, c := range w.e.cfg.Alarms {
		known[c.Name] = heard.Alarms[c.Name].Known
	}
	return known
}
