package sqlite

import (
	"context"
	"iter"
	"math"
	"time"

	"redrive/pipeline"
)

// walkAtOnce is how many entries a walk holds, so that no reader keeps its view
// of the store for long.
const walkAtOnce = 200

// chainAudit makes a chain of the entries that were written before there was
// one, and closes the table again. It runs once, while the schema is migrated.
func chainAudit(c *conn) error {
	var last pipeline.Link
	for {
		entries, err := walkPage(c, last.Number, math.MinInt64)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return c.script("CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END")
		}
		for i := range entries {
			e := &entries[i]
			last.Number = e.Link.Number - 1 // the number is where the entry is
			e.Follow(last)
			last = e.Link
			if err := c.prep("UPDATE audit SET previous = ?, hash = ? WHERE seq = ?").
				text(1, last.Previous).text(2, last.Hash).int(3, last.Number).run(); err != nil {
				return err
			}
		}
	}
}

// walkPage reads the entries that follow one, in the order of the chain.
func walkPage(c *conn, after, since int64) (entries []pipeline.Entry, err error) {
	s := c.prep(`SELECT ` + auditColumns + ` FROM audit WHERE seq > ? AND at >= ? ORDER BY seq LIMIT ? + 0`)
	err = s.int(1, after).int(2, since).int(3, walkAtOnce).each(func() bool {
		entries = append(entries, entryOf(s))
		return true
	})
	return entries, err
}

// Walk goes through the chain, page by page.
func (s auditLog) Walk(ctx context.Context, since time.Time) iter.Seq2[pipeline.Entry, error] {
	return func(yield func(pipeline.Entry, error) bool) {
		from, _ := timeRange(since, time.Time{})
		for after := int64(math.MinInt64); ; { // also what somebody put before the first
			var entries []pipeline.Entry
			err := s.db.read(ctx, func(c *conn) (err error) {
				if err = s.db.chained(c); err != nil {
					return err
				}
				entries, err = walkPage(c, after, from)
				return err
			})
			if err != nil {
				yield(pipeline.Entry{}, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
				after = e.Link.Number
			}
			if len(entries) < walkAtOnce {
				return
			}
		}
	}
}

// chained refuses a file of an earlier version, which is brought up to date only
// when it is opened for writing.
func (db *DB) chained(c *conn) error {
	version, err := c.value("SELECT user_version FROM pragma_user_version")
	if err == nil && version < auditChained {
		return unavailablef(db.path+" was written by an earlier version of this program, whose audit log has no chain; start the server once", nil)
	}
	return err
}

// Heads is the end of the one chain.
func (s auditLog) Heads(ctx context.Context) (links []pipeline.Link, err error) {
	err = s.db.read(ctx, func(c *conn) error {
		last, err := lastLink(c)
		if err == nil && last.Number > 0 {
			links = []pipeline.Link{last}
		}
		return err
	})
	return links, err
}

func lastLink(c *conn) (last pipeline.Link, err error) {
	s := c.prep("SELECT seq, previous, hash FROM audit ORDER BY seq DESC LIMIT 1")
	_, err = s.one(func() { last = pipeline.Link{Number: s.i64(0), Previous: s.str(1), Hash: s.str(2)} })
	return last, err
}
