package sqlite

// tally is the counters of a pipeline (rows by status) or of a step (cells by
// state, and totals).
type tally struct {
	id    int64
	n     [8]int64
	dirty bool
}

func (w *writer) tally(id int64) *tally {
	t, ok := w.tallies[id]
	if !ok {
		t = &tally{id: id}
		w.tallies[id] = t
	}
	return t
}

func (w *writer) count(t *tally, what, n int64) {
	t.n[what] += n
	if !t.dirty {
		t.dirty = true
		w.dirtyTallies = append(w.dirtyTallies, t)
	}
}

// move counts a cell that goes from one state to another.
func (w *writer) move(t *tally, from, to int64) {
	w.count(t, from, -1)
	if to != cellProcessed { // a total, counted where a flag is set
		w.count(t, to, 1)
	}
}

func (w *writer) loadTallies() error {
	for _, t := range w.tallies {
		t.n, t.dirty = [8]int64{}, false
	}
	w.dirtyTallies = w.dirtyTallies[:0]
	s := w.conn.prep("SELECT id, c0, c1, c2, c3, c4, c5, c6, c7 FROM counters")
	return s.each(func() bool {
		t := w.tally(s.i64(0))
		for i := range t.n {
			t.n[i] = s.i64(i + 1)
		}
		return true
	})
}

// store writes what was counted since the last commit.
func (w *writer) storeTallies() error {
	const query = `INSERT INTO counters (id, c0, c1, c2, c3, c4, c5, c6, c7) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET c0 = excluded.c0, c1 = excluded.c1, c2 = excluded.c2, c3 = excluded.c3,
		c4 = excluded.c4, c5 = excluded.c5, c6 = excluded.c6, c7 = excluded.c7`
	for _, t := range w.dirtyTallies {
		s := w.conn.prep(query).int(1, t.id)
		for i, n := range t.n {
			s.int(i+2, n)
		}
		if err := s.run(); err != nil {
			return err
		}
		t.dirty = false
	}
	w.dirtyTallies = w.dirtyTallies[:0]
	return nil
}

// progress is what changed for an operation since the last commit.
type progress struct{ op, moved, succeeded, failed int64 }

func (w *writer) progressOf(op int64) *progress {
	for i := range w.progress {
		if w.progress[i].op == op {
			return &w.progress[i]
		}
	}
	w.progress = append(w.progress, progress{op: op})
	return &w.progress[len(w.progress)-1]
}

func (w *writer) storeProgress() error {
	for _, p := range w.progress {
		s := w.conn.prep("UPDATE operations SET moved = moved + ?, succeeded = succeeded + ?, failed = failed + ? WHERE id = ?")
		if err := s.int(1, p.moved).int(2, p.succeeded).int(3, p.failed).int(4, p.op).run(); err != nil {
			return err
		}
	}
	w.progress = w.progress[:0]
	return nil
}

// operation answers the number of an operation, 0 for an empty name.
func (w *writer) operation(name string) (int64, error) {
	if name == "" {
		return 0, nil
	}
	s := w.conn.prep("INSERT INTO operations (name) VALUES (?) ON CONFLICT DO UPDATE SET name = name RETURNING id")
	var id int64
	_, err := s.text(1, name).one(func() { id = s.i64(0) })
	return id, err
}
