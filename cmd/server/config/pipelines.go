package config

import (
	"time"
)

const (
	year        = 365 * 24 * time.Hour
	maxPayload  = 16 << 20
	maxItem     = 384 << 10 // of a payload on DynamoDB, whose items end at 400 kB with all that goes with it
	maxAttempts = 1_000_000
	maxHidden   = 12 * time.Hour
)

// pipelines reads the pipelines in the order of the file. A console over queues
// that are not ours does without any.
func pipelines(s *section, consoleAlone bool) []Pipeline {
	e, given := s.get("pipelines")
	below := s.r.section("pipelines", e.line, e.value)
	if len(below.order) == 0 && !below.broken && !consoleAlone {
		s.r.mistake(e.line, "add pipelines with at least one; `server init` prints an example", "there is no pipeline")
	}
	var ps []Pipeline
	if given {
		s.r.pipelines = map[string]int{}
		below.each(func(name string, e entry) {
			s.r.pipelines[name] = e.line
			ps = append(ps, pipeline(name, s.r.section("pipeline", e.line, e.value)))
		})
	}
	return ps
}

// each reads a mapping whose keys are names.
func (s *section) each(read func(name string, e entry)) {
	for _, key := range s.order {
		e := s.entries[key]
		if _, f := name(key); f != nil {
			s.r.mistake(e.line, f.right, "%s has a key %s, which %s", s.kind, quote(key), f.wrong)
		}
		read(key, e)
	}
}

func pipeline(name string, s *section) Pipeline {
	defer s.close()
	p := Pipeline{
		Name:      name,
		Intake:    intake(name, s.child("intake")),
		Retention: read(s, "retention", 720*time.Hour, duration(time.Minute, 10*year)),
	}
	if !s.need("steps", "steps with at least one step") {
		return p
	}
	g := &graph{r: s.r, pipeline: name, lines: map[string]int{}, needs: map[string][]need{}}
	items, _ := s.items("steps")
	if e, _ := s.get("steps"); len(items) == 0 && shape(e.value) == "a list" {
		s.r.mistake(e.line, "add at least one step", "steps is empty")
	}
	for _, n := range items {
		below := s.r.section("step", lineOf(n), n)
		st := step(below, g)
		warnSize(below, st, p.Intake)
		p.Steps = append(p.Steps, st)
	}
	g.check()
	return p
}

func step(s *section, g *graph) Step {
	defer s.close()
	st := Step{Name: required(s, "name", "name: and what to call it", name)}
	g.add(s, &st)
	call(s, g, &st)
	st.Timeout = read(s, "timeout", 5*time.Second, duration(time.Millisecond, 15*time.Minute))
	st.Concurrency = read(s, "concurrency", 8, whole(1, 10_000))
	st.Rate = read(s, "rate", 0, number(0, 1_000_000, false))
	st.Retry = retry(s.child("retry"))
	st.Permanent = unique(s, "permanent", list(s, "permanent", []int{400, 410, 413, 415, 422}, status))
	st.Breaker = stepBreaker(s)
	st.Exclusive = exclusive(s)
	st.KeepResult = read(s, "keep_result", false, boolean)
	return st
}

// required reads a value that has no default.
func required[T any](s *section, key, example string, into parse[T]) T {
	var none T
	if !s.need(key, example) {
		return none
	}
	return read(s, key, none, into)
}

func retry(s *section) Retry {
	defer s.close()
	r := Retry{
		Attempts: read(s, "attempts", 5, whole(0, maxAttempts)),
		Base:     read(s, "base", time.Second, duration(time.Millisecond, time.Hour)),
		Cap:      read(s, "cap", time.Minute, duration(time.Millisecond, 24*time.Hour)),
		Jitter:   read(s, "jitter", "full", oneOf("full", "equal", "none")),
	}
	if r.Cap < r.Base {
		e, given := s.get("cap")
		if !given {
			e, _ = s.get("base")
		}
		s.r.mistake(e.line, "make cap the longest wait", "the cap of %s is shorter than the base of %s", spell(r.Cap), spell(r.Base))
	}
	if r.Cap > maxHidden && s.r.backend == "aws" {
		e, _ := s.get("cap")
		s.r.warn(e.line, "SQS holds a message back for at most %s; rows that wait longer, up to the cap of %s, go on with the sweep after", spell(maxHidden), spell(r.Cap))
	}
	return r
}

// status reads a status that ends a row's attempts. 429 asks for patience, which
// is the opposite.
func status(text string) (int, *fault) {
	n, f := whole(400, 599)(text)
	if f == nil && n == 429 {
		return 0, &fault{"asks to come back later and is never permanent", "take it out"}
	}
	return n, f
}

// unique reports what a list names twice.
func unique[T comparable](s *section, key string, values []T) []T {
	seen := map[T]bool{}
	for _, v := range values {
		if seen[v] {
			e, _ := s.get(key)
			s.r.mistake(e.line, "keep one of them", "%s has %v twice", key, v)
		}
		seen[v] = true
	}
	return values
}
