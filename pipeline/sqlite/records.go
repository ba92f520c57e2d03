package sqlite

import (
	"context"
	"time"

	"redrive/pipeline"
)

func (s recordStore) Get(ctx context.Context, kind, id string) (r pipeline.Record, err error) {
	now := time.Now().UnixMilli()
	err = s.db.read(ctx, func(c *conn) error {
		q := c.prep("SELECT kind, id, version, data, expires_at FROM records WHERE kind = ? AND id = ? AND ifnull(expires_at > ?, 1)")
		found, err := q.text(1, kind).text(2, id).int(3, now).one(func() { r = record(q) })
		if err == nil && !found {
			return &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no such record"}
		}
		return err
	})
	return r, err
}

func record(s *stmt) pipeline.Record {
	return pipeline.Record{Kind: s.str(0), ID: s.str(1), Version: s.i64(2), Data: s.bytes(3, nil), ExpiresAt: fromMillis(s.i64(4))}
}

func (s recordStore) List(ctx context.Context, kind, cursor string, limit int) (page pipeline.Page[pipeline.Record], err error) {
	limit = clampLimit(limit)
	now := time.Now().UnixMilli()
	err = s.db.read(ctx, func(c *conn) error {
		q := c.prep(`SELECT kind, id, version, data, expires_at FROM records WHERE kind = ?1 AND (?2 = '' OR id < ?2)
			AND ifnull(expires_at > ?3, 1) ORDER BY id DESC LIMIT ?4 + 0`)
		return q.text(1, kind).text(2, cursor).int(3, now).int(4, int64(limit+1)).each(func() bool {
			if len(page.Items) == limit {
				page.Next = page.Items[limit-1].ID
				return false
			}
			page.Items = append(page.Items, record(q))
			return true
		})
	})
	return page, err
}

// Put looks at all versions before it writes one record.
func (s recordStore) Put(ctx context.Context, entry *pipeline.Entry, records ...pipeline.Record) error {
	var answer error
	err := s.db.do(ctx, len(records)+1, false, func(w *writer) error {
		answer = nil
		versions := make([]int64, len(records))
		for i := range records {
			have, err := w.version(&records[i])
			if err != nil {
				return err
			}
			if want := records[i].Version; want != pipeline.AnyVersion && want != have {
				answer = pipeline.ErrVersion
				return nil
			}
			versions[i] = have + 1
		}
		for i := range records {
			if err := w.putRecord(&records[i], versions[i]); err != nil {
				return err
			}
		}
		return w.auditIf(true, entry)
	})
	if err != nil {
		return err
	}
	return answer
}

// version answers 0 for a record that does not exist or is expired.
func (w *writer) version(r *pipeline.Record) (v int64, err error) {
	s := w.conn.prep("SELECT version FROM records WHERE kind = ? AND id = ? AND ifnull(expires_at > ?, 1)")
	_, err = s.text(1, r.Kind).text(2, r.ID).int(3, w.now).one(func() { v = s.i64(0) })
	return v, err
}

func (w *writer) putRecord(r *pipeline.Record, version int64) error {
	if r.Data == nil {
		return w.conn.prep("DELETE FROM records WHERE kind = ? AND id = ?").text(1, r.Kind).text(2, r.ID).run()
	}
	return w.conn.prep("INSERT OR REPLACE INTO records (kind, id, version, data, expires_at) VALUES (?, ?, ?, ?, ?)").
		text(1, r.Kind).text(2, r.ID).int(3, version).blob(4, r.Data).orNull(5, millis(r.ExpiresAt)).run()
}
