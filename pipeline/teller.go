package pipeline

import (
	"slices"
	"sync"
	"time"
)

// teller is one route and what it has still to tell. However often alarms change, a route gets at most notifyHourly
// messages an hour: the first half of them as things happen, the others spread
// out, so that a storm never silences what comes after it.
type teller struct {
	route Route
	wake  chan struct{}

	mu      sync.Mutex
	pending []*untold
	told    map[tellable]time.Time
	sent    []time.Time // messages within the last hour
}

// pendingNotice is a change somebody must be told, with its history record.
type pendingNotice struct {
	config AlarmConfig
	change AlarmChange
	record Record
}

// untold is an alarm with what changed since it was told last: of each state the
// newest change, so that one that was on for a moment is heard of.
type untold struct {
	alarm   string
	newest  []pendingNotice // at least one, the state it is in last
	since   time.Time       // the first change
	changes int             // all in all
	earlier []Record        // of the changes that were overtaken, up to a limit
}

// tellable is what is not told twice within notifyAgain.
type tellable struct{ alarm, state string }

func newTeller(r Route) *teller {
	return &teller{route: r, wake: make(chan struct{}, 1), told: map[tellable]time.Time{}}
}

// add takes a change; one of the same alarm to the same state is overtaken.
func (r *teller) add(n pendingNotice, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.pending, func(u *untold) bool { return u.alarm == n.config.Name })
	if i < 0 {
		i = len(r.pending)
		r.pending = append(r.pending, &untold{alarm: n.config.Name, since: now})
	}
	u := r.pending[i]
	u.changes++
	if j := slices.IndexFunc(u.newest, func(p pendingNotice) bool { return p.change.To == n.change.To }); j >= 0 {
		if len(u.earlier) < notifyRecords {
			u.earlier = append(u.earlier, u.newest[j].record)
		}
		u.newest = slices.Delete(u.newest, j, j+1)
	}
	u.newest = append(u.newest, n)
}

// state is the one the alarm is in.
func (u *untold) state() tellable {
	return tellable{u.alarm, u.newest[len(u.newest)-1].change.To}
}

// next is when there is something to send.
func (r *teller) next(now time.Time) (at time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.pending {
		if due := r.due(u); !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	if slot := r.slot(now); slot.After(at) {
		at = slot
	}
	return at, ok
}

// due is when a change may be told: at once, but for the time in which others
// come in, or once the same was not told for a while.
func (r *teller) due(u *untold) time.Time {
	at := u.since.Add(notifyGather)
	if last, told := r.told[u.state()]; told {
		if again := last.Add(notifyAgain); again.After(at) {
			return again
		}
	}
	return at
}

// slot is when the route may get its next message.
func (r *teller) slot(now time.Time) time.Time {
	r.sent = slices.DeleteFunc(r.sent, func(at time.Time) bool { return now.Sub(at) >= time.Hour })
	n := len(r.sent)
	switch {
	case n == 0:
		return now
	case n >= notifyHourly:
		return r.sent[n-notifyHourly].Add(time.Hour)
	case n >= notifyHourly/2:
		return r.sent[n-1].Add(time.Hour / (notifyHourly / 2))
	}
	return r.sent[n-1].Add(notifyApart)
}

// take hands out what is due, or all there is; nothing where the hour is spent.
func (r *teller) take(now time.Time, all bool) []*untold {
	r.mu.Lock()
	defer r.mu.Unlock()
	slot := r.slot(now)
	if len(r.sent) >= notifyHourly || !all && slot.After(now) {
		return nil
	}
	var due, rest []*untold
	for _, u := range r.pending {
		if all || !r.due(u).After(now) {
			due = append(due, u)
		} else {
			rest = append(rest, u)
		}
	}
	r.pending = rest
	if len(due) > 0 {
		r.sent = append(r.sent, now)
	}
	return due
}

// tellsOf notes what arrived, and forgets what may be told again.
func (r *teller) tellsOf(list []*untold, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, at := range r.told {
		if now.Sub(at) >= notifyAgain {
			delete(r.told, key)
		}
	}
	for _, u := range list {
		r.told[u.state()] = now
	}
}

// waiting counts the changes nobody was told of yet.
func (r *teller) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, u := range r.pending {
		n += u.changes
	}
	return n
}
