package awstest

import (
	"slices"
	"sync"
)

// calls is what a server was asked, in order.
type calls struct {
	mu     sync.Mutex
	bodies bool
	list   []Call
}

func (l *calls) add(c *Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := Call{Target: c.Target, Action: c.Action}
	if l.bodies {
		kept.Header, kept.Body = c.Header, slices.Clone(c.Body)
	}
	l.list = append(l.list, kept)
}

func (l *calls) of(action string) []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []Call
	for _, c := range l.list {
		if c.is(action) {
			found = append(found, c)
		}
	}
	return found
}

// Calls lists the requests for an action, or all for "", oldest first. Their
// bodies and headers are there for those made after KeepBodies.
func (s *Server) Calls(action string) []Call { return s.calls.of(action) }

// Count counts the requests for an action, or all for "".
func (s *Server) Count(action string) int { return len(s.calls.of(action)) }

// KeepBodies keeps bodies and headers from now on.
func (s *Server) KeepBodies() {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	s.calls.bodies = true
}

// Forget starts counting anew.
func (s *Server) Forget() {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	s.calls.list = nil
}
