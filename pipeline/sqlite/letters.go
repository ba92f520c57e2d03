package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"redrive/pipeline"
)

const letterColumns = `SELECT l.id, l.row, l.step, l.error, l.status_code, c.name, l.attempts, l.kind, l.first_failed_at, l.dead_at, r.label
	FROM letters l JOIN causes c ON c.id = l.cause JOIN rows r ON r.seq = l.row WHERE l.id = ? AND l.state = 1`

// letterScan is one call of List or Count.
type letterScan struct {
	db     *DB
	c      *conn
	f      pipeline.LetterFilter
	steps  []int64
	ids    []int64
	query  []byte
	lo, hi int64
}

// scan prepares a walk; false means that nothing can match.
func (db *DB) letterScan(ctx context.Context, f pipeline.LetterFilter) (*letterScan, bool, error) {
	if err := db.usable(ctx); err != nil {
		return nil, false, err
	}
	sc := &letterScan{db: db, f: f, hi: maxID, query: bytes.ToLower([]byte(f.Query))}
	if f.UpTo != "" {
		upTo, ok := parseID(f.UpTo)
		if !ok {
			return nil, false, nil
		}
		sc.hi = upTo + 1
	}
	if f.Cursor != "" {
		at, ok := parseID(f.Cursor)
		switch {
		case !ok:
			return nil, false, badCursor()
		case f.Oldest:
			sc.lo = at
		default:
			sc.hi = min(sc.hi, at)
		}
	}
	for _, id := range f.IDs {
		if n, ok := parseID(id); ok {
			sc.ids = append(sc.ids, n)
		}
	}
	if f.IDs != nil && len(sc.ids) == 0 {
		return nil, false, nil
	}
	sc.sort(sc.ids)
	sc.ids = slices.Compact(sc.ids)
	if f.Pipeline != "" || f.Step != "" {
		sc.steps = db.names.Load().steps(f.Pipeline, f.Step)
		return sc, len(sc.steps) > 0, nil
	}
	return sc, true, nil
}

// List answers open letters in the order of their ids.
func (s letterStore) List(ctx context.Context, f pipeline.LetterFilter) (page pipeline.Page[pipeline.DeadLetter], err error) {
	sc, any, err := s.db.letterScan(ctx, f)
	if err != nil || !any {
		return page, err
	}
	limit, last, used := clampLimit(f.Limit), int64(0), newBudget()
	err = s.db.read(ctx, func(c *conn) error {
		sc.c = c
		return sc.walk(func(l *pipeline.DeadLetter, id int64) bool {
			if used.spent() || l != nil && len(page.Items) == limit {
				page.Next = formatID(last)
				return false
			}
			if l != nil {
				page.Items = append(page.Items, *l)
			}
			used.rows++
			last = id
			return true
		})
	})
	if f.Query != "" {
		page.Scanned = used.rows
	}
	return page, err
}

// walk calls fn for every candidate in order, with nil for one that does not
// match, until it answers false.
func (sc *letterScan) walk(fn func(l *pipeline.DeadLetter, id int64) bool) error {
	lo, hi := sc.lo, sc.hi
	for {
		ids, err := sc.candidates(lo, hi)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			l, err := sc.load(id)
			if err != nil {
				return err
			}
			if !fn(l, id) {
				return nil
			}
		}
		if err := sc.c.ctx.Err(); err != nil {
			return err
		}
		if last := ids[len(ids)-1]; sc.f.Oldest {
			lo = last
		} else {
			hi = last
		}
	}
}

