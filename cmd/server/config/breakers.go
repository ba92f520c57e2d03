package config

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

func breakers(s *section) []Breaker {
	var bs []Breaker
	s.r.breakers = map[string]int{}
	s.each(func(name string, e entry) {
		s.r.breakers[name] = e.line
		bs = append(bs, breaker(name, s.r.section("breaker", e.line, e.value)))
	})
	return bs
}

func breaker(name string, s *section) Breaker {
	defer s.close()
	return Breaker{
		Name:         name,
		FailureRate:  read(s, "failure_rate", 0.5, number(0, 1, true)),
		MinimumCalls: read(s, "minimum_calls", 20, whole(1, 1_000_000)),
		Window:       read(s, "window", 30*time.Second, duration(100*time.Millisecond, 24*time.Hour)),
		OpenFor:      read(s, "open_for", 30*time.Second, duration(100*time.Millisecond, 24*time.Hour)),
		Probes:       read(s, "probes", 3, whole(1, 10_000)),
	}
}

// declared says whether a breaker is there, and what to do where it is not.
func (r *reader) declared(written string) (right string, ok bool) {
	if _, there := r.breakers[written]; there {
		return "", true
	}
	if len(r.breakers) == 0 {
		return "add it: breakers: {" + written + ": {}}", false
	}
	return fmt.Sprintf("declare it there; the nearest is %q", nearest(written, slices.Collect(maps.Keys(r.breakers)))), false
}

// stepBreaker reads the breaker a step names.
func stepBreaker(s *section) string {
	b := read(s, "breaker", "", optional(name))
	if b == "" {
		return ""
	}
	if right, ok := s.r.declared(b); !ok {
		e, _ := s.get("breaker")
		s.r.mistake(lineOf(e.value), right, "breaker %q is not under breakers", b)
	}
	return b
}

// warnBreakers warns of breakers no step names.
func (r *reader) warnBreakers(c *Config) {
	for _, b := range c.Breakers {
		used := slices.ContainsFunc(c.Pipelines, func(p Pipeline) bool {
			return slices.ContainsFunc(p.Steps, func(st Step) bool { return st.Breaker == b.Name })
		})
		if !used {
			r.warn(r.breakers[b.Name], "breaker %q is used by no step", b.Name)
		}
	}
}

func sweep(s *section) Sweep {
	defer s.close()
	return Sweep{
		Schedule:   read(s, "schedule", "0 */3 * * *", schedule),
		StuckAfter: read(s, "stuck_after", 15*time.Minute, duration(time.Second, year)),
	}
}

func schedule(text string) (string, *fault) {
	if _, err := Cron(text); err != nil {
		return "", &fault{err.Error(), "write five fields in UTC, such as 0 */3 * * *"}
	}
	return text, nil
}
