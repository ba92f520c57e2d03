package pipeline_test

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/pipelinetest"
	"redrive/pipeline/sqlite"
)

// fleet is several processes on one store, which they share.
type fleet struct {
	t       *testing.T
	db      *sqlite.DB
	began   time.Time
	members []*member
}

// member is one of them. Its way to the store can be cut.
type member struct {
	*world
	wire *pipelinetest.Fault
	dead bool
}

// newFleet runs test in a bubble with n processes.
func newFleet(t *testing.T, n int, config func(*world) pipeline.Config, test func(*testing.T, *fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db, err := sqlite.Open(t.Context(), sqlite.Config{Path: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		f := &fleet{t: t, db: db, began: time.Now()}
		defer func() {
			for _, m := range f.members {
				m.end()
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}()
		for range n {
			f.join(config)
		}
		test(t, f)
	})
}

// join starts one more process.
func (f *fleet) join(config func(*world) pipeline.Config) *member {
	f.t.Helper()
	m := &member{world: &world{t: f.t, db: f.db, guest: true, script: ok}, wire: &pipelinetest.Fault{Method: "none"}}
	m.config = config(m.world)
	wrap := m.wrap
	m.wrap = func(b pipeline.Backend) pipeline.Backend {
		if wrap != nil {
			b = wrap(b)
		}
		b.Shared = true
		return pipelinetest.Faulty(b, m.wire)
	}
	m.open()
	f.members = append(f.members, m)
	return m
}

// until lets time go by, counted from the beginning.
func (f *fleet) until(d time.Duration) {
	time.Sleep(d - time.Since(f.began))
	synctest.Wait()
}

// last is the process that joined last.
func (f *fleet) last() *member { return f.members[len(f.members)-1] }

// holder is the process that has a lease, nil if nobody has.
func (f *fleet) holder(lease string) *member {
	f.t.Helper()
	rec, err := f.db.Backend().Records.Get(f.t.Context(), "lease", lease)
	if err != nil {
		return nil
	}
	var l struct{ Holder string }
	if err := json.Unmarshal(rec.Data, &l); err != nil {
		f.t.Fatal(err)
	}
	i := slices.IndexFunc(f.members, func(m *member) bool { return m.self().ID == l.Holder })
	if i < 0 {
		return nil
	}
	return f.members[i]
}

// self is this process in its own list.
func (m *member) self() pipeline.InstanceView {
	m.t.Helper()
	return must(m.engine.Instances(m.t.Context()))(m.t)[0]
}

// kill ends a process in the middle of whatever it does.
func (m *member) kill() {
	m.dead = true
	m.wire.Cut(true)
	m.stop()
	synctest.Wait()
}

// end stops a process in good order, or waits for what is left of a dead one.
func (m *member) end() {
	if m.stop == nil {
		return
	}
	m.stop()
	if err := <-m.ended; err != nil && !m.dead {
		m.t.Errorf("the engine ended with %v", err)
	}
	m.stop = nil
}

// only makes a process do only one thing.
func only(what string, config func(*world) pipeline.Config) func(*world) pipeline.Config {
	return func(w *world) pipeline.Config {
		c := config(w)
		c.Only = what
		return c
	}
}

// calls are those of all processes.
func (f *fleet) calls(match func(call) bool) []call {
	var all []call
	for _, m := range f.members {
		all = append(all, m.made(match)...)
	}
	slices.SortFunc(all, func(a, b call) int { return a.at.Compare(b.at) })
	return all
}

func (f *fleet) answer(script func(pipeline.Call) pipeline.Answer) {
	for _, m := range f.members {
		m.answer(script)
	}
}

// within waits until something holds, and fails when it takes longer than d.
func within(t *testing.T, d time.Duration, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); {
		if time.Since(began) > d {
			t.Fatalf("after %s: %s not yet", d, what)
		}
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
	}
}

// breakIndex answers every call, but that of index fails for good.
func breakIndex(c pipeline.Call) pipeline.Answer {
	if c.Step == "index" {
		return pipeline.Answer{Kind: pipeline.AnswerPermanent, StatusCode: 422, Error: "422 no such index"}
	}
	return ok(c)
}

// die sends n rows of which index dies.
func (f *fleet) die(n int) []string {
	f.t.Helper()
	f.answer(breakIndex)
	ids := f.members[0].submit(n)
	f.members[0].pass(15 * time.Second)
	f.members[0].wantStatus(pipeline.StatusDead, ids...)
	f.answer(ok)
	return ids
}
