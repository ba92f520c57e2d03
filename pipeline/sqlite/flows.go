package sqlite

// flows are the rows that were worked on last, so that most work reads nothing
// from disk. What the running group changed is stored once, when it ends. There
// are two generations; the older is forgotten when the younger is full.
type flows struct {
	young, old map[int64]*flow
	size       int // of the younger, about, in bytes
	changed    []*flow
	record     []byte // kept from row to row
}

const (
	flowsKept    = 8 << 20 // bytes in one generation
	flowOverhead = 150     // what a row and each of its cells cost
)

func newFlows() flows { return flows{young: map[int64]*flow{}} }

func (fs *flows) find(row int64) *flow {
	if f := fs.young[row]; f != nil {
		return f
	}
	f := fs.old[row]
	if f != nil {
		fs.put(f)
	}
	return f
}

func (fs *flows) put(f *flow) {
	fs.young[f.row] = f
	fs.size += flowOverhead * (1 + len(f.cells))
}

// forget drops a row that is deleted.
func (fs *flows) forget(row int64) {
	delete(fs.young, row)
	delete(fs.old, row)
}

// commit ends a group: only then may rows be forgotten.
func (fs *flows) commit() {
	if fs.size > flowsKept {
		fs.old, fs.young, fs.size = fs.young, map[int64]*flow{}, 0
	}
}

// clear forgets everything, also what was changed.
func (fs *flows) clear() {
	clear(fs.changed)
	fs.changed = fs.changed[:0]
	fs.old, fs.young, fs.size = nil, map[int64]*flow{}, 0
}

// flow answers a row's, nil if there is no such row.
func (w *writer) flow(row int64) (*flow, error) {
	if f := w.flows.find(row); f != nil {
		return f, nil
	}
	f := &flow{row: row}
	s := w.conn.prep("SELECT span, was, changed_at, reason, discarded_by, cells FROM flow WHERE seq = ?").int(1, row)
	found, err := s.one(func() {
		f.pipe, f.status, f.was = s.i64(0)>>statusBits, spanStatus(s.i64(0)), s.i64(1)
		f.changedAt, f.reason, f.discardedBy = s.i64(2), s.str(3), s.i64(4)
		w.flows.record = s.bytes(5, w.flows.record)
	})
	if err != nil || !found {
		return nil, err
	}
	if f.cells, err = readCells(w.flows.record, row>>idBits, nil); err != nil {
		return nil, err
	}
	w.flows.put(f)
	return f, nil
}

// change notes that a row is to be stored with the group.
func (w *writer) change(f *flow, how change) {
	if f.change == changedNothing {
		w.flows.changed = append(w.flows.changed, f)
	}
	f.change = max(f.change, how)
}

// storeFlows writes what was changed; also before the table is queried.
func (w *writer) storeFlows() error {
	if len(w.flows.changed) == 0 {
		return nil
	}
	if err := w.begin(); err != nil {
		return err
	}
	for _, f := range w.flows.changed {
		if err := w.storeFlow(f); err != nil {
			return err
		}
		f.change = changedNothing
	}
	clear(w.flows.changed)
	w.flows.changed = w.flows.changed[:0]
	return nil
}

func (w *writer) storeFlow(f *flow) error {
	w.flows.record = appendCells(w.flows.record[:0], f.row>>idBits, f.cells)
	w.flows.size += len(w.flows.record) // errors may be long
	query := ""
	switch f.change {
	case changedNothing: // deleted since
		return nil
	case changedCells:
		return w.conn.prep("UPDATE flow SET cells = ?1 WHERE seq = ?2").blob(1, w.flows.record).int(2, f.row).run()
	case changedStatus:
		query = "UPDATE flow SET cells = ?1, span = ?3, changed_at = ?4 WHERE seq = ?2"
		return w.conn.prep(query).blob(1, w.flows.record).int(2, f.row).int(3, span(f.pipe, f.status)).int(4, f.changedAt).run()
	case changedAll:
		query = `UPDATE flow SET cells = ?1, span = ?3, changed_at = ?4, was = ?5, reason = ?6, discarded_by = ?7 WHERE seq = ?2`
	case changedNew:
		query = "INSERT INTO flow (cells, seq, span, changed_at, was, reason, discarded_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
	}
	return w.conn.prep(query).blob(1, w.flows.record).int(2, f.row).int(3, span(f.pipe, f.status)).int(4, f.changedAt).
		orNull(5, f.was).textOrNull(6, f.reason).orNull(7, f.discardedBy).run()
}
