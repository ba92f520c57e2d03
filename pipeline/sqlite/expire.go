package sqlite

import (
	"context"
	"time"
)

// expireSlice is how many rows one job deletes, so that others need not wait.
const expireSlice = 200

// Expire deletes finished rows accepted before then.
func (s rowStore) Expire(ctx context.Context, pipe string, before time.Time, limit int) (int, error) {
	total := 0
	for total < limit {
		slice, n := min(expireSlice, limit-total), 0
		err := s.db.do(ctx, slice, false, func(w *writer) (err error) {
			n, err = w.expire(pipe, firstID(millis(before)), slice)
			return err
		})
		if err != nil {
			return total, err
		}
		total += n
		if n < slice {
			break
		}
	}
	return total, nil
}

func (w *writer) expire(pipe string, before int64, limit int) (int, error) {
	id, ok := w.db.names.Load().id(namePipeline, 0, pipe)
	if !ok {
		return 0, nil
	}
	if err := w.storeFlows(); err != nil {
		return 0, err
	}
	total := 0
	for _, status := range []int64{rowDone, rowRejected, rowDiscarded} {
		var seqs []int64
		s := w.conn.prep("SELECT seq FROM flow WHERE span = ? AND seq < ? ORDER BY seq LIMIT ? + 0")
		err := s.int(1, span(id, status)).int(2, before).int(3, int64(limit-total)).each(func() bool {
			seqs = append(seqs, s.i64(0))
			return true
		})
		if err != nil {
			return 0, err
		}
		for _, seq := range seqs {
			if err := w.deleteRow(seq); err != nil {
				return 0, err
			}
		}
		w.count(w.tally(id), status, int64(-len(seqs)))
		total += len(seqs)
	}
	return total, nil
}

// deleteRow removes a finished row. Its steps are in no counter any more.
func (w *writer) deleteRow(seq int64) error {
	f, err := w.flow(seq)
	if err != nil || f == nil {
		return err
	}
	for _, c := range f.cells {
		if l := w.leases.byCell[cellKey{seq, c.step}]; l != nil {
			w.leases.end(l)
		}
	}
	w.flows.forget(seq)
	for _, query := range []string{
		"DELETE FROM attempts WHERE row = ?",
		"DELETE FROM results WHERE row = ?",
		"DELETE FROM letters WHERE row = ?",
		"DELETE FROM flow WHERE seq = ?",
		"DELETE FROM rows WHERE seq = ?",
	} {
		if err := w.conn.prep(query).int(1, seq).run(); err != nil {
			return err
		}
	}
	return nil
}
