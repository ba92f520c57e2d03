package pipelinetest

import (
	"encoding/json"
	"slices"
	"time"

	"redrive/pipeline"
)

func auditRules() []rule {
	return []rule{
		{name: "entries are kept word for word", run: entriesKept,
			rule: "An entry is kept as it was: who, what, why, word for word."},
		{name: "entries newest first", run: entriesNewestFirst,
			rule: "List returns entries newest first, page by page without gaps or repeats while others are written."},
		{name: "entry filters", run: entryFilters,
			rule: "A filter selects by actor, object, time and action: exact, or a noun with a dot."},
		{name: "an entry is appended once", run: entryOnce,
			rule: "An append that is repeated changes nothing; entries are never changed."},
		{name: "entries are a chain", run: entriesChained,
			rule: "Every entry has the next number of its chain and the hash of the entry before it, also one that is written with its effect."},
		{name: "entries are walked oldest first", run: entriesWalked,
			rule: "Walk answers every entry made at or after a time once, oldest first, as it is stored."},
		{name: "entries of many at once are a chain", run: entriesAtOnce, crowd: true,
			rule: "Entries that are appended at once, by all processes, are each in a chain, once."},
		{name: "the chain goes on after a restart", run: chainGoesOn, needs: func(h Harness) bool { return h.Reopen != nil },
			rule: "What the next process writes does not break what the one before wrote."},
		{name: "the end of the log is known", run: chainHeads,
			rule: "Heads answers the last link of what this process wrote; a log without it has lost its end."},
	}
}

// entry makes the entry of an action, a moment after the one before.
func (e *env) entry(action, object string) *pipeline.Entry {
	e.pass(2 * time.Millisecond)
	ctx := pipeline.WithActor(e.Context(), pipeline.Actor{Name: "ada", Role: "operator", From: "127.0.0.1"})
	x := pipeline.NewEntry(ctx, action, object, "the downstream is back", map[string]any{"moved": 3})
	x.At = x.At.Truncate(time.Millisecond)
	return x
}

func (e *env) append(entries ...pipeline.Entry) {
	e.Helper()
	e.ok(e.b.Audit.Append(e.Context(), entries...), "appending entries")
}

func (e *env) entries(f pipeline.AuditFilter) []pipeline.Entry {
	e.Helper()
	e.settled()
	if f.Limit == 0 {
		f.Limit = 100
	}
	return pages(e, "listing entries", func(cursor string) (pipeline.Page[pipeline.Entry], error) {
		f.Cursor = cursor
		return e.b.Audit.List(e.Context(), f)
	})
}

func entriesKept(e *env) {
	first := *e.entry("breaker.force", "breakers/search-api")
	first.Reason = "  żółć \"quoted\" <b>\n\t漢字 🚦'; -- "
	first.Detail = json.RawMessage(`{"for":"15m","from":["closed","open"]}`)
	e.pass(2 * time.Millisecond)
	plain := pipeline.Entry{ID: pipeline.NewID(), At: e.now().Add(time.Millisecond), Actor: pipeline.Program, Action: "sweep.run",
		Object: "sweeps/1", Result: "the store does not answer"}
	e.append(first, plain)
	got := e.entries(pipeline.AuditFilter{})
	same(e, "entries", len(got), 2)
	same(e, "detail", string(got[1].Detail), string(first.Detail))
	for i := range got {
		got[i].Link = pipeline.Link{}
	}
	same(e, "entry", got[1], first)
	same(e, "detail of an entry without", len(got[0].Detail), 0)
	got[0].Detail = nil
	same(e, "entry without much", got[0], plain)
}

func entriesNewestFirst(e *env) {
	var want []string
	for range 7 {
		x := e.entry("redrive.start", "redrives/1")
		e.append(*x)
		want = append(want, x.ID)
	}
	slices.Reverse(want)
	got := pages(e, "listing entries", func(cursor string) (pipeline.Page[pipeline.Entry], error) {
		if cursor != "" {
			e.append(*e.entry("redrive.pause", "redrives/1"))
		}
		return e.b.Audit.List(e.Context(), pipeline.AuditFilter{Limit: 2, Cursor: cursor})
	})
	same(e, "entries", ids(got, entryID), want)
}

func entryFilters(e *env) {
	start := e.now()
	var all []string
	for i, x := range []struct{ actor, action, object string }{
		{"ada", "redrive.start", "redrives/1"}, {"ada", "redrive.pause", "redrives/1"}, {"bob", "redrive.start", "redrives/2"},
		{"redrive", "redriver.note", "rows/1"}, {"bob", "row.discard", "rows/1"},
	} {
		en := e.entry(x.action, x.object)
		en.Actor, en.At = x.actor, start.Add(time.Duration(i)*time.Minute)
		e.append(*en)
		all = append(all, en.ID)
	}
	at := func(minutes float64) time.Time { return start.Add(time.Duration(minutes * float64(time.Minute))) }
	type F = pipeline.AuditFilter
	for _, c := range []struct {
		name string
		f    F
		want []int
	}{
		{"everything", F{}, []int{0, 1, 2, 3, 4}},
		{"actor", F{Actor: "ada"}, []int{0, 1}},
		{"unknown actor", F{Actor: "ad"}, nil},
		{"exact action", F{Action: "redrive.start"}, []int{0, 2}},
		{"noun", F{Action: "redrive."}, []int{0, 1, 2}},
		{"part of an action", F{Action: "redrive.sta"}, nil},
		{"noun without its dot", F{Action: "redrive"}, nil},
		{"pattern", F{Action: "%.start"}, nil},
		{"object", F{Object: "redrives/1"}, []int{0, 1}},
		{"part of an object", F{Object: "redrives/"}, nil},
		{"since", F{Since: at(2.5)}, []int{3, 4}},
		{"until", F{Until: at(1.5)}, []int{0, 1}},
		{"since and until", F{Since: at(0.5), Until: at(3.5)}, []int{1, 2, 3}},
		{"all at once", F{Actor: "bob", Action: "redrive.", Object: "redrives/2", Since: at(1), Until: at(3), Limit: 1}, []int{2}},
	} {
		var want []string
		for _, i := range c.want {
			want = append(want, all[i])
		}
		sameSet(e, c.name, ids(e.entries(c.f), entryID), want)
	}
}

func entryOnce(e *env) {
	x := *e.entry("row.discard", "rows/1")
	e.append(x, x)
	e.append(x)
	changed := x
	changed.Reason = "another"
	if err := e.b.Audit.Append(e.Context(), changed); err == nil {
		e.settled()
	}
	got := e.entries(pipeline.AuditFilter{})
	same(e, "entries", len(got), 1)
	same(e, "reason", got[0].Reason, x.Reason)
}
