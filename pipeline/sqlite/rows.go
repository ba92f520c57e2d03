package sqlite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"redrive/pipeline"
)

const rowColumns = `SELECT seq, pipeline, graph, status, changed_at, size, content_type, label, error, reason, key FROM rows WHERE seq = ?`

// loadRow reads a row and its cells.
func (db *DB) loadRow(c *conn, seq int64) (r pipeline.Row, key string, found bool, err error) {
	s := c.prep(rowColumns).int(1, seq)
	var pipe, graph int64
	found, err = s.one(func() {
		pipe, graph = s.i64(1), s.i64(2)
		r = pipeline.Row{ID: formatID(seq), Status: statusName(s.i64(3)), CreatedAt: idTime(seq), UpdatedAt: fromMillis(s.i64(4)),
			Size: s.num(5), ContentType: s.str(6), Label: s.str(7), Error: s.str(8)}
		if reason := s.str(9); reason != "" {
			r.Error = reason
		}
		key = s.str(10)
	})
	if err != nil || !found {
		return r, key, found, err
	}
	n, err := db.namesFor(c, graph)
	if err != nil {
		return r, key, found, err
	}
	r.Pipeline, r.Graph = n.text(pipe), n.text(graph)
	r.Steps, err = db.loadFlags(c, seq, n)
	for _, f := range r.Steps {
		if f.TouchedAt.After(r.UpdatedAt) {
			r.UpdatedAt = f.TouchedAt
		}
	}
	return r, key, found, err
}

func (db *DB) loadFlags(c *conn, seq int64, n *names) ([]pipeline.Flag, error) {
	var flags []pipeline.Flag
	s := c.prep("SELECT step, state, attempts, due_at, touched_at, last_error, worker, alone FROM cells WHERE row = ?")
	err := s.int(1, seq).each(func() bool {
		f := pipeline.Flag{Name: n.text(s.i64(0)), State: stateName(s.i64(1)), Attempts: s.num(2),
			LastError: s.str(5), Worker: n.text(s.i64(6)), Alone: s.i64(7) == 1}
		switch touched := fromMillis(s.i64(4)); s.i64(1) {
		case cellWaiting:
		case cellProcessed:
			f.ProcessedAt, f.TouchedAt = touched, touched
		case cellRetrying:
			f.NextAttemptAt, f.TouchedAt = fromMillis(max(s.i64(3), -s.i64(3))), touched
		default:
			f.TouchedAt = touched
		}
		flags = append(flags, f)
		return true
	})
	return flags, err
}

// namesFor answers names that know id. Only a store opened for reading may have
// to read them again: the server adds to them.
func (db *DB) namesFor(c *conn, id int64) (*names, error) {
	n := db.names.Load()
	if _, ok := n.keys[id]; ok || !db.readOnly {
		return n, nil
	}
	n, err := loadNames(c)
	if err == nil {
		db.names.Store(n)
	}
	return n, err
}

func (db *DB) refreshNames(ctx context.Context) error {
	return db.read(ctx, func(c *conn) error {
		n, err := loadNames(c)
		if err == nil {
			db.names.Store(n)
		}
		return err
	})
}

// Get answers a row with everything kept of it.
func (s rowStore) Get(ctx context.Context, id string) (d pipeline.RowDetail, err error) {
	seq, ok := parseID(id)
	if !ok {
		return d, noRow()
	}
	err = s.db.read(ctx, func(c *conn) error {
		var found bool
		if d.Row, d.Key, found, err = s.db.loadRow(c, seq); err != nil {
			return err
		}
		if !found {
			return noRow()
		}
		return s.db.loadDetail(c, seq, &d)
	})
	if err != nil {
		return pipeline.RowDetail{}, err
	}
	return d, nil
}

func (db *DB) loadDetail(c *conn, seq int64, d *pipeline.RowDetail) error {
	s := c.prep("SELECT body FROM payloads WHERE seq = ?").int(1, seq)
	if _, err := s.one(func() { d.Payload = s.bytes(0, nil) }); err != nil {
		return err
	}
	n := db.names.Load()
	r := c.prep("SELECT step, body FROM results WHERE row = ?").int(1, seq)
	err := r.each(func() bool {
		if d.Results == nil {
			d.Results = map[string][]byte{}
		}
		d.Results[n.text(r.i64(0))] = r.bytes(1, nil)
		return true
	})
	if err != nil {
		return err
	}
	d.Attempts, err = loadAttempts(c, seq, n)
	return err
}

// loadAttempts answers all attempts, newest first; those that set a flag are in
// its cell.
func loadAttempts(c *conn, seq int64, n *names) ([]pipeline.Attempt, error) {
	var list []pipeline.Attempt
	add := func(s *stmt) func() bool {
		return func() bool {
			list = append(list, pipeline.Attempt{Step: n.text(s.i64(0)), Number: s.num(1), StartedAt: fromMillis(s.i64(2)),
				Duration: time.Duration(s.i64(3)) * time.Microsecond, Outcome: outcomeName(s.i64(4)), StatusCode: s.num(5),
				Error: s.str(6), Worker: n.text(s.i64(7))})
			return true
		}
	}
	s := c.prep("SELECT step, number, started_at, duration, outcome, status_code, error, worker FROM attempts WHERE row = ?")
	if err := s.int(1, seq).each(add(s)); err != nil {
		return nil, err
	}
	s = c.prep(`SELECT step, attempts, started_at, duration, 1, status_code, NULL, worker FROM cells
		WHERE row = ? AND state = 5 AND started_at IS NOT NULL`)
	if err := s.int(1, seq).each(add(s)); err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b pipeline.Attempt) int {
		return cmp.Or(b.StartedAt.Compare(a.StartedAt), cmp.Compare(b.Number, a.Number))
	})
	return list, nil
}
