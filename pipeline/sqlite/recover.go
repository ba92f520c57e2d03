package sqlite

import "time"

func newWriter(db *DB, c *conn) *writer {
	return &writer{db: db, conn: c, leases: newLeases(), queues: map[int64]*queue{}, tallies: map[int64]*tally{}}
}

// recover reads what the writer keeps in memory and takes back what an earlier
// process was working on.
func (w *writer) recover() error {
	w.now = time.Now().UnixMilli()
	newest, err := w.conn.value("SELECT max(seq) FROM rows")
	if err != nil {
		return err
	}
	w.seqs.newest = newest >> idBits
	if w.letter, err = w.conn.value("SELECT max(id) FROM letters"); err != nil {
		return err
	}
	if err := w.load(); err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	for _, step := range w.db.names.Load().all(nameStep, 0) {
		if err := w.recoverStep(w.queue(step)); err != nil {
			w.rollback()
			return err
		}
	}
	return w.commit()
}

// load reads names, counters and causes, and empties the windows: they are read
// again when somebody asks.
func (w *writer) load() error {
	n, err := loadNames(w.conn)
	if err != nil {
		return err
	}
	w.db.names.Store(n)
	if err := w.loadTallies(); err != nil {
		return err
	}
	if err := w.loadCauses(); err != nil {
		return err
	}
	for id, q := range w.queues {
		if n.keys[id] != (nameKey{nameStep, q.pipe, q.step}) { // named by a group that was rolled back
			delete(w.queues, id)
		}
		q.forget()
	}
	for _, l := range w.leases.byCell {
		s := w.conn.prep("SELECT r.status, c.op FROM cells c JOIN rows r ON r.seq = c.row WHERE c.row = ? AND c.step = ?")
		_, err := s.int(1, l.row).int(2, l.q.id).one(func() { l.discarded, l.op = s.i64(0) == rowDiscarded, s.i64(1) })
		if err != nil {
			return err
		}
	}
	return nil
}

// recoverStep keeps running attempts as lost and queues their cells. They are
// among the first in the index, and their number is known, so that a backlog
// behind them is not read.
func (w *writer) recoverStep(q *queue) error {
	lost := make([]lease, 0, q.tally.n[cellRunning])
	const columns = `SELECT c.row, c.attempts, c.started_at, c.worker FROM cells c WHERE c.state = 2 AND c.step = ?1 AND c.due_at `
	if q.tally.n[cellRunning] > 0 {
		s := w.conn.prep(columns + "> 0 ORDER BY c.due_at, c.row")
		err := s.int(1, q.id).each(func() bool {
			lost = append(lost, lease{row: s.i64(0), q: q, attempts: s.i64(1), started: s.i64(2), worker: s.i64(3)})
			return int64(len(lost)) < q.tally.n[cellRunning]
		})
		if err != nil {
			return err
		}
	}
	s := w.conn.prep(columns + "< 0")
	err := s.int(1, q.id).each(func() bool {
		lost = append(lost, lease{row: s.i64(0), q: q, attempts: s.i64(1), started: s.i64(2), worker: s.i64(3), discarded: true})
		return true
	})
	if err != nil {
		return err
	}
	for i := range lost {
		if err := w.lose(&lost[i], w.now); err != nil {
			return err
		}
		if !lost[i].discarded {
			w.move(q.tally, cellRunning, cellQueued)
		}
	}
	if len(lost) > 0 {
		w.db.log.Info("attempts of an earlier process were lost", "pipeline", q.pipeline, "step", q.step, "attempts", len(lost))
	}
	return nil
}

// close writes the log into the file and closes the connection. Readers must be
// closed already.
func (w *writer) close() error {
	if err := w.conn.script("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		w.db.log.Warn("the log was not written into the file", "error", err)
	}
	return w.conn.close()
}