func (sc *letterScan) candidates(lo, hi int64) ([]int64, error) {
	var ids []int64
	if sc.f.IDs != nil {
		for _, id := range sc.ids {
			if id > lo && id < hi {
				ids = append(ids, id)
			}
		}
		return ids, nil
	}
	collect := func(query string, args ...int64) error {
		if sc.f.Oldest {
			query += " ORDER BY id LIMIT 251"
		} else {
			query += " ORDER BY id DESC LIMIT 251"
		}
		s := sc.c.prep(query).int(1, lo).int(2, hi)
		for i, a := range args {
			s.int(3+i, a)
		}
		return s.each(func() bool { ids = append(ids, s.i64(0)); return true })
	}
	err := error(nil)
	switch {
	case sc.f.Group != "":
		var cause int64
		s := sc.c.prep("SELECT id FROM causes WHERE name = ?").text(1, sc.f.Group)
		if _, err = s.one(func() { cause = s.i64(0) }); err == nil {
			err = collect("SELECT id FROM letters WHERE id > ?1 AND id < ?2 AND state = 1 AND cause = ?3", cause)
		}
	case sc.steps != nil:
		for _, step := range sc.steps {
			err = cmp.Or(err, collect("SELECT id FROM letters WHERE id > ?1 AND id < ?2 AND state = 1 AND step = ?3", step))
		}
	default:
		err = collect("SELECT id FROM letters INDEXED BY letters_open WHERE id > ?1 AND id < ?2 AND state = 1")
	}
	sc.sort(ids)
	return ids[:min(len(ids), 251)], err
}

func (sc *letterScan) sort(ids []int64) {
	slices.Sort(ids)
	if !sc.f.Oldest {
		slices.Reverse(ids)
	}
}

// load answers nil for a letter that is not open or does not match.
func (sc *letterScan) load(id int64) (*pipeline.DeadLetter, error) {
	var l pipeline.DeadLetter
	var step int64
	s := sc.c.prep(letterColumns).int(1, id)
	found, err := s.one(func() {
		step = s.i64(2)
		l = pipeline.DeadLetter{ID: formatID(id), Row: formatID(s.i64(1)), Error: s.str(3), StatusCode: s.num(4), Group: s.str(5),
			Attempts: s.num(6), Kind: kindName(s.i64(7)), FirstFailedAt: fromMillis(s.i64(8)), DeadAt: fromMillis(s.i64(9)), Label: s.str(10)}
	})
	if err != nil || !found {
		return nil, err
	}
	n, err := sc.db.namesFor(sc.c, step)
	if err != nil {
		return nil, err
	}
	l.Pipeline, l.Step = n.step(step)
	if sc.steps != nil && !slices.Contains(sc.steps, step) || sc.f.Group != "" && sc.f.Group != l.Group {
		return nil, nil
	}
	if len(sc.query) > 0 && !foldContains([]byte(l.Error), sc.query) && !foldContains([]byte(l.Row), sc.query) &&
		!foldContains([]byte(l.Label), sc.query) {
		return nil, nil
	}
	return &l, nil
}

// Count answers from the counters where they know, else it walks.
func (s letterStore) Count(ctx context.Context, f pipeline.LetterFilter) (total int64, err error) {
	f.Cursor, f.Oldest = "", false
	sc, any, err := s.db.letterScan(ctx, f)
	if err != nil || !any {
		return 0, err
	}
	if f.IDs == nil && f.Query == "" && f.UpTo == "" && !s.db.readOnly {
		return sc.counted(ctx)
	}
	err = s.db.read(ctx, func(c *conn) error {
		sc.c = c
		return sc.walk(func(l *pipeline.DeadLetter, _ int64) bool {
			if l != nil {
				total++
			}
			return true
		})
	})
	return total, err
}

func (sc *letterScan) counted(ctx context.Context) (int64, error) {
	var total int64
	err := sc.db.do(ctx, 1, true, func(w *writer) error {
		total = 0
		if sc.f.Group != "" {
			if c := w.causes[w.causeIDs[sc.f.Group]]; c != nil && (sc.steps == nil || slices.Contains(sc.steps, c.step)) {
				total = c.n
			}
			return nil
		}
		for id, q := range w.queues {
			if sc.steps == nil || slices.Contains(sc.steps, id) {
				total += q.tally.n[cellDead]
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return total, nil
}
