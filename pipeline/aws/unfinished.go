package aws

import (
	"context"
	"time"

	"redrive/pipeline"
)

// Unfinished lists rows that are not finished and were not touched lately: dead
// ones below the floor from their list, then all above it.
func (rs rows) Unfinished(ctx context.Context, name string, untouched time.Time, cursor string, limit int) (pipeline.Page[pipeline.Row], error) {
	ctx = spend(ctx, purposeSweep)
	var page pipeline.Page[pipeline.Row]
	if cursor != "" {
		if _, ok := parseID(cursor); !ok {
			return page, badCursor()
		}
	}
	limit = limitOf(limit)
	now, last := time.Now(), ""
	add := func(r *row) bool {
		shown := rs.s.leases.over(r, now)
		if status := shown.status(); !shown.unfinished() && status != pipeline.StatusDead || !shown.touched().Before(untouched) {
			return true
		}
		if len(page.Items) == limit {
			page.Next = last
			return false
		}
		page.Items = append(page.Items, shown.public())
		last = r.id.text
		return true
	}
	low := rs.s.floor.low(name)
	if more, err := rs.deadBelow(ctx, name, cursor, low, add); err != nil || !more {
		return page, err
	}
	from := low
	if cursor != "" && cursor+"#q" > from {
		from = cursor + "#q"
	}
	for r, err := range rs.s.walk(ctx, span{pipelines: []string{name}, from: from, to: firstID(max(untouched.UnixMilli(), 0)), strong: true}) {
		if err != nil {
			return page, err
		}
		if !add(r.row) {
			break
		}
	}
	return page, nil
}

// deadBelow calls add for the dead rows between a cursor and the floor.
func (rs rows) deadBelow(ctx context.Context, name, cursor, low string, add func(*row) bool) (bool, error) {
	if cursor >= low {
		return true, nil
	}
	items, err := rs.s.table.all(ctx, query{pk: deadPK(name), after: cursor, to: justBelow(low), strong: true})
	if err != nil {
		return false, err
	}
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = it.str(attrSK)
	}
	rows, err := rs.s.rowsOf(ctx, ids)
	if err != nil {
		return false, err
	}
	for _, text := range ids {
		if r := rows[text]; r != nil && !add(r) {
			return false, nil
		}
	}
	return true, nil
}
