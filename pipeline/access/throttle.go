package access

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"redrive/pipeline"
)

// Whoever types a wrong password waits: after five wrong ones a minute, then
// after each twice as long, at most a quarter of an hour. It is counted for name
// and address together, so that nobody can lock somebody else out; for the
// address, so that one password is not tried with many names; and for the name,
// so that one name is not tried from many addresses. A browser that signed in
// before is counted for itself alone: its owner gets in, whatever others do.
const (
	freeTries    = 5
	addressTries = 30
	nameTries    = 60
	waitLeast    = time.Minute
	waitMost     = 15 * time.Minute
	triesForget  = time.Hour // without a failure
	triesKept    = 20_000
)

// tally counts the failures of one key.
type tally struct {
	n     int
	last  time.Time
	until time.Time // of the wait
	told  bool      // the audit has it that somebody tried during the wait
}

type throttle struct {
	mu    sync.Mutex
	tries map[string]*tally
}

func newThrottle() *throttle { return &throttle{tries: map[string]*tally{}} }

// attempt is one try of somebody to get in.
type attempt struct {
	t    *throttle
	keys []string
	free []int // wrong tries without a wait, by key
}

// try begins an attempt. Names that do not exist are counted like all others.
func (t *throttle) try(name string, c Client, u *storedUser) attempt {
	if u != nil && c.Device != "" && slices.Contains(u.Devices, digest(c.Device)) {
		return attempt{t: t, keys: []string{"device " + digest(c.Device) + " " + name}, free: []int{freeTries}}
	}
	from := network(c.Address)
	return attempt{t: t, keys: []string{"both " + name + " " + from, "address " + from, "name " + name}, free: []int{freeTries, addressTries, nameTries}}
}

// network is an address as it is counted: of version 6 one has a whole network
// to take addresses from.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap(); ip.Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

// allowed says how long to wait, if one must. news tells that this is the first
// try of the wait: one line in the audit is enough for all of them.
func (a attempt) allowed() (news bool, err error) {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	now, wait := time.Now(), time.Duration(0)
	for _, key := range a.keys {
		have := a.t.tries[key]
		if have == nil || !have.until.After(now) {
			continue
		}
		wait = max(wait, have.until.Sub(now))
		news, have.told = news || !have.told, true
	}
	if wait <= 0 {
		return false, nil
	}
	return news, tooMany(wait)
}

func tooMany(wait time.Duration) error {
	wait = (wait + time.Second - 1).Truncate(time.Second)
	return &pipeline.Error{Code: pipeline.CodeTooMany, Field: "password", RetryAfter: wait, Text: "too many wrong tries; wait " + inWords(wait) + " and try again"}
}

func inWords(d time.Duration) string {
	if d <= 90*time.Second {
		return fmt.Sprintf("%d seconds", int(d.Seconds()))
	}
	return fmt.Sprintf("%d minutes", int((d+time.Minute-1)/time.Minute))
}

const noMatch = "that name and password do not match"

// failed counts a wrong try and says what that means.
func (a attempt) failed() error {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	a.t.tidy()
	now, left := time.Now(), freeTries
	for i, key := range a.keys {
		have := a.t.tries[key]
		if have == nil || now.Sub(have.last) > triesForget {
			have = &tally{}
			a.t.tries[key] = have
		}
		have.n++
		have.last = now
		if over := have.n - a.free[i]; over >= 0 {
			have.until, have.told = now.Add(min(waitLeast<<min(over, 10), waitMost)), false
		}
		left = min(left, a.free[i]-have.n)
	}
	text := noMatch
	if left > 0 {
		text += fmt.Sprintf("; %s left before a minute's wait", map[bool]string{true: "1 try", false: fmt.Sprint(left, " tries")}[left == 1])
	}
	return &pipeline.Error{Code: pipeline.CodeUnknown, Field: "password", Text: text}
}

// succeeded forgets what was tried with this name from here. The address and the
// name alone stay counted: a guesser may have a name of their own.
func (a attempt) succeeded() {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	delete(a.t.tries, a.keys[0])
}

// tidy keeps the memory bounded.
func (t *throttle) tidy() {
	if len(t.tries) < triesKept {
		return
	}
	now := time.Now()
	for key, have := range t.tries {
		if now.Sub(have.last) > triesForget || len(t.tries) >= triesKept && now.After(have.until) {
			delete(t.tries, key)
		}
	}
	for key := range t.tries { // some, by chance: nobody can choose whose wait is forgotten
		if len(t.tries) < triesKept*9/10 {
			return
		}
		delete(t.tries, key)
	}
}
