package sqlite

import (
	"context"
	"strings"

	"redrive/pipeline"
)

// Append writes entries; one that is there already stays as it is.
func (s auditLog) Append(ctx context.Context, entries ...pipeline.Entry) error {
	return s.db.do(ctx, len(entries), false, func(w *writer) error {
		for i := range entries {
			if err := w.audit(&entries[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// audit adds an entry to the chain, in the running group's transaction. Where the
// chain ends is looked up each time: another process may have added to it. If the
// end has gone back somebody cut it, and the gap stays.
func (w *writer) audit(e *pipeline.Entry) error {
	last, err := lastLink(w.conn)
	if err != nil {
		return err
	}
	if last.Number < w.audited.Number {
		last = w.audited
	}
	next := *e
	next.Follow(last)
	s := w.conn.prep(`INSERT INTO audit (seq, id, at, actor, role, from_addr, action, object, reason, result, previous, hash, detail)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`).
		int(1, next.Link.Number).text(2, e.ID).int(3, millis(e.At)).text(4, e.Actor).text(5, e.Role).text(6, e.From).
		text(7, e.Action).text(8, e.Object).text(9, e.Reason).text(10, e.Result).text(11, next.Link.Previous).text(12, next.Link.Hash)
	if e.Detail == nil {
		s = s.orNull(13, 0)
	} else {
		s = s.blob(13, e.Detail)
	}
	n, err := s.exec()
	if err == nil && n > 0 {
		w.audited = next.Link
	}
	return err
}

// List answers entries in the order they were written, newest first.
func (s auditLog) List(ctx context.Context, f pipeline.AuditFilter) (page pipeline.Page[pipeline.Entry], err error) {
	before := int64(maxID)
	if f.Cursor != "" {
		var ok bool
		if before, ok = parseID(f.Cursor); !ok {
			return page, badCursor()
		}
	}
	since, until := timeRange(f.Since, f.Until)
	limit, last := clampLimit(f.Limit), int64(0)
	err = s.db.read(ctx, func(c *conn) error {
		q := c.prep(auditQuery(f)).int(1, before).int(2, since).int(3, until).int(4, int64(limit+1)).
			text(5, f.Action).text(6, f.Actor).text(7, f.Object)
		return q.each(func() bool {
			if len(page.Items) == limit {
				page.Next = formatID(last)
				return false
			}
			last = q.i64(0)
			page.Items = append(page.Items, entryOf(q))
			return true
		})
	})
	return page, err
}

// auditQuery is one of a few texts; values are always bound.
func auditQuery(f pipeline.AuditFilter) string {
	query := `SELECT ` + auditColumns + ` FROM audit
		WHERE seq < ?1 AND at >= ?2 AND at < ?3 AND ?5 IS NOT NULL AND ?6 IS NOT NULL AND ?7 IS NOT NULL`
	switch {
	case strings.HasSuffix(f.Action, "."):
		query += " AND substr(action, 1, length(?5)) = ?5"
	case f.Action != "":
		query += " AND action = ?5"
	}
	if f.Actor != "" {
		query += " AND actor = ?6"
	}
	if f.Object != "" {
		query += " AND object = ?7"
	}
	return query + " ORDER BY seq DESC LIMIT ?4 + 0"
}

const auditColumns = "seq, id, at, actor, role, from_addr, action, object, reason, result, previous, hash, detail"

func entryOf(s *stmt) pipeline.Entry {
	e := pipeline.Entry{ID: s.str(1), At: fromMillis(s.i64(2)), Actor: s.str(3), Role: s.str(4), From: s.str(5), Action: s.str(6),
		Object: s.str(7), Reason: s.str(8), Result: s.str(9), Link: pipeline.Link{Number: s.i64(0), Previous: s.str(10), Hash: s.str(11)}}
	if e.Link.Number == 0 {
		e.Link.Number = -1 // 0 stands for no chain: here every entry is in one
	}
	if !s.null(12) {
		e.Detail = s.bytes(12, nil)
	}
	return e
}
