package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
)

// outsider is a watchman who says what he is told to.
type outsider struct {
	mu      sync.Mutex
	reports []pipeline.AlarmReport
	err     error
	asked   []map[string]time.Time
}

func (o *outsider) say(err error, reports ...pipeline.AlarmReport) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reports, o.err = reports, err
}

func (o *outsider) look(_ context.Context, since map[string]time.Time) ([]pipeline.AlarmReport, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, since)
	return o.reports, o.err
}

func (o *outsider) questions() []map[string]time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked
}

func watched(o *outsider, slack *mailbox) func(*world) pipeline.Config {
	return func(w *world) pipeline.Config {
		w.wrap = func(b pipeline.Backend) pipeline.Backend {
			b.Watchman = &pipeline.Watchman{Name: "Lookout", Look: o.look}
			return b
		}
		return alarmed(slack, &mailbox{})(w)
	}
}

func raisedThere(name string, at time.Time) pipeline.AlarmReport {
	return pipeline.AlarmReport{Name: name, State: pipeline.AlarmOn, Since: at, Reason: "7 of 7",
		Changes: []pipeline.AlarmChange{{At: at, From: pipeline.AlarmOK, To: pipeline.AlarmOn, Reason: "7 of 7"}}}
}

func TestAnAlarmRaisedOutsideIsRaised(t *testing.T) {
	o, slack := &outsider{}, &mailbox{}
	newWorld(t, watched(o, slack), func(t *testing.T, w *world) {
		at := time.Now().Add(-time.Hour).UTC()
		o.say(nil, raisedThere("dead-letters", at), pipeline.AlarmReport{Name: "errors", State: pipeline.AlarmOK, Since: at}, raisedThere("somebody-elses", at))
		w.pass(2 * time.Minute)
		a := w.alarm("dead-letters")
		if a.State != pipeline.AlarmOn || a.Reason != "Lookout: 7 of 7" || !a.Since.Equal(at) {
			t.Errorf("view = %s since %s: %s", a.State, a.Since, a.Reason)
		}
		if a.Watched == nil || a.Watched.Source != "Lookout" || a.Watched.State != pipeline.AlarmOn || !a.Watched.FailingSince.IsZero() || time.Since(a.Watched.SeenAt) > time.Minute {
			t.Errorf("watched = %+v", a.Watched)
		}
		if e := w.alarm("errors"); e.State == pipeline.AlarmOn || e.Watched.State != pipeline.AlarmOK {
			t.Errorf("errors = %s, there %s", e.State, e.Watched.State)
		}
		if s := w.alarm("stuck"); s.Watched == nil || s.Watched.State != "" {
			t.Errorf("an alarm that does not exist there = %+v", s.Watched)
		}
		if n := len(slack.notices()); n != 0 {
			t.Errorf("routes were told %d times of what was not judged here", n)
		}
	})
}

func TestChangesSeenOutsideAreKeptOnce(t *testing.T) {
	o := &outsider{}
	newWorld(t, watched(o, &mailbox{}), func(t *testing.T, w *world) {
		at := time.Now().Add(-time.Minute).UTC()
		o.say(nil, raisedThere("dead-letters", at))
		w.pass(3 * time.Minute)
		w.restart(nil)
		w.pass(3 * time.Minute)
		var seen []pipeline.AlarmChange
		for _, c := range w.alarm("dead-letters").History {
			if c.Source != "" {
				seen = append(seen, c)
			}
		}
		if len(seen) != 1 || seen[0].Source != "Lookout" || seen[0].Reason != "Lookout: 7 of 7" || !seen[0].At.Equal(at) || seen[0].Notified == nil {
			t.Errorf("history = %+v", seen)
		}
		asked := o.questions()
		if !asked[1]["dead-letters"].IsZero() || !asked[2]["dead-letters"].Equal(at) || !asked[len(asked)-1]["dead-letters"].Equal(at) {
			t.Errorf("asked for changes since %v", asked)
		}
		if len(asked) > 8 {
			t.Errorf("asked %d times in 6 minutes", len(asked))
		}
	})
}

func TestHistoryIsNewestFirstWhoeverSawIt(t *testing.T) {
	o := &outsider{}
	newWorld(t, watched(o, &mailbox{}), func(t *testing.T, w *world) {
		at := time.Now().Add(-time.Hour).UTC()
		r := raisedThere("dead-letters", at)
		r.Changes = append(r.Changes, pipeline.AlarmChange{At: at.Add(10 * time.Minute), From: pipeline.AlarmOn, To: pipeline.AlarmOK, Reason: "fine"})
		o.say(nil, r)
		w.die(8)
		w.pass(2 * time.Minute)
		h := w.alarm("dead-letters").History
		if len(h) < 3 || h[len(h)-1].Reason != "Lookout: 7 of 7" || h[len(h)-2].Reason != "Lookout: fine" || h[0].Source != "" {
			t.Errorf("history = %+v", h)
		}
		for i := 1; i < len(h); i++ {
			if h[i].At.After(h[i-1].At) {
				t.Errorf("%s comes after %s", h[i].At, h[i-1].At)
			}
		}
	})
}

func TestASilentWatchmanTroublesNothingElse(t *testing.T) {
	o, slack := &outsider{}, &mailbox{}
	var log bytes.Buffer
	config := func(w *world) pipeline.Config {
		w.log = slog.NewTextHandler(&log, nil)
		return watched(o, slack)(w)
	}
	newWorld(t, config, func(t *testing.T, w *world) {
		o.say(nil, raisedThere("stuck", time.Now().UTC()))
		w.pass(time.Minute)
		out := time.Now().UTC()
		o.say(&pipeline.Error{Code: pipeline.CodeUnavailable, Text: "no answer to look", Err: errors.New("secret detail")})
		w.pass(2 * time.Minute)
		if a := w.alarm("stuck"); a.State != pipeline.AlarmOn {
			t.Errorf("a moment of silence made it %s", a.State)
		}
		w.pass(14 * time.Minute)
		a := w.alarm("stuck")
		if a.Watched.Error != "no answer to look" || a.Watched.FailingSince.Sub(out) > 2*time.Minute || a.Watched.FailingSince.Before(out) {
			t.Errorf("watched = %+v", a.Watched)
		}
		if a.State == pipeline.AlarmOn {
			t.Error("what he said a quarter of an hour ago still counts")
		}
		w.die(8)
		w.pass(time.Minute)
		if a := w.alarm("dead-letters"); a.State != pipeline.AlarmOn || len(slack.notices()) == 0 {
			t.Errorf("the alarm judged here is %s, %d messages", a.State, len(slack.notices()))
		}
		o.say(nil)
		w.pass(2 * time.Minute)
		if a := w.alarm("stuck"); !a.Watched.FailingSince.IsZero() || a.Watched.Error != "" {
			t.Errorf("watched = %+v", a.Watched)
		}
		w.close()
		for _, words := range []string{"does not say how the alarms stand", "says again how the alarms stand"} {
			if n := strings.Count(log.String(), words); n != 1 {
				t.Errorf("%q was logged %d times", words, n)
			}
		}
		w.open()
	})
}
