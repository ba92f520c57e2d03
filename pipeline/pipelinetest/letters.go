package pipelinetest

import (
	"slices"
	"time"

	"redrive/pipeline"
)

func letterRules() []rule {
	return []rule{
		{name: "letters newest first", run: lettersNewestFirst,
			rule: "List returns dead letters newest first, or oldest first if asked."},
		{name: "letter filters", run: letterFilters,
			rule: "A filter selects by pipeline, step, ids, group and query; Count tells how many it selects."},
		{name: "letters up to an id", run: lettersUpTo,
			rule: "UpTo selects what existed when an operation began."},
		{name: "letter pages while letters come and go", run: letterPages,
			rule: "Letters read page by page have no gaps and no repeats, whatever dies or is redriven meanwhile."},
		{name: "count ignores the limit", run: countIgnoresLimit,
			rule: "Count tells how many letters a filter selects, whatever its Limit."},
		{name: "reading changes nothing", run: readingChangesNothing,
			rule: "Reading dead letters never changes one."},
	}
}

func groupRules() []rule {
	return []rule{
		{name: "groups largest first", run: groupsLargestFirst,
			rule: "Groups returns dead letters by cause, largest first; empty arguments mean all."},
		{name: "groups say everything", run: groupsSayEverything,
			rule: "A group has its error, place, kind, count, first and last death."},
		{name: "groups count recent deaths", run: groupsRecent,
			rule: "Recent counts who died in the last 15 minutes, hour, 6 hours, 24 hours."},
		{name: "groups agree with lists", run: groupsAgree,
			rule: "Groups, counts and lists of dead letters agree."},
	}
}

func (e *env) countLetters(f pipeline.LetterFilter) int64 {
	e.Helper()
	e.settled()
	n, err := e.b.Letters.Count(e.Context(), f)
	e.ok(err, "counting letters")
	return n
}

func (e *env) groups(name, step string) []pipeline.Group {
	e.Helper()
	e.settled()
	gs, err := e.b.Letters.Groups(e.Context(), name, step)
	e.ok(err, "grouping letters")
	return gs
}

// buryIn gives up the next row of a one-step graph with a text and its group.
func (e *env) buryIn(g *pipeline.Graph, text string) pipeline.DeadLetter {
	e.Helper()
	e.pass(2 * time.Millisecond)
	id := e.add(g)
	out := dead(e.take(g, "deliver"), text+" for "+id)
	out.Letter.Group, out.Letter.Cause = g.Pipeline()+"-"+text, text+" for N"
	e.settle(out)
	return e.letter(id, "deliver")
}

func lettersNewestFirst(e *env) {
	var want []string
	for range 5 {
		want = append(want, e.buryIn(single(e), "502").ID)
	}
	same(e, "oldest first", ids(e.letters(pipeline.LetterFilter{Oldest: true, Limit: 2}), letterID), want)
	slices.Reverse(want)
	same(e, "newest first", ids(e.letters(pipeline.LetterFilter{}), letterID), want)
	same(e, "by twos", ids(e.letters(pipeline.LetterFilter{Limit: 2}), letterID), want)
	all := e.letters(pipeline.LetterFilter{})
	for i := range all[1:] {
		if all[i].DeadAt.Before(all[i+1].DeadAt) {
			e.Errorf("letter %d died before the one after it", i)
		}
	}
}

