package pipelinetest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"redrive/pipeline"
)

func listRules() []rule {
	return []rule{
		{name: "rows newest first", run: rowsNewestFirst,
			rule: "List returns rows newest first, or oldest first if asked."},
		{name: "row pages while rows arrive", run: rowPagesWhileRowsArrive,
			rule: "A list read page by page has no gaps and no repeats, whatever arrives or changes meanwhile."},
		{name: "row pages of one moment", run: rowPagesOfOneMoment,
			rule: "Rows of the same moment are paged without gaps and repeats too."},
		{name: "a clock that steps back", run: clockStepsBack,
			rule: "Rows have the times they are given, in whatever order; each has an id of its own and is listed and delivered once."},
		{name: "row pages end", run: rowPagesEnd,
			rule: "Next is empty on the last page."},
		{name: "lists show flags, not payloads", run: listsShowFlags,
			rule: "A listed row has its cells with states, attempts and times."},
		{name: "cursor of nobody", run: cursorOfNobody,
			rule: "A cursor that no list gave out is a mistake of the caller, never a failure of the store."},
		{name: "query finds", run: queryFinds,
			rule: "A query is looked for in the id, the label, the last error and the payload, in any case."},
		{name: "query is no pattern", run: queryIsNoPattern,
			rule: "A query is text: signs that mean something to a store mean nothing in it."},
		{name: "query goes on from Next", run: queryGoesOn,
			rule: "With a Query, List looks at a bounded number of rows and says how many; the search goes on from Next."},
	}
}

func rowsNewestFirst(e *env) {
	want := e.addN(single(e), 5)
	oldest := e.list(pipeline.RowFilter{Oldest: true, Limit: 2})
	same(e, "oldest first", ids(oldest, rowID), want)
	slices.Reverse(want)
	same(e, "newest first", ids(e.list(pipeline.RowFilter{}), rowID), want)
	same(e, "by twos", ids(e.list(pipeline.RowFilter{Limit: 2}), rowID), want)
}

func rowPagesWhileRowsArrive(e *env) {
	g := chain(e)
	want := e.addN(g, 11)
	got := pages(e, "listing rows", func(cursor string) (pipeline.Page[pipeline.Row], error) {
		if cursor != "" {
			e.addN(g, 2)
			e.settle(processed(g, e.take(g, "validate")))
		}
		return e.b.Rows.List(e.Context(), pipeline.RowFilter{Limit: 3, Cursor: cursor})
	})
	slices.Reverse(want)
	same(e, "rows", ids(got, rowID), want)
}

func rowPagesOfOneMoment(e *env) {
	rows := make([]pipeline.NewRow, 43)
	for i := range rows {
		rows[i] = e.row(single(e))
	}
	want := ids(e.insert(rows...), insertedID)
	for _, f := range []pipeline.RowFilter{{Limit: 4}, {Limit: 4, Oldest: true}, {Limit: 4, State: pipeline.StateQueued}, {Limit: 4, Query: "{"}} {
		sameSet(e, "rows", ids(e.list(f), rowID), want)
	}
	sameSet(e, "rows received", ids(e.takeN(single(e), "deliver", len(rows)), deliveredRow), want)
	e.nothing(single(e), "deliver")
}

// clockStepsBack inserts rows of a moment, of many later ones, and of the first
// again, as processes do whose clocks differ.
func clockStepsBack(e *env) {
	start := e.now()
	var want []string
	insert := func(at time.Time) {
		r := e.row(single(e))
		r.At = at
		in := e.insert(r, r)
		want = append(want, in[0].ID, in[1].ID)
	}
	for i := range 80 {
		insert(start.Add(time.Duration(i-80) * time.Millisecond))
	}
	for i := range 80 {
		insert(start.Add(time.Duration(-1-i) * time.Millisecond))
	}
	got := e.list(pipeline.RowFilter{})
	sameSet(e, "rows", ids(got, rowID), want)
	for i := range len(got) - 1 {
		if got[i].CreatedAt.Before(got[i+1].CreatedAt) {
			e.Errorf("the row of %v is listed before that of %v", got[i].CreatedAt, got[i+1].CreatedAt)
		}
	}
	e.takeRows(single(e), "deliver", len(want))
}

func rowPagesEnd(e *env) {
	e.addN(single(e), 4)
	e.settled()
	for limit, pages := range map[int]int{1: 4, 2: 2, 3: 2, 4: 1, 500: 1} {
		f, n := pipeline.RowFilter{Limit: limit}, 0
		for n <= 5 {
			p, err := e.b.Rows.List(e.Context(), f)
			e.ok(err, "listing rows")
			if len(p.Items) > limit {
				e.Fatalf("a page of %d has %d rows", limit, len(p.Items))
			}
			n++
			if f.Cursor = p.Next; f.Cursor == "" {
				break
			}
		}
		// A store may find out on an empty page that the page before was the last.
		if n != pages && n != pages+1 {
			e.Errorf("4 rows by %d are on %d pages, want %d", limit, n, pages)
		}
	}
	p, err := e.b.Rows.List(e.Context(), pipeline.RowFilter{Pipeline: "other", Limit: 10})
	e.ok(err, "listing no rows")
	same(e, "rows and cursor of an empty list", len(p.Items) == 0 && p.Next == "", true)
}

