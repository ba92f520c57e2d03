package sqlite

import (
	"cmp"
	"time"
)

func newWriter(db *DB, c *conn) *writer {
	return &writer{db: db, conn: c, leases: newLeases(), flows: newFlows(), queues: map[int64]*queue{}, tallies: map[int64]*tally{}}
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
	lost, err := w.findOpen()
	if err == nil {
		err = w.takeBackAll(lost)
	}
	if err == nil {
		err = w.commit()
	}
	if err != nil {
		w.rollback()
	}
	return err
}

// load reads names, counters and causes.
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
	if w.audited, err = lastLink(w.conn); err != nil { // also what a group that was rolled back had added
		return err
	}
	for id, q := range w.queues {
		if n.keys[id] != (nameKey{nameStep, q.pipe, q.step}) { // named by a group that was rolled back
			delete(w.queues, id)
		}
	}
	return nil
}

// findOpen fills the queues from the rows that are not finished, and answers
// those with a step that was running.
func (w *writer) findOpen() (lost []int64, err error) {
	found := map[int64][]entry{}
	var cells []cell
	for _, pipe := range w.db.names.Load().all(namePipeline, 0) {
		for _, status := range [...]int64{rowAccepted, rowInProgress, rowDead, rowDiscarded} {
			s := w.conn.prep("SELECT seq, cells FROM flow WHERE span = ?").int(1, span(pipe, status))
			each := s.each(func() bool {
				row := s.i64(0)
				w.flows.record = s.bytes(1, w.flows.record)
				if cells, err = readCells(w.flows.record, row>>idBits, cells[:0]); err != nil {
					return false
				}
				for _, c := range cells {
					switch {
					case c.state == cellRunning:
						lost = append(lost, row)
					case c.open() && status != rowDiscarded:
						found[c.step] = append(found[c.step], newEntry(c.due, row, c.state == cellRetrying))
					}
				}
				return true
			})
			if err = cmp.Or(err, each); err != nil {
				return nil, err
			}
		}
	}
	for step, es := range found {
		w.queue(step).fill(es)
	}
	return lost, nil
}

// takeBackAll keeps running attempts as lost and queues their cells.
func (w *writer) takeBackAll(rows []int64) error {
	for _, row := range rows {
		f, err := w.flow(row)
		if err != nil {
			return err
		}
		for i := range f.cells {
			if err := w.takeBack(f, w.queue(f.cells[i].step)); err != nil {
				return err
			}
		}
	}
	if len(rows) > 0 {
		w.db.log.Info("attempts of an earlier process were lost", "attempts", len(rows))
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
