package awstest

import (
	"math/rand/v2"
	"slices"
)

// Fault is harm done to some calls. Its zero limits harm every call.
type Fault struct {
	Action string           // "UpdateItem" or "DynamoDB_20120810.UpdateItem"; empty: any
	Where  func(*Call) bool // which of them count; nil: all
	Nth    int              // only the nth of those that count, from 1; 0: all
	Share  float64          // of those that count, by a die that falls the same in every run; 0: all
	Times  int              // no more than so many; 0: no end
	Do     Harm
}

// Injected is a fault at work.
type Injected struct {
	fault  Fault
	server *Server // its lock guards what follows
	die    *rand.Rand
	seen   int // calls that counted
	harms  int // of them
}

// Inject begins to do a fault's harm. Of several that strike one call, the last
// injected is the outermost.
func (s *Server) Inject(f Fault) *Injected {
	i := &Injected{fault: f, server: s, die: rand.New(rand.NewPCG(1, 1))}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, i)
	return i
}

// Strike injects harm to the first call of an action and to a share of the others.
// It answers the first: of a few calls a share may be none.
func (s *Server) Strike(action string, share float64, do Harm) *Injected {
	s.Inject(Fault{Action: action, Share: share, Do: do})
	return s.Inject(Fault{Action: action, Times: 1, Do: do})
}

// Heal ends all faults. A service that is down is up again.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.down = nil, false
}

// Remove ends the fault.
func (i *Injected) Remove() {
	i.server.mu.Lock()
	defer i.server.mu.Unlock()
	i.server.faults = slices.DeleteFunc(i.server.faults, func(f *Injected) bool { return f == i })
}

// Harmed counts the calls it struck.
func (i *Injected) Harmed() int {
	i.server.mu.Lock()
	defer i.server.mu.Unlock()
	return i.harms
}

// strikes decides about one call.
func (i *Injected) strikes(c *Call) bool {
	f := i.fault
	if !c.is(f.Action) || f.Where != nil && !f.Where(c) {
		return false
	}
	i.seen++
	switch {
	case f.Nth > 0 && i.seen != f.Nth,
		f.Times > 0 && i.harms >= f.Times,
		f.Share > 0 && i.die.Float64() >= f.Share:
		return false
	}
	i.harms++
	return true
}