func listsShowFlags(e *env) {
	g := chain(e)
	id := e.add(g)
	e.process(g, "validate")
	row := e.list(pipeline.RowFilter{})[0]
	d := e.get(id)
	same(e, "listed row", row, d.Row)
	same(e, "cells", len(row.Steps), 2)
}

func cursorOfNobody(e *env) {
	e.addN(single(e), 3)
	for _, c := range []string{"x", "%%%", "0", "-1", "'", "漢字", "\x00", strings.Repeat("A", 3000)} {
		_, rows := e.b.Rows.List(e.Context(), pipeline.RowFilter{Limit: 2, Cursor: c})
		_, letters := e.b.Letters.List(e.Context(), pipeline.LetterFilter{Limit: 2, Cursor: c})
		_, entries := e.b.Audit.List(e.Context(), pipeline.AuditFilter{Limit: 2, Cursor: c})
		_, queried := e.b.Rows.List(e.Context(), pipeline.RowFilter{Limit: 2, Cursor: c, Query: "x"})
		for _, err := range []error{rows, letters, entries, queried} {
			if err != nil && !errors.Is(err, pipeline.ErrInvalid) {
				e.Errorf("cursor %q answers %v, want invalid", c, err)
			}
		}
	}
}

// searchable has one row whose label, payload and last error are known, among
// others.
func searchable(e *env) string {
	g := single(e)
	in := e.row(g)
	in.Label, in.Payload = "order.Created", []byte(`{"buyer":"Ada Lovelace","share":"100%","path":"C:\\tmp","t":"a_b*c?"}`)
	id := e.insert(in)[0].ID
	d := e.take(g, "deliver")
	out := retry(d, e.now().Add(time.Hour))
	out.Attempt.Error = "dial tcp: Connection Refused"
	e.settle(out)
	e.pass(e.tick())
	e.addN(g, 3)
	return id
}

func queryFinds(e *env) {
	id := searchable(e)
	for what, q := range map[string]string{
		"id": id, "part of the id": id[2:], "label": "order.created", "label, other case": "ORDER.CREATED",
		"payload": "ada lovelace", "payload, other case": "ADA LOVE", "last error": "connection refused",
	} {
		got := ids(e.list(pipeline.RowFilter{Query: q}), rowID)
		same(e, "rows found by "+what, got, []string{id})
	}
	same(e, "rows found by nothing", len(e.list(pipeline.RowFilter{Query: "nowhere-at-all"})), 0)
	for q, found := range map[string][]string{"ada lovelace": nil, "order.created": {id}, "connection refused": {id}, id: {id}} {
		got := ids(e.list(pipeline.RowFilter{Query: q, Blind: true}), rowID)
		if !slices.Equal(got, found) {
			e.Errorf("who may not see payloads finds %v by %q, want %v", got, q, found)
		}
	}
	same(e, "rows found in another pipeline", len(e.list(pipeline.RowFilter{Query: "ada", Pipeline: "other"})), 0)
}

func queryIsNoPattern(e *env) {
	id := searchable(e)
	for q, found := range map[string]bool{
		"100%": true, `c:\\tmp`: true, "a_b": true, "b*c": true, "c?": true, `"100%"`: true,
		"1%0": false, "a_c": false, "l_velace": false, "ada*": false, "A.a": false, "' or 1=1 --": false, "[a-z]": false,
	} {
		got := ids(e.list(pipeline.RowFilter{Query: q}), rowID)
		if slices.Contains(got, id) != found {
			e.Errorf("query %q finds the row: %v, want %v", q, !found, found)
		}
	}
}

func queryGoesOn(e *env) {
	g := single(e)
	needle := e.row(g)
	needle.Label = "needle"
	first := e.insert(needle)[0].ID
	const hay = 600
	for range hay / 100 {
		rows := make([]pipeline.NewRow, 100)
		for i := range rows {
			rows[i] = e.row(g)
			rows[i].Payload = []byte("{}")
		}
		e.insert(rows...)
	}
	scanned := 0
	found := pages(e, "searching", func(cursor string) (pipeline.Page[pipeline.Row], error) {
		p, err := e.b.Rows.List(e.Context(), pipeline.RowFilter{Query: "needle", Limit: 10, Cursor: cursor})
		scanned += p.Scanned
		return p, err
	})
	same(e, "rows found", ids(found, rowID), []string{first})
	same(e, "rows looked at", scanned, hay+1)
}
