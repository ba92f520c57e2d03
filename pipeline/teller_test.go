package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// box is a route that keeps what it is told, and when.
type box struct {
	mu   sync.Mutex
	got  []Notice
	fail error
}

func (b *box) Notify(_ context.Context, n Notice) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, n)
	return b.fail
}

func (b *box) notices() []Notice {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

// busiest is the most messages within an hour.
func (b *box) busiest() int {
	most, got := 0, b.notices()
	for i := range got {
		n := 0
		for _, m := range got[i:] {
			if m.At.Sub(got[i].At) < time.Hour {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// changes counts what the messages stand for.
func (b *box) changes() int {
	n := 0
	for _, m := range b.notices() {
		n += len(m.Alarms) + m.HeldBack
	}
	return n
}

// papers are records in memory.
type papers struct {
	mu   sync.Mutex
	kept map[string]Record
}

func (p *papers) Get(_ context.Context, kind, id string) (Record, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if rec, ok := p.kept[kind+"/"+id]; ok {
		return rec, nil
	}
	return Record{}, ErrNotFound
}

func (p *papers) List(context.Context, string, string, int) (Page[Record], error) {
	return Page[Record]{}, errors.ErrUnsupported
}

func (p *papers) Put(_ context.Context, _ *Entry, records ...Record) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, rec := range records {
		p.kept[rec.Kind+"/"+rec.ID] = rec
	}
	return nil
}

// storm tells one route of changes.
type storm struct {
	t    *testing.T
	box  *box
	kept *papers
	all  *tellers
	end  func()
	n    int // changes
}

func newStorm(t *testing.T) *storm {
	s := &storm{t: t, box: &box{}, kept: &papers{kept: map[string]Record{}}}
	e := &Engine{cfg: Config{Routes: []Route{{Name: "slack", Severities: []string{"page"}, Notifier: s.box}}},
		backend: Backend{Records: s.kept}, log: slog.New(slog.DiscardHandler), Events: newHub()}
	s.all = newTellers(e)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.all.run(ctx)
	}()
	s.end = func() {
		cancel()
		<-done
	}
	return s
}

func (s *storm) change(alarm, from, to string) {
	rec := Record{Kind: "change", ID: strconv.Itoa(s.n), Data: []byte("{}")}
	s.n++
	_ = s.kept.Put(s.t.Context(), nil, rec)
	s.all.tell(pendingNotice{config: AlarmConfig{Name: alarm, Severity: "page"}, change: AlarmChange{From: from, To: to, Reason: "x"}, record: rec})
}

// flip changes an alarm to and fro.
func (s *storm) flip(alarm string, i int) {
	if i%2 == 0 {
		s.change(alarm, AlarmOK, AlarmOn)
	} else {
		s.change(alarm, AlarmOn, AlarmOK)
	}
}

func TestTenThousandAlarmsAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t)
		const minutes, alarms = 6, 100
		for i := range minutes * 10_000 {
			s.flip(fmt.Sprintf("alarm-%d", i%alarms), i/alarms)
			if i%alarms == alarms-1 {
				time.Sleep(time.Minute * alarms / 10_000)
			}
		}
		during := len(s.box.notices())
		time.Sleep(2 * time.Hour)
		s.end()
		if during < 3 || s.box.busiest() > notifyHourly {
			t.Errorf("%d messages during the storm, %d in the busiest hour", during, s.box.busiest())
		}
		if got := s.box.changes(); got != s.n {
			t.Errorf("the messages stand for %d changes of %d", got, s.n)
		}
		last := map[string]string{}
		for _, m := range s.box.notices() {
			for _, a := range m.Alarms {
				last[a.Name] = a.To
			}
		}
		for name, state := range last {
			if state != AlarmOK {
				t.Errorf("the last that was told of %s is %s", name, state)
			}
		}
		if end := s.box.notices()[len(s.box.notices())-1]; len(last) != alarms || end.HeldBack == 0 {
			t.Errorf("%d alarms were told, the last message holds %d back", len(last), end.HeldBack)
		}
	})
}

