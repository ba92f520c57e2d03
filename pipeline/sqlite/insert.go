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
	graph, err := w.graph(pipe, r.Graph)
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
	n, err := w.conn.prep(`INSERT INTO rows (seq, pipeline, graph, size, key, content_type, label, trace, error, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (pipeline, key) WHERE key IS NOT NULL DO NOTHING`).
		int(1, seq).int(2, pipe).int(3, graph).int(4, int64(len(r.Payload))).textOrNull(5, r.Key).textOrNull(6, r.ContentType).
		textOrNull(7, r.Label).textOrNull(8, r.Trace).textOrNull(9, r.Error).blob(10, r.Payload).exec()
	if err != nil {
		return pipeline.Inserted{}, err
	}
	if n == 0 {
		return w.known(pipe, r.Key)
	}
	f := &flow{row: seq, pipe: pipe, status: status, changedAt: at}
	w.flows.put(f)
	w.change(f, changedNew)
	w.count(w.tally(pipe), status, 1)
	answer := pipeline.Inserted{ID: formatID(seq), Status: statusName(status)}
	if status == rowRejected {
		return answer, nil
	}
	w.db.payloads.put(seq, &content{graph: r.Graph.ID(), contentType: r.ContentType, trace: r.Trace, body: bytes.Clone(r.Payload)})
	return answer, w.queueRoots(f, at, r)
}

// known answers the row that has the key.
func (w *writer) known(pipe int64, key string) (pipeline.Inserted, error) {
	var first pipeline.Inserted
	s := w.conn.prep("SELECT seq FROM rows WHERE pipeline = ? AND key = ?").int(1, pipe).text(2, key)
	var row int64
	if _, err := s.one(func() { row = s.i64(0) }); err != nil {
		return first, err
	}
	f, err := w.flow(row)
	if err == nil && f == nil {
		err = errCells
	}
	if err != nil {
		return first, err
	}
	return pipeline.Inserted{ID: formatID(row), Duplicate: true, Status: statusName(f.status)}, nil
}

func (w *writer) queueRoots(f *flow, at int64, r *pipeline.NewRow) error {
	f.cells = make([]cell, 0, len(r.Graph.Nodes()))
	for _, step := range r.Graph.Roots() {
		id, err := w.name(nameStep, f.pipe, step)
		if err != nil {
			return err
		}
		c := cell{step: id, state: cellQueued, due: max(at, 1), touched: at}
		f.cells = append(f.cells, c)
		q := w.queue(id)
		w.count(q.tally, cellQueued, 1)
		q.push(newEntry(c.due, f.row, false))
	}
	for _, step := range r.Graph.Later() {
		id, err := w.name(nameStep, f.pipe, step)
		if err != nil {
			return err
		}
		w.count(w.tally(id), cellWaiting, 1)
	}
	return nil
}
