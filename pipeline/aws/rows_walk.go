package aws

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"
)

// span is a part of the rows of some pipelines, by id.
type span struct {
	pipelines  []string // all of them if nil
	from, to   string   // ids, from included, to excluded; empty: from the first, to the last
	descending bool
	strong     bool
	bodies     bool  // with payloads
	pageRows   int32 // about how many rows the caller wants; 0: as many as it gets
}

// found is a row of a walk, with its payload if that was asked for.
type found struct {
	*row
	payload item
}

// walk reads rows in the order of their ids: hour by hour, the shards of an hour
// together. It reads no further than its caller goes.
func (s *Store) walk(ctx context.Context, sp span) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		if sp.from != "" && sp.to != "" && sp.from >= sp.to {
			return // DynamoDB refuses a range that ends before it begins
		}
		entries, err := s.span(ctx, sp)
		if err != nil {
			yield(found{}, err)
			return
		}
		for _, hour := range hours(entries, sp.descending) {
			if !s.walkHour(ctx, sp, hour, yield) {
				return
			}
		}
	}
}

// span are the partitions a span touches.
func (s *Store) span(ctx context.Context, sp span) ([]entry, error) {
	names := sp.pipelines
	if names == nil {
		var err error
		if names, err = s.partitions.pipelines(ctx); err != nil {
			return nil, err
		}
	}
	first, last := int64(0), int64(9_999_999)
	if id, ok := parseID(sp.from); ok {
		first = id.ms / hourMillis
	}
	if id, ok := parseID(sp.to); ok {
		last = id.ms / hourMillis
	}
	var all []entry
	for _, name := range names {
		list, err := s.partitions.entries(ctx, name, first, last)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

func (s *Store) walkHour(ctx context.Context, sp span, hour []entry, yield func(found, error) bool) bool {
	lists := make([]iter.Seq2[item, error], 0, len(hour))
	for _, e := range hour {
		q := query{pk: e.pk(), from: sp.from, descending: sp.descending, strong: sp.strong}
		if sp.to != "" {
			q.to = justBelow(sp.to)
		}
		if sp.pageRows > 0 {
			q.limit = max(2*sp.pageRows/int32(len(hour))+2, 20)
		}
		lists = append(lists, s.table.items(ctx, q))
	}
	now := time.Now()
	pending := found{}
	for it, err := range merge(sp.descending, lists...) {
		if err != nil {
			yield(found{}, err)
			return false
		}
		if strings.HasSuffix(it.str(attrSK), "#p") { // before its flags when descending, after them else
			if sp.descending {
				pending.payload = it
				continue
			}
			if pending.row != nil && it.str(attrSK) == pending.id.payload() {
				pending.payload = it
			}
			continue
		}
		if !sp.descending && pending.row != nil && !yield(pending, nil) {
			return false
		}
		payload := pending.payload
		pending = found{}
		if sp.pipelines != nil && !slices.Contains(sp.pipelines, it.str(attrPipeline)) {
			continue
		}
		r, err := s.row(ctx, it)
		if err != nil {
			yield(found{}, err)
			return false
		}
		if r.expired(now) {
			continue
		}
		if !sp.descending {
			pending = found{row: r}
			continue
		}
		if payload != nil && payload.str(attrSK) != r.id.payload() {
			payload = nil
		}
		if !yield(found{r, payload}, nil) {
			return false
		}
	}
	if pending.row != nil && !yield(pending, nil) {
		return false
	}
	return true
}

// justBelow is a key behind which, and before sk, nothing lies that is not part of
// an earlier row.
func justBelow(sk string) string { return sk[:len(sk)-1] + string(sk[len(sk)-1]-1) + "~" }