func letterFilters(e *env) {
	a, b := e.buryIn(single(e), "502 Bad Gateway"), e.buryIn(single(e), "timeout")
	c := e.buryIn(other(e), "502 Bad Gateway")
	chained := e.add(chain(e))
	e.process(chain(e), "validate")
	d := e.kill(chain(e), "enrich")
	type F = pipeline.LetterFilter
	for _, x := range []struct {
		name string
		f    F
		want []pipeline.DeadLetter
	}{
		{"everything", F{}, []pipeline.DeadLetter{a, b, c, d}},
		{"pipeline", F{Pipeline: "single"}, []pipeline.DeadLetter{a, b}},
		{"pipeline and step", F{Pipeline: "chain", Step: "enrich"}, []pipeline.DeadLetter{d}},
		{"another step", F{Pipeline: "chain", Step: "validate"}, nil},
		{"a step of two pipelines", F{Step: "deliver"}, []pipeline.DeadLetter{a, b, c}},
		{"ids", F{IDs: []string{a.ID, d.ID, "unknown", ""}}, []pipeline.DeadLetter{a, d}},
		{"ids of a pipeline", F{IDs: []string{a.ID, c.ID}, Pipeline: "other"}, []pipeline.DeadLetter{c}},
		{"group", F{Group: c.Group}, []pipeline.DeadLetter{c}},
		{"unknown group", F{Group: "nobody"}, nil},
		{"error", F{Query: "BAD gateway"}, []pipeline.DeadLetter{a, c}},
		{"row id", F{Query: chained}, []pipeline.DeadLetter{d}},
		{"label", F{Query: d.Label}, withLabel(d.Label, a, b, c, d)},
		{"query is no pattern", F{Query: "B%way"}, nil},
		{"query of a group", F{Query: "bad", Group: a.Group}, []pipeline.DeadLetter{a}},
	} {
		sameSet(e, x.name, ids(e.letters(x.f), letterID), ids(x.want, letterID))
		same(e, x.name+", counted", e.countLetters(x.f), int64(len(x.want)))
	}
}

func withLabel(label string, all ...pipeline.DeadLetter) []pipeline.DeadLetter {
	return slices.DeleteFunc(all, func(l pipeline.DeadLetter) bool { return l.Label != label })
}

func lettersUpTo(e *env) {
	old := []string{e.buryIn(single(e), "502").ID, e.buryIn(single(e), "502").ID}
	newest := e.letters(pipeline.LetterFilter{Limit: 1})[0].ID
	e.buryIn(single(e), "502")
	f := pipeline.LetterFilter{UpTo: newest, Oldest: true}
	same(e, "letters up to the newest then", ids(e.letters(f), letterID), old)
	same(e, "count", e.countLetters(f), int64(2))
	f.Limit = 1
	same(e, "by ones", ids(e.letters(f), letterID), old)
}

func letterPages(e *env) {
	g := single(e)
	var want []string
	byID := map[string]pipeline.DeadLetter{}
	for range 9 {
		l := e.buryIn(g, "502")
		want, byID[l.ID] = append(want, l.ID), l
	}
	for _, oldest := range []bool{true, false} {
		f := pipeline.LetterFilter{Pipeline: "single", Limit: 2, Oldest: oldest, UpTo: want[len(want)-1]}
		got := pages(e, "listing letters", func(cursor string) (pipeline.Page[pipeline.DeadLetter], error) {
			f.Cursor = cursor
			p, err := e.b.Letters.List(e.Context(), f)
			for _, l := range p.Items[:min(1, len(p.Items))] {
				e.requeue(move(l.Row, "deliver", pipeline.StateDead, e.now()))
				e.process(g, "deliver")
			}
			e.buryIn(g, "503")
			return p, err
		})
		sameSet(e, "letters", ids(got, letterID), want)
		left := e.letters(pipeline.LetterFilter{UpTo: want[len(want)-1]})
		want = ids(left, letterID)
		slices.Reverse(want)
	}
}

func countIgnoresLimit(e *env) {
	for range 4 {
		e.buryIn(single(e), "502")
	}
	f := pipeline.LetterFilter{Pipeline: "single", Limit: 2}
	p, err := e.b.Letters.List(e.Context(), f)
	e.ok(err, "listing letters")
	f.Cursor = p.Next
	same(e, "count", e.countLetters(f), int64(4))
	f.Query = "502"
	same(e, "count of a query", e.countLetters(f), int64(4))
}

func readingChangesNothing(e *env) {
	g := single(e)
	e.buryIn(g, "502")
	read := func() []pipeline.DeadLetter {
		e.groups("", "")
		e.countLetters(pipeline.LetterFilter{})
		return e.letters(pipeline.LetterFilter{})
	}
	first, counted := read(), e.counts()
	e.pass(e.tick())
	for range 3 {
		same(e, "letters", read(), first)
	}
	same(e, "counters", e.counts(), counted)
	e.nothing(g, "deliver")
}

