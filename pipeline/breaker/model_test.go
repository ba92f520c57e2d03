package breaker_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"redrive/pipeline/breaker"
)

// machine drives a breaker with everything that can happen to it and compares it with a
// model that only knows what an operator would say: which state, held until when, which
// probes are out.
type machine struct {
	settings breaker.Settings
	now      time.Time
	b        breaker.Snapshot

	state     breaker.State
	heldUntil time.Time      // zero when not held
	probeAt   time.Time      // when an open breaker that is not held probes
	out       map[string]int // probes of this round without an outcome, by caller
	good      int            // probes of this round that succeeded
	oldRounds []int64        // rounds that had probes
}

func TestBreakerAgainstAModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{
			settings: breaker.Settings{
				FailureRate: rapid.Float64Range(0.01, 1).Draw(t, "failure rate"), MinimumCalls: rapid.IntRange(1, 30).Draw(t, "minimum calls"),
				Window: 30 * time.Second, OpenFor: 30 * time.Second, Probes: rapid.IntRange(1, 5).Draw(t, "probes"),
			},
			now: start, b: breaker.New(start), state: breaker.Closed, out: map[string]int{},
		}
		t.Repeat(map[string]func(*rapid.T){
			"":         m.check,
			"trip":     m.trip,
			"pass":     m.pass,
			"grant":    m.grant,
			"result":   m.result,
			"late":     m.late,
			"giveBack": m.giveBack,
			"settle":   m.settle,
			"force":    m.force,
			"auto":     m.automatic,
		})
	})
}

func (m *machine) enter(s breaker.State) {
	if m.state == breaker.HalfOpen {
		m.oldRounds = append(m.oldRounds, m.b.Round)
	}
	m.state, m.heldUntil, m.probeAt, m.out, m.good = s, time.Time{}, time.Time{}, map[string]int{}, 0
	if s == breaker.Open {
		m.probeAt = m.now.Add(m.settings.OpenFor)
	}
}

// accept checks what every change must satisfy and takes it over.
func (m *machine) accept(t *rapid.T, next breaker.Snapshot, tr *breaker.Transition) {
	if changed := !reflect.DeepEqual(next, m.b); changed != (next.Version > m.b.Version) {
		t.Fatalf("changed %v, version %d after %d", changed, next.Version, m.b.Version)
	}
	if (tr != nil) != (next.Round == m.b.Round+1) {
		t.Fatalf("transition %+v, round %d after %d", tr, next.Round, m.b.Round)
	}
	if tr != nil && (tr.From != m.b.State || tr.To != next.State || tr.By == "" || tr.Reason == "" || !tr.At.Equal(m.now)) {
		t.Fatalf("transition %+v from %s to %s", tr, m.b.State, next.State)
	}
	m.b = next
}

func (m *machine) trip(t *rapid.T) {
	calls := rapid.IntRange(0, 60).Draw(t, "calls")
	failed := rapid.IntRange(0, calls).Draw(t, "failed")
	next, tr := m.settings.Trip(m.b, calls, failed, m.now)
	if m.state == breaker.Closed && m.heldUntil.IsZero() && failed > 0 &&
		calls >= m.settings.MinimumCalls && float64(failed)/float64(calls) >= m.settings.FailureRate {
		m.enter(breaker.Open)
	}
	m.accept(t, next, tr)
}

func (m *machine) pass(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "seconds")) * time.Second)
	next, tr := m.settings.Tick(m.b, m.now)
	switch {
	case m.now.Before(m.heldUntil):
	case !m.heldUntil.IsZero() && m.state == breaker.Closed:
		m.enter(breaker.Closed)
	case !m.heldUntil.IsZero(), m.state == breaker.Open && !m.now.Before(m.probeAt):
		m.enter(breaker.HalfOpen)
	}
	m.accept(t, next, tr)
}

func (m *machine) outAll() int { return m.out["a"] + m.out["b"] }

// busy draws a caller that has a probe out.
func (m *machine) busy(t *rapid.T) string {
	by := caller(t)
	if m.out[by] == 0 {
		t.Skip("it has no probe out")
	}
	return by
}

func caller(t *rapid.T) string { return rapid.SampledFrom([]string{"a", "b"}).Draw(t, "caller") }