// Where each alarm is another one, nothing but the cap holds.
func TestNewAlarmsWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t)
		for range 3 * 60 {
			for range 50 {
				s.change(fmt.Sprintf("alarm-%d", s.n), AlarmOK, AlarmOn)
			}
			time.Sleep(time.Minute)
		}
		time.Sleep(time.Hour)
		s.end()
		if n := len(s.box.notices()); n < 45 || s.box.busiest() > notifyHourly || s.box.changes() != s.n {
			t.Errorf("%d messages, %d in the busiest hour, for %d changes of %d", n, s.box.busiest(), s.box.changes(), s.n)
		}
	})
}

// After a storm something new is told within minutes.
func TestAStormDoesNotSilenceWhatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t)
		defer s.end()
		for i := range 360 {
			s.flip("flapping", i)
			time.Sleep(10 * time.Second)
		}
		s.change("disk", AlarmOK, AlarmOn)
		begun := time.Now()
		time.Sleep(10 * time.Minute)
		for _, m := range s.box.notices() {
			for _, a := range m.Alarms {
				if a.Name == "disk" && m.At.Sub(begun) <= time.Hour/(notifyHourly/2) {
					return
				}
			}
		}
		t.Errorf("not told in %d messages", len(s.box.notices()))
	})
}

func TestTheSameIsNotToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t)
		defer s.end()
		for i := range 5 { // on, over, on, over, on: a minute each
			s.flip("errors", i)
			time.Sleep(time.Minute)
		}
		if n := len(s.box.notices()); n != 2 {
			t.Errorf("%d messages: %+v", n, s.box.notices())
		}
		time.Sleep(time.Minute)
		if n := len(s.box.notices()); n != 3 {
			t.Fatalf("%d messages: %+v", n, s.box.notices())
		}
		end := s.box.notices()[2]
		if end.HeldBack != 1 || len(end.Alarms) != 2 || end.Alarms[0].To != AlarmOK || end.Alarms[1].To != AlarmOn || end.At.Sub(s.box.notices()[0].At) < notifyAgain {
			t.Errorf("%+v", end)
		}
		for i := range s.n {
			rec, err := s.kept.Get(t.Context(), "change", strconv.Itoa(i))
			var change AlarmChange
			if err != nil || json.Unmarshal(rec.Data, &change) != nil || len(change.Notified) != 1 || !change.Notified[0].OK {
				t.Errorf("of change %d is kept %s, %v", i, rec.Data, err)
			}
		}
	})
}

// What did not arrive was not told: the next change is not taken for a second time.
func TestWhatFailedWasNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t)
		s.box.mu.Lock()
		s.box.fail = errors.New("answered 500")
		s.box.mu.Unlock()
		defer s.end()
		s.change("errors", AlarmOK, AlarmOn)
		time.Sleep(time.Minute)
		s.change("errors", AlarmInsufficient, AlarmOn)
		time.Sleep(time.Minute)
		if n := len(s.box.notices()); n != 2 {
			t.Errorf("%d messages", n)
		}
	})
}

// An alarm that was on for a moment alone is told with its end.
func TestAMomentIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t)
		s.flip("errors", 0)
		s.flip("errors", 1)
		time.Sleep(time.Minute)
		s.end()
		if len(s.box.notices()) != 1 || s.box.notices()[0].HeldBack != 0 || len(s.box.notices()[0].Alarms) != 2 || s.box.notices()[0].Alarms[0].To != AlarmOn || s.box.notices()[0].Alarms[1].To != AlarmOK {
			t.Errorf("%+v", s.box.notices())
		}
	})
}

func TestTheEndTellsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t)
		s.change("a", AlarmOK, AlarmOn)
		time.Sleep(3 * time.Second)
		s.change("b", AlarmOK, AlarmOn)
		s.end()
		if len(s.box.notices()) != 2 || s.box.notices()[1].Alarms[0].Name != "b" {
			t.Errorf("%+v", s.box.notices())
		}
	})
}
