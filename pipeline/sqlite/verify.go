package sqlite

import (
	"context"
	"errors"
	"fmt"
)

// Verify counts everything that counters know and answers how they differ. It
// reads the whole store and holds up writers: for tests and for diagnosis.
func (db *DB) Verify(ctx context.Context) error {
	var diff []error
	err := db.do(ctx, 1, true, func(w *writer) (err error) {
		diff, err = w.verify()
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(diff...)
}

func (w *writer) verify() ([]error, error) {
	want := map[int64]*[8]int64{}
	at := func(id int64) *[8]int64 {
		if want[id] == nil {
			want[id] = &[8]int64{}
		}
		return want[id]
	}
	add := func(query string, into func(s *stmt)) error {
		s := w.conn.prep(query)
		return s.each(func() bool { into(s); return true })
	}
	err := errors.Join(
		add("SELECT pipeline, status, count(*) FROM rows GROUP BY 1, 2", func(s *stmt) { at(s.i64(0))[s.i64(1)] = s.i64(2) }),
		add(`SELECT c.step, c.state, count(*) FROM cells c JOIN rows r ON r.seq = c.row WHERE r.status <> 6 AND c.state <> 5
			GROUP BY 1, 2`, func(s *stmt) { at(s.i64(0))[s.i64(1)] += s.i64(2) }),
		add(`SELECT g.step, count(*) FROM rows r JOIN graph_steps g ON g.graph = r.graph WHERE r.status NOT IN (5, 6)
			AND NOT EXISTS (SELECT 1 FROM cells c WHERE c.row = r.seq AND c.step = g.step) GROUP BY 1`,
			func(s *stmt) { at(s.i64(0))[cellWaiting] += s.i64(1) }),
	)
	if err != nil {
		return nil, err
	}
	var diff []error
	n := w.db.names.Load()
	for _, kind := range []int64{namePipeline, nameStep} {
		for _, id := range n.all(kind, 0) {
			for what, have := range w.tally(id).n {
				if total := kind == nameStep && what >= countProcessed; !total && have != at(id)[what] {
					diff = append(diff, fmt.Errorf("counter %d of %s: %d, counted %d", what, n.text(id), have, at(id)[what]))
				}
			}
		}
	}
	more, err := w.verifyLetters()
	if err != nil {
		return nil, err
	}
	stored, err := w.verifyStored()
	return append(append(diff, more...), stored...), err
}

// verifyLetters compares causes with letters, and letters with dead cells.
func (w *writer) verifyLetters() ([]error, error) {
	var diff []error
	open := map[int64]int64{}
	s := w.conn.prep("SELECT cause, count(*) FROM letters WHERE state = 1 GROUP BY 1")
	if err := s.each(func() bool { open[s.i64(0)] = s.i64(1); return true }); err != nil {
		return nil, err
	}
	for id, c := range w.causes {
		if c.n != open[id] {
			diff = append(diff, fmt.Errorf("letters of cause %s: %d, counted %d", c.name, c.n, open[id]))
		}
	}
	for _, q := range []string{
		"SELECT count(*) FROM letters l WHERE state > 0 AND NOT EXISTS (SELECT 1 FROM cells c WHERE c.row = l.row AND c.step = l.step AND c.state = 4 AND c.letter = l.id)",
		"SELECT count(*) FROM cells c WHERE state = 4 AND NOT EXISTS (SELECT 1 FROM letters l WHERE l.id = c.letter AND l.state > 0)",
		"SELECT count(*) FROM cells WHERE (state IN (1, 2, 3)) <> (due_at IS NOT NULL)",
		"SELECT count(*) FROM cells c JOIN rows r ON r.seq = c.row WHERE c.due_at IS NOT NULL AND (r.status = 6) <> (c.due_at < 0)",
		"SELECT count(*) FROM rows r WHERE status = 4 AND NOT EXISTS (SELECT 1 FROM cells c WHERE c.row = r.seq AND c.state = 4)",
		"SELECT count(*) FROM rows r WHERE status IN (1, 2, 3) AND EXISTS (SELECT 1 FROM cells c WHERE c.row = r.seq AND c.state = 4)",
	} {
		n, err := w.conn.value(q)
		if err != nil {
			return nil, err
		}
		if n != 0 {
			diff = append(diff, fmt.Errorf("%d by %s", n, q))
		}
	}
	return diff, nil
}

// verifyStored compares what is in memory with what is on disk.
func (w *writer) verifyStored() ([]error, error) {
	var diff []error
	s := w.conn.prep("SELECT id, c0, c1, c2, c3, c4, c5, c6, c7 FROM counters")
	err := s.each(func() bool {
		for i, have := range w.tally(s.i64(0)).n {
			if have != s.i64(i+1) && !w.tally(s.i64(0)).dirty {
				diff = append(diff, fmt.Errorf("counter %d of %d: %d, stored %d", i, s.i64(0), have, s.i64(i+1)))
			}
		}
		return true
	})
	running, verr := w.conn.value("SELECT count(*) FROM cells WHERE state = 2")
	if verr == nil && running != int64(len(w.leases.byCell)) {
		diff = append(diff, fmt.Errorf("%d leases for %d running cells", len(w.leases.byCell), running))
	}
	return diff, errors.Join(err, verr)
}