func (m *machine) grant(t *rapid.T) {
	n, by := rapid.IntRange(0, 10).Draw(t, "n"), caller(t)
	next, granted := m.settings.Grant(m.b, by, n, m.now)
	want := map[breaker.State]int{
		breaker.Closed: n, breaker.Open: 0, breaker.HalfOpen: min(n, m.settings.Probes-m.outAll()-m.good),
	}[m.state]
	if granted != want {
		t.Fatalf("granted %d of %d while %s, want %d", granted, n, m.state, want)
	}
	if m.state == breaker.HalfOpen {
		m.out[by] += granted
	}
	m.accept(t, next, nil)
}

func (m *machine) result(t *rapid.T) {
	by := m.busy(t)
	ok := rapid.Bool().Draw(t, "ok")
	next, tr := m.settings.ProbeResult(m.b, by, m.b.Round, ok, m.now)
	m.out[by]--
	switch {
	case !ok:
		m.enter(breaker.Open)
	case m.good+1 == m.settings.Probes:
		m.enter(breaker.Closed)
	default:
		m.good++
	}
	m.accept(t, next, tr)
}

func (m *machine) late(t *rapid.T) {
	if len(m.oldRounds) == 0 {
		t.Skip("no earlier round")
	}
	round, by := rapid.SampledFrom(m.oldRounds).Draw(t, "round"), caller(t)
	next, tr := m.settings.ProbeResult(m.b, by, round, rapid.Bool().Draw(t, "ok"), m.now)
	if tr != nil || !reflect.DeepEqual(next, m.b) || !reflect.DeepEqual(m.settings.GiveBack(m.b, by, round, 1), m.b) {
		t.Fatalf("round %d still counts in round %d", round, m.b.Round)
	}
}

func (m *machine) giveBack(t *rapid.T) {
	by := m.busy(t)
	n := rapid.IntRange(1, m.out[by]).Draw(t, "n")
	m.out[by] -= n
	m.accept(t, m.settings.GiveBack(m.b, by, m.b.Round, n), nil)
}

// settle may find that the other caller is gone.
func (m *machine) settle(t *rapid.T) {
	waiting, by, gone := rapid.IntRange(0, 3).Draw(t, "waiting"), caller(t), rapid.Bool().Draw(t, "gone")
	other := map[string]string{"a": "b", "b": "a"}[by]
	crew := breaker.Crew{Waiting: waiting, By: by, InFlight: m.out[by], Gone: func(string) bool { return gone }}
	next, tr := m.settings.Settle(m.b, crew, m.now)
	if gone {
		m.out[other] = 0
	}
	if m.state == breaker.HalfOpen && waiting == 0 && m.outAll() == 0 && m.good > 0 {
		m.enter(breaker.Closed)
	}
	m.accept(t, next, tr)
}

func (m *machine) force(t *rapid.T) {
	to := rapid.SampledFrom([]breaker.State{breaker.Closed, breaker.Open, breaker.HalfOpen}).Draw(t, "to")
	until := m.now.Add(time.Duration(rapid.IntRange(1, 120).Draw(t, "for")) * time.Second)
	next, tr := m.settings.Force(m.b, to, until, "ada", "because", m.now)
	m.enter(to)
	if to != breaker.HalfOpen {
		m.heldUntil, m.probeAt = until, time.Time{}
	}
	m.accept(t, next, tr)
}

func (m *machine) automatic(t *rapid.T) {
	next, tr := m.settings.Automatic(m.b, "ada", "because", m.now)
	if !m.heldUntil.IsZero() {
		m.enter(m.state)
	}
	m.accept(t, next, tr)
}

func (m *machine) check(t *rapid.T) {
	b := m.b
	switch {
	case b.State != m.state:
		t.Fatalf("state %s, the model says %s", b.State, m.state)
	case b.Held != !m.heldUntil.IsZero() || !b.HeldUntil.Equal(m.heldUntil) || b.Held != (b.HeldBy != ""):
		t.Fatalf("held %v by %q until %s, the model says %s", b.Held, b.HeldBy, b.HeldUntil, m.heldUntil)
	case b.Held && b.State == breaker.HalfOpen:
		t.Fatal("held half-open")
	case !b.NextProbeAt.Equal(m.probeAt):
		t.Fatalf("next probe at %s, the model says %s", b.NextProbeAt, m.probeAt)
	case b.Succeeded != m.good || b.Granted != m.good+m.outAll() || b.Granted > m.settings.Probes:
		t.Fatalf("granted %d, succeeded %d; the model says %d out, %d good", b.Granted, b.Succeeded, m.outAll(), m.good)
	}
}
