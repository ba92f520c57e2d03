package aws

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"redrive/pipeline"
)

const (
	rowsSearched = 500   // rows one call with a Query looks at
	rowsLooked   = 4_000 // rows one call with another filter looks at
)

// List returns rows in the order of their ids. Rows that are dead, rejected or
// set aside are found by their lists; all others by walking through time, a
// bounded number of rows a call.
func (rs rows) List(ctx context.Context, f pipeline.RowFilter) (pipeline.Page[pipeline.Row], error) {
	l := listing{s: rs.s, f: f, limit: limitOf(f.Limit), now: time.Now(), query: []byte(strings.ToLower(f.Query))}
	if f.Cursor != "" {
		if _, ok := parseID(f.Cursor); !ok {
			return l.page, badCursor()
		}
	}
	if err := ctx.Err(); err != nil {
		return l.page, rs.s.table.fail(err, "Query")
	}
	if pk := l.list(); pk != nil {
		return l.page, l.run(ctx, l.listed(ctx, pk))
	}
	sp := l.span()
	if sp.from != "" && sp.to != "" && sp.from >= sp.to {
		return l.page, nil
	}
	if l.open() && f.Pipeline != "" {
		return l.page, l.run(ctx, l.above(ctx, sp))
	}
	return l.page, l.run(ctx, rs.s.walk(ctx, sp))
}

// open tells whether only rows can match that have a step still to be done:
// they lie above the floor, or are dead.
func (l *listing) open() bool {
	switch l.f.State {
	case pipeline.StateQueued, pipeline.StateRunning, pipeline.StateRetrying:
		if l.f.Status == pipeline.StatusAccepted || l.f.Status == pipeline.StatusInProgress {
			return true
		}
		return l.f.Status == "" && l.f.Statuses != nil && !slices.Contains(l.f.Statuses, pipeline.StatusDiscarded)
	}
	return false
}

// above walks the rows above the floor, and the dead ones below it.
func (l *listing) above(ctx context.Context, sp span) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		name := l.f.Pipeline
		low := l.s.floor.low(name)
		below := func() bool { return l.deadUnder(ctx, sp, low, yield) }
		if !sp.descending && !below() {
			return
		}
		upper := sp
		upper.from = max(sp.from, low)
		if sp.to == "" || upper.from < sp.to {
			for r, err := range l.s.walk(ctx, upper) {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
		if sp.descending {
			below()
		}
	}
}

// deadUnder walks the dead rows of a span that lie under the floor.
func (l *listing) deadUnder(ctx context.Context, sp span, low string, yield func(found, error) bool) bool {
	q := query{pk: deadPK(l.f.Pipeline), from: sp.from, to: justBelow(low), descending: sp.descending, strong: true}
	if sp.to != "" && sp.to < low {
		q.to = justBelow(sp.to)
	}
	if q.from > q.to {
		return true
	}
	items, err := l.s.table.all(ctx, q)
	if err != nil {
		return yield(found{}, err)
	}
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = it.str(attrSK)
	}
	rows, err := l.s.rowsOf(ctx, ids)
	if err != nil {
		return yield(found{}, err)
	}
	for _, text := range ids {
		if r := rows[text]; r != nil && !l.yieldWith(ctx, r, yield) {
			return false
		}
	}
	return true
}

// listing is one call of List.
type listing struct {
	s     *Store
	f     pipeline.RowFilter
	limit int
	now   time.Time
	query []byte // in lower case

	page   pipeline.Page[pipeline.Row]
	looked int
	last   string
}

// list is the list that has all rows of the wanted status, nil if there is none.
func (l *listing) list() func(name string) string {
	status := l.f.Status
	if status == "" && len(l.f.Statuses) == 1 {
		status = l.f.Statuses[0]
	}
	switch status {
	case pipeline.StatusDead:
		return deadPK
	case pipeline.StatusRejected:
		return rejectedPK
	case pipeline.StatusDiscarded:
		return asidePK
	}
	return nil
}

// span is the part of time the filter asks for.
func (l *listing) span() span {
	sp := span{descending: !l.f.Oldest, strong: true, bodies: l.searches()}
	if l.f.Pipeline != "" {
		sp.pipelines = []string{l.f.Pipeline}
	}
	if !l.f.Since.IsZero() {
		sp.from = firstID(l.f.Since.UnixMilli())
	}
	if !l.f.Until.IsZero() {
		sp.to = firstID(l.f.Until.UnixMilli())
	}
	if c := l.f.Cursor; c != "" {
		if l.f.Oldest && c+"#q" > sp.from {
			sp.from = c + "#q"
		} else if !l.f.Oldest && (sp.to == "" || c < sp.to) {
			sp.to = c
		}
	}
	if l.f.Status == "" && l.f.Statuses == nil && l.f.State == "" && l.f.Query == "" {
		sp.pageRows = int32(l.limit + 1)
	}
	return sp
}

