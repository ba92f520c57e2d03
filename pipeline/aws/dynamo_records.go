package aws

import (
	"context"
	"slices"
	"strings"
	"time"

	"redrive/pipeline"
)

// records keeps the engine's small documents, one item each.
//
// What the engine looks at every second (see watched) lies in one partition, so
// that one query reads all of it, and is answered from a copy that is at most
// age old. Everything else, leases among it, is read from the table each time,
// so that what any process wrote before is seen.
type records struct {
	t     *table
	audit *auditLog
	copy  *watchedCopy
}

// The attributes of a record.
const (
	recVersion = "version"
	recData    = "data"  // a text, gzipped if it is long
	recUntil   = "exp"   // milliseconds; after that the record counts as gone
	recToken   = "token" // of the Put that wrote it
)

const (
	watchedPK  = "K"
	recordsPK  = "K#"
	longestKey = 900 // bytes of a kind or an id; a sort key has 1024
)

// watched lists the kinds that are read from the copy.
func watched(kind string) bool {
	return slices.Contains([]string{"breaker", "setting", "sweep-settings", "alarm", "fault", "instance"}, kind)
}

func newRecords(t *table, audit *auditLog, age time.Duration) *records {
	return &records{t: t, audit: audit, copy: &watchedCopy{t: t, age: age}}
}

// recordKey is where a record lies. Kinds and ids may be empty, keys may not.
func recordKey(kind, id string) (pk, sk string) {
	if watched(kind) {
		return watchedPK, kind + "#" + id
	}
	return recordsPK + kind, "#" + id
}

func recordOf(kind string, it item) (pipeline.Record, error) {
	_, id, _ := strings.Cut(it.str(attrSK), "#")
	data, err := it.unpacked(recData)
	return pipeline.Record{Kind: kind, ID: id, Version: it.num(recVersion), Data: data, ExpiresAt: it.time(recUntil)}, err
}

// over tells whether a record expired. DynamoDB deletes it hours later only.
func (i item) over(now time.Time) bool { return i.has(recUntil) && i.num(recUntil) <= now.UnixMilli() }

func expired(r pipeline.Record, now time.Time) bool {
	return !r.ExpiresAt.IsZero() && !r.ExpiresAt.After(now)
}

func noRecord() error {
	return &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no such record"}
}

func (r *records) Get(ctx context.Context, kind, id string) (pipeline.Record, error) {
	if len(kind) > longestKey || len(id) > longestKey {
		return pipeline.Record{}, noRecord()
	}
	if watched(kind) {
		return r.copy.get(ctx, kind, id)
	}
	pk, sk := recordKey(kind, id)
	it, err := r.t.get(ctx, pk, sk, true)
	if err != nil {
		return pipeline.Record{}, err
	}
	if it == nil || it.over(time.Now()) {
		return pipeline.Record{}, noRecord()
	}
	return recordOf(kind, it)
}

func (r *records) List(ctx context.Context, kind, cursor string, limit int) (pipeline.Page[pipeline.Record], error) {
	var page pipeline.Page[pipeline.Record]
	if len(kind) > longestKey || len(cursor) > longestKey {
		return page, badCursor()
	}
	limit = pageLimit(limit)
	if watched(kind) {
		return r.copy.list(ctx, kind, cursor, limit)
	}
	pk, after := recordKey(kind, cursor)
	if cursor == "" {
		after = ""
	}
	now := time.Now()
	for it, err := range r.t.items(ctx, query{pk: pk, after: after, descending: true, strong: true, limit: int32(limit + 1)}) {
		if err != nil {
			return page, err
		}
		if it.over(now) {
			continue
		}
		if len(page.Items) == limit {
			page.Next = page.Items[limit-1].ID
			break
		}
		rec, err := recordOf(kind, it)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, rec)
	}
	return page, nil
}