func groupsLargestFirst(e *env) {
	for text, n := range map[string]int{"502": 3, "timeout": 1, "429": 2} {
		for range n {
			e.buryIn(single(e), text)
		}
	}
	for range 4 {
		e.buryIn(other(e), "502")
	}
	sizes := func(name, step string) []int64 {
		var n []int64
		for _, g := range e.groups(name, step) {
			n = append(n, g.Count)
		}
		return n
	}
	same(e, "all", sizes("", ""), []int64{4, 3, 2, 1})
	same(e, "of a pipeline", sizes("single", ""), []int64{3, 2, 1})
	same(e, "of a step", sizes("single", "deliver"), []int64{3, 2, 1})
	same(e, "of a step of any pipeline", sizes("", "deliver"), []int64{4, 3, 2, 1})
	same(e, "of another step", len(sizes("single", "enrich")), 0)
	same(e, "of nobody", len(sizes("nobody", "")), 0)
}

func groupsSayEverything(e *env) {
	first := e.buryIn(single(e), "502 Bad Gateway")
	e.pass(5 * e.tick())
	last := e.buryIn(single(e), "502 Bad Gateway")
	g := e.groups("", "")[0]
	same(e, "first death", g.FirstAt, first.DeadAt)
	same(e, "last death", g.LastAt, last.DeadAt)
	g.FirstAt, g.LastAt, g.Recent = time.Time{}, time.Time{}, [4]int64{}
	same(e, "group", g, pipeline.Group{Group: first.Group, Error: "502 Bad Gateway for N", Pipeline: "single", Step: "deliver",
		Kind: pipeline.LetterHandler, Count: 2})
	e.requeue(move(first.Row, "deliver", pipeline.StateDead, e.now()))
	g = e.groups("", "")[0]
	same(e, "deaths left", g.Count, int64(1))
	same(e, "first death left", g.FirstAt, last.DeadAt)
	e.discard("", last.Row)
	same(e, "groups left", len(e.groups("", "")), 0)
}

func groupsRecent(e *env) {
	if !e.h.Bubble { // hours cannot be waited for
		e.buryIn(single(e), "502")
		same(e, "recent deaths", e.groups("", "")[0].Recent, [4]int64{1, 1, 1, 1})
		return
	}
	for _, d := range []time.Duration{24 * time.Hour, 10 * time.Hour, 3 * time.Hour, 30 * time.Minute, 5 * time.Minute} {
		e.buryIn(single(e), "502")
		e.pass(d)
	}
	e.buryIn(single(e), "502")
	g := e.groups("", "")[0]
	same(e, "deaths", g.Count, int64(6))
	same(e, "recent deaths", g.Recent, [4]int64{2, 3, 4, 5})
}

func groupsAgree(e *env) {
	g := fork(e)
	e.addN(g, 4)
	e.settle(each(e.takeN(g, "validate", 4), func(d pipeline.Delivery) pipeline.Outcome { return processed(g, d) })...)
	for i, step := range g.Sinks() {
		e.settle(each(e.takeN(g, step, 4)[:4-i], func(d pipeline.Delivery) pipeline.Outcome { return dead(d, "502") })...)
	}
	for range 2 {
		sum, byGroup := int64(0), e.groups("", "")
		for _, x := range byGroup {
			f := pipeline.LetterFilter{Group: x.Group}
			same(e, "letters of a group", int64(len(e.letters(f))), x.Count)
			same(e, "count of a group", e.countLetters(f), x.Count)
			same(e, "counter of "+x.Step, e.counts().Steps[pipeline.StepKey{Pipeline: x.Pipeline, Step: x.Step}].Dead, x.Count)
			sum += x.Count
		}
		same(e, "letters", e.countLetters(pipeline.LetterFilter{}), sum)
		l := e.letters(pipeline.LetterFilter{})[0]
		e.discard("", l.Row)
	}
}
