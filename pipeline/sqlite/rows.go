package sqlite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"redrive/pipeline"
)

const rowQuery = `SELECT r.pipeline, r.graph, r.size, r.content_type, r.label, r.error, r.key, f.span, f.changed_at, f.reason, f.cells
	FROM rows r JOIN flow f ON f.seq = r.seq WHERE r.seq = ?`

// storedRow is a row as it is read for others.
type storedRow struct {
	pipeline.Row
	key   string
	cells []cell
}

// loadRow answers nil if there is no such row.
func (db *DB) loadRow(c *conn, seq int64) (*storedRow, error) {
	s := c.prep(rowQuery).int(1, seq)
	r := &storedRow{}
	var pipe, graph int64
	found, err := s.one(func() {
		pipe, graph = s.i64(0), s.i64(1)
		r.Row = pipeline.Row{ID: formatID(seq), Status: statusName(spanStatus(s.i64(7))), CreatedAt: idTime(seq), UpdatedAt: fromMillis(s.i64(8)),
			Size: s.num(2), ContentType: s.str(3), Label: s.str(4), Error: cmp.Or(s.str(9), s.str(5))}
		r.key = s.str(6)
		c.record = s.bytes(10, c.record)
	})
	if err != nil || !found {
		return nil, err
	}
	n, err := db.namesFor(c, graph)
	if err != nil {
		return nil, err
	}
	r.Pipeline, r.Graph = n.text(pipe), n.text(graph)
	if r.cells, err = readCells(c.record, seq>>idBits, nil); err != nil {
		return nil, err
	}
	for i := range r.cells {
		f := flagOf(&r.cells[i], n)
		if f.TouchedAt.After(r.UpdatedAt) {
			r.UpdatedAt = f.TouchedAt
		}
		r.Steps = append(r.Steps, f)
	}
	return r, nil
}

func flagOf(c *cell, n *names) pipeline.Flag {
	f := pipeline.Flag{Name: n.text(c.step), State: stateName(c.state), Attempts: int(c.attempts), LastError: c.lastError,
		Worker: n.text(c.worker), Alone: c.alone}
	if c.state != cellWaiting {
		f.TouchedAt = fromMillis(c.touched)
	}
	switch c.state {
	case cellProcessed:
		f.ProcessedAt = f.TouchedAt
	case cellRetrying:
		f.NextAttemptAt = fromMillis(c.due)
	}
	return f
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
		r, err := s.db.loadRow(c, seq)
		if err != nil {
			return err
		}
		if r == nil {
			return noRow()
		}
		d.Row, d.Key = r.Row, r.key
		return s.db.loadDetail(c, seq, r.cells, &d)
	})
	if err != nil {
		return pipeline.RowDetail{}, err
	}
	return d, nil
}

func (db *DB) loadDetail(c *conn, seq int64, cells []cell, d *pipeline.RowDetail) error {
	s := c.prep("SELECT body FROM rows WHERE seq = ?").int(1, seq)
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
	d.Attempts, err = loadAttempts(c, seq, cells, n)
	return err
}

// loadAttempts answers all attempts, newest first; those that set a flag are in
// its cell.
func loadAttempts(c *conn, seq int64, cells []cell, n *names) ([]pipeline.Attempt, error) {
	var list []pipeline.Attempt
	s := c.prep("SELECT step, number, started_at, duration, outcome, status_code, error, worker FROM attempts WHERE row = ?")
	err := s.int(1, seq).each(func() bool {
		list = append(list, pipeline.Attempt{Step: n.text(s.i64(0)), Number: s.num(1), StartedAt: fromMillis(s.i64(2)),
			Duration: time.Duration(s.i64(3)) * time.Microsecond, Outcome: outcomeName(s.i64(4)), StatusCode: s.num(5),
			Error: s.str(6), Worker: n.text(s.i64(7))})
		return true
	})
	if err != nil {
		return nil, err
	}
	for _, c := range cells {
		if c.state == cellProcessed && c.started != 0 {
			list = append(list, pipeline.Attempt{Step: n.text(c.step), Number: int(c.attempts), StartedAt: fromMillis(c.started),
				Duration: time.Duration(c.duration) * time.Microsecond, Outcome: pipeline.AttemptProcessed, StatusCode: int(c.code),
				Worker: n.text(c.worker)})
		}
	}
	slices.SortStableFunc(list, func(a, b pipeline.Attempt) int {
		return cmp.Or(b.StartedAt.Compare(a.StartedAt), cmp.Compare(b.Number, a.Number))
	})
	return list, nil
}
