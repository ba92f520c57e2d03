package aws

import (
	"context"
	"fmt"
	"strings"
	"time"

	"redrive/pipeline"
)

// auditLog keeps entries in one partition, sorted by when they were made.
type auditLog struct {
	t     *table
	chain *auditChain
}

const (
	auditPK     = "A"
	auditID     = "id"
	auditResult = "result"
	auditWhose  = "chain"
	auditNumber = "number"
	auditBefore = "before" // hash of the entry before
	auditHash   = "hash"
	auditSeal   = "seal" // hash over hash and result, of an entry whose result came later

	auditMost = 2000             // entries one List looks at
	auditAsk  = 200              // entries of one request
	appendFor = 15 * time.Second // how long the writing of an entry goes on, also when its caller has given up
	amendFor  = 2 * time.Second
)

func newAuditLog(t *table) *auditLog { return &auditLog{t: t, chain: newAuditChain()} }

// Append writes entries; one that is there already stays as it is.
func (a *auditLog) Append(ctx context.Context, entries ...pipeline.Entry) error {
	for i := range entries {
		if _, err := a.add(ctx, &entries[i]); err != nil {
			return err
		}
	}
	return nil
}

// auditKey sorts by time, and by id within one millisecond.
func auditKey(e *pipeline.Entry) string { return auditTime(e.At) + "-" + e.ID }

func auditTime(t time.Time) string { return fmt.Sprintf("%013d", max(millis(t), 0)) }

func entryItem(e *pipeline.Entry) (item, error) {
	it := keyOf(auditPK, auditKey(e))
	it[auditID], it["at"], it[auditNumber] = str(e.ID), at(e.At), num(e.Link.Number)
	for name, text := range map[string]string{"actor": e.Actor, "role": e.Role, "from": e.From, "action": e.Action, "object": e.Object,
		"reason": e.Reason, auditResult: e.Result, auditWhose: e.Link.Chain, auditBefore: e.Link.Previous, auditHash: e.Link.Hash} {
		if text != "" {
			it[name] = str(text)
		}
	}
	if e.Detail != nil {
		detail, err := packed(e.Detail)
		if err != nil {
			return nil, err
		}
		it["detail"] = detail
	}
	return it, nil
}

func entryOf(it item) (pipeline.Entry, error) {
	detail, err := it.unpacked("detail")
	return pipeline.Entry{ID: it.str(auditID), At: it.time("at"), Actor: it.str("actor"), Role: it.str("role"), From: it.str("from"),
		Action: it.str("action"), Object: it.str("object"), Reason: it.str("reason"), Result: it.str(auditResult), Detail: detail, Link: linkOf(it)}, err
}

func linkOf(it item) pipeline.Link {
	return pipeline.Link{Chain: it.str(auditWhose), Number: it.num(auditNumber), Previous: it.str(auditBefore), Hash: it.str(auditHash),
		Seal: it.str(auditSeal)}
}

// List answers entries newest first. It looks at a bounded number, so that a
// page may have fewer than asked for, or none, and a Next.
func (a *auditLog) List(ctx context.Context, f pipeline.AuditFilter) (pipeline.Page[pipeline.Entry], error) {
	var page pipeline.Page[pipeline.Entry]
	if f.Cursor != "" && !isAuditKey(f.Cursor) {
		return page, badCursor()
	}
	limit, seen, last := pageLimit(f.Limit), 0, ""
	q := auditQuery(f, limit)
	if q.to != "" && q.to < q.from {
		return page, nil
	}
	for it, err := range a.t.items(ctx, q) {
		if err != nil {
			return page, err
		}
		sk := it.str(attrSK)
		if sk == f.Cursor {
			continue
		}
		e, err := entryOf(it)
		if err != nil {
			return page, err
		}
		more := selects(f, e)
		if seen == auditMost || more && len(page.Items) == limit {
			page.Next = last
			return page, nil
		}
		if seen, last = seen+1, sk; more {
			page.Items = append(page.Items, e)
		}
	}
	return page, nil
}

// auditQuery asks for the entries of the filter's time, from its cursor on. One
// request asks for no more than the page has where all of them are on it.
func auditQuery(f pipeline.AuditFilter, limit int) query {
	q := query{pk: auditPK, to: f.Cursor, descending: true, strong: true, limit: auditAsk}
	if f.Actor == "" && f.Action == "" && f.Object == "" {
		q.limit = int32(limit + 2) // what the cursor names, and whether there is more
	}
	if !f.Since.IsZero() {
		q.from = auditTime(f.Since)
	}
	if until := auditTime(f.Until); !f.Until.IsZero() && (q.to == "" || until < q.to) {
		q.to = until // sorts before all entries of its millisecond
	}
	return q
}

func selects(f pipeline.AuditFilter, e pipeline.Entry) bool {
	noun := strings.HasSuffix(f.Action, ".")
	return (f.Actor == "" || e.Actor == f.Actor) && (f.Object == "" || e.Object == f.Object) &&
		(f.Action == "" || e.Action == f.Action || noun && strings.HasPrefix(e.Action, f.Action))
}

// isAuditKey tells whether a text can be one that auditKey made.
func isAuditKey(text string) bool {
	at, id, _ := strings.Cut(text, "-")
	return len(at) == len(auditTime(time.Time{})) && strings.Trim(at, "0123456789") == "" &&
		len(id) == idLength && strings.Trim(id, "0123456789abcdefghjkmnpqrstvwxyz") == ""
}

// pageLimit is how much one page has.
func pageLimit(n int) int {
	if n <= 0 {
		return 50
	}
	return min(n, 500)
}