// run looks at rows until the page is full, or enough were looked at.
func (l *listing) run(ctx context.Context, rows func(func(found, error) bool)) error {
	most := rowsLooked
	if l.f.Query != "" {
		most = rowsSearched
	}
	for r, err := range rows {
		if err != nil {
			return err
		}
		shown := l.s.leases.over(r.row, l.now)
		takes := l.takes(shown, r.payload)
		if takes && len(l.page.Items) == l.limit || l.looked == most {
			l.page.Next = l.last
			break
		}
		if takes {
			l.page.Items = append(l.page.Items, shown.public())
		}
		l.looked++
		l.last = r.id.text
	}
	if l.f.Query != "" {
		l.page.Scanned = l.looked
	}
	return nil
}

func (l *listing) takes(r *row, payload item) bool {
	f := &l.f
	if f.Pipeline != "" && r.pipeline() != f.Pipeline {
		return false
	}
	created := r.id.created()
	if !f.Since.IsZero() && created.Before(f.Since) || !f.Until.IsZero() && !created.Before(f.Until) {
		return false
	}
	status := r.status()
	if f.Status != "" {
		if status != f.Status {
			return false
		}
	} else if f.Statuses != nil && !slices.Contains(f.Statuses, status) {
		return false
	}
	return l.inState(r) && l.matches(r, payload)
}

// inState tells whether the step asked for, or any, is in the state asked for.
func (l *listing) inState(r *row) bool {
	f := &l.f
	if f.Step == "" && f.State == "" {
		return true
	}
	if r.rejected() {
		return false
	}
	for _, n := range r.graph.Nodes() {
		if f.Step != "" && n.Name != f.Step {
			continue
		}
		state := pipeline.StateWaiting
		if c, ok := r.cell(n.Name); ok {
			state = c.state()
		}
		if f.State == "" || state == f.State {
			return true
		}
	}
	return false
}

func (l *listing) matches(r *row, payload item) bool {
	if len(l.query) == 0 {
		return true
	}
	in := func(text string) bool { return bytes.Contains(bytes.ToLower([]byte(text)), l.query) }
	if in(r.id.text) || in(r.item.str(attrLabel)) || in(r.item.str(attrRejected)) || r.aside != nil && in(r.aside.Reason) {
		return true
	}
	for _, c := range r.cells {
		if c.Last != nil && in(c.Last.Error) || c.Dead != nil && in(c.Dead.Error) {
			return true
		}
	}
	if l.f.Blind {
		return false
	}
	body, err := payload.body()
	return err == nil && bytes.Contains(bytes.ToLower(body), l.query)
}

// listed reads the rows of a list, a hundred at a time.
func (l *listing) listed(ctx context.Context, pk func(string) string) func(func(found, error) bool) {
	return func(yield func(found, error) bool) {
		names := []string{l.f.Pipeline}
		if l.f.Pipeline == "" {
			var err error
			if names, err = l.s.partitions.pipelines(ctx); err != nil {
				yield(found{}, err)
				return
			}
		}
		var lists []iter.Seq2[item, error]
		for _, name := range names {
			lists = append(lists, l.s.table.items(ctx, query{pk: pk(name), descending: !l.f.Oldest, after: l.f.Cursor, strong: true, limit: int32(l.limit + 1)}))
		}
		if len(lists) == 0 {
			return
		}
		var batch []string
		flush := func() bool {
			rows, err := l.s.rowsOf(ctx, batch)
			if err != nil {
				yield(found{}, err)
				return false
			}
			for _, text := range batch {
				if r := rows[text]; r != nil && !l.yieldWith(ctx, r, yield) {
					return false
				}
			}
			batch = batch[:0]
			return true
		}
		for it, err := range merge(!l.f.Oldest, lists...) {
			if err != nil {
				yield(found{}, err)
				return
			}
			if batch = append(batch, it.str(attrSK)); len(batch) == batchGetMost && !flush() {
				return
			}
		}
		flush()
	}
}

// searches tells whether payloads are looked into.
func (l *listing) searches() bool { return len(l.query) > 0 && !l.f.Blind }

// yieldWith adds the payload where the search needs it.
func (l *listing) yieldWith(ctx context.Context, r *row, yield func(found, error) bool) bool {
	var payload item
	if l.searches() {
		var err error
		if payload, err = l.s.table.get(ctx, r.id.pk(), r.id.payload(), false); err != nil {
			return yield(found{}, err)
		}
	}
	return yield(found{r, payload}, nil)
}
