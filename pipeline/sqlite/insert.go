package sqlite

import (
	"bytes"
	"context"

	"redrive/pipeline"
)

// sequence hands out the numbers of rows: the upper bits are the time of
// acceptance, whatever order times come in.
type sequence struct {
	newest int64 // latest millisecond with a row
	recent [64]struct{ ms, last int64 }
}

func (w *writer) nextRow(ms int64) (int64, error) {
	for {
		r := &w.seqs.recent[ms%int64(len(w.seqs.recent))]
		if r.ms != ms {
			last := firstID(ms) - 1
			if ms <= w.seqs.newest {
				v, err := w.conn.value("SELECT max(seq) FROM rows WHERE seq < ?", firstID(ms+1))
				if err != nil {
					return 0, err
				}
				last = max(last, v)
			}
			r.ms, r.last = ms, last
		}
		w.seqs.newest = max(w.seqs.newest, ms)
		if r.last+1 < firstID(ms+1) {
			r.last++
			return r.last, nil
		}
		ms++ // a million rows in one millisecond
	}
}

// Insert stores rows.
func (db *DB) insertRows(ctx context.Context, rows []pipeline.NewRow) ([]pipeline.Inserted, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	answers := make([]pipeline.Inserted, len(rows))
	items := len(rows)
	for i := range rows {
		items += len(rows[i].Payload) / itemBytes
	}
	err := db.do(ctx, items, false, func(w *writer) error {
		for i := range rows {
			var err error
			if answers[i], err = w.insert(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

func (w *writer) insert(r *pipeline.NewRow) (pipeline.Inserted, error) {
	pipe, err := w.name(namePipeline, 0, r.Pipeline)
	if err != nil {
		return pipeline.Inserted{}, err
	}
	graph, err := w.graph(pipe, r.Graph, r.Roots, r.Later)
	if err != nil {
		return pipeline.Inserted{}, err
	}
	at := millis(r.At)
	if at == 0 {
		at = w.now
	}
	seq, err := w.nextRow(at)
	if err != nil {
		return pipeline.Inserted{}, err
	}
	status := int64(rowAccepted)
	if r.Status == pipeline.StatusRejected {
		status = rowRejected
	}
	n, err := w.conn.prep(`INSERT INTO rows (seq, pipeline, graph, status, changed_at, size, key, content_type, label, trace, error)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (pipeline, key) WHERE key IS NOT NULL DO NOTHING`).
		int(1, seq).int(2, pipe).int(3, graph).int(4, status).int(5, at).int(6, int64(len(r.Payload))).textOrNull(7, r.Key).
		textOrNull(8, r.ContentType).textOrNull(9, r.Label).textOrNull(10, r.Trace).textOrNull(11, r.Error).exec()
	if err != nil {
		return pipeline.Inserted{}, err
	}
	if n == 0 {
		return w.known(pipe, r.Key)
	}
	if err := w.conn.prep("INSERT INTO payloads (seq, body) VALUES (?, ?)").int(1, seq).blob(2, r.Payload).run(); err != nil {
		return pipeline.Inserted{}, err
	}
	w.count(w.tally(pipe), status, 1)
	answer := pipeline.Inserted{ID: formatID(seq), Status: statusName(status)}
	if status == rowRejected {
		return answer, nil
	}
	w.db.payloads.put(seq, &content{graph: r.Graph, contentType: r.ContentType, trace: r.Trace, body: bytes.Clone(r.Payload)})
	return answer, w.queueRoots(seq, pipe, at, r)
}

// known answers the row that has the key.
func (w *writer) known(pipe int64, key string) (pipeline.Inserted, error) {
	var first pipeline.Inserted
	s := w.conn.prep("SELECT seq, status FROM rows WHERE pipeline = ? AND key = ?").int(1, pipe).text(2, key)
	_, err := s.one(func() {
		first = pipeline.Inserted{ID: formatID(s.i64(0)), Duplicate: true, Status: statusName(s.i64(1))}
	})
	return first, err
}

const insertCell = `INSERT INTO cells (row, step, state, attempts, spent, due_at, touched_at) VALUES (?1, ?2, 1, 0, 0, ?3, ?4)`

func (w *writer) queueRoots(seq, pipe, at int64, r *pipeline.NewRow) error {
	due := max(at, 1)
	for _, step := range r.Roots {
		id, err := w.name(nameStep, pipe, step)
		if err != nil {
			return err
		}
		if err := w.conn.prep(insertCell).int(1, seq).int(2, id).int(3, due).int(4, at).run(); err != nil {
			return err
		}
		q := w.queue(id)
		w.count(q.tally, cellQueued, 1)
		w.push(q, entry{due: due, row: seq, fresh: true, root: true})
	}
	for _, step := range r.Later {
		id, err := w.name(nameStep, pipe, step)
		if err != nil {
			return err
		}
		w.count(w.tally(id), cellWaiting, 1)
	}
	return nil
}
