package sqlite

import (
	"cmp"
	"context"
	"slices"

	"redrive/pipeline"
)

// Groups answers causes with open letters.
func (s letterStore) Groups(ctx context.Context, pipe, step string) ([]pipeline.Group, error) {
	n := s.db.names.Load()
	steps := n.steps(pipe, step)
	type counted struct {
		id    int64
		group pipeline.Group
	}
	var list []counted
	err := s.db.do(ctx, 1, true, func(w *writer) error {
		list = list[:0]
		for id, c := range w.causes {
			if c.n <= 0 || !slices.Contains(steps, c.step) {
				continue
			}
			g := pipeline.Group{Group: c.name, Error: c.text, Kind: kindName(c.kind), Count: c.n}
			for i, minutes := range [...]int64{15, 60, 6 * 60, 24 * 60} {
				g.Recent[i] = c.died(w.now, minutes)
			}
			g.Pipeline, g.Step = n.step(c.step)
			list = append(list, counted{id, g})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	groups := make([]pipeline.Group, len(list))
	err = s.db.read(ctx, func(c *conn) error {
		for i := range list {
			groups[i] = list[i].group
			q := c.prep(`SELECT (SELECT dead_at FROM letters WHERE state = 1 AND cause = ?1 ORDER BY id LIMIT 1),
				(SELECT dead_at FROM letters WHERE state = 1 AND cause = ?1 ORDER BY id DESC LIMIT 1)`).int(1, list[i].id)
			if _, err := q.one(func() { groups[i].FirstAt, groups[i].LastAt = fromMillis(q.i64(0)), fromMillis(q.i64(1)) }); err != nil {
				return err
			}
		}
		return nil
	})
	slices.SortFunc(groups, func(a, b pipeline.Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.LastAt.Compare(a.LastAt), cmp.Compare(a.Group, b.Group))
	})
	return groups, err
}

// cause is a group of dead letters. Its recent deaths are counted by the minute.
type cause struct {
	id, step   int64
	name, text string
	kind       int64
	n          int64 // open letters
	recent     []minute
	dirty      bool
}

type minute struct{ at, n int64 }

const (
	minuteMillis  = 60_000
	recentMinutes = 24 * 60
)

func (w *writer) causeOf(step int64, n *pipeline.NewLetter) (*cause, error) {
	if id, ok := w.causeIDs[n.Group]; ok {
		return w.causes[id], nil
	}
	text := n.Cause
	if text == "" {
		text = n.Error
	}
	c := &cause{step: step, name: n.Group, text: text, kind: kindNumber(n.Kind)}
	s := w.conn.prep("INSERT INTO causes (step, name, kind, cause, n) VALUES (?, ?, ?, ?, 0) RETURNING id")
	if _, err := s.int(1, step).text(2, c.name).int(3, c.kind).text(4, text).one(func() { c.id = s.i64(0) }); err != nil {
		return nil, err
	}
	w.causes[c.id], w.causeIDs[c.name] = c, c.id
	return c, nil
}

func (w *writer) countCause(c *cause, deadAt, n int64) {
	c.n += n
	if !c.dirty {
		c.dirty = true
		w.dirtyCauses = append(w.dirtyCauses, c)
	}
	at := deadAt / minuteMillis
	if old := w.now/minuteMillis - recentMinutes - 1; at > old {
		i := len(c.recent)
		for i > 0 && c.recent[i-1].at > at {
			i--
		}
		if i > 0 && c.recent[i-1].at == at {
			c.recent[i-1].n += n
		} else {
			c.recent = slices.Insert(c.recent, i, minute{at, n})
		}
		for len(c.recent) > 0 && c.recent[0].at <= old {
			c.recent = c.recent[1:]
		}
	}
}

// died answers how many of the open letters died in the last minutes.
func (c *cause) died(now, minutes int64) (n int64) {
	for i := len(c.recent) - 1; i >= 0 && c.recent[i].at > now/minuteMillis-minutes; i-- {
		n += c.recent[i].n
	}
	return n
}

func (w *writer) storeCauses() error {
	for _, c := range w.dirtyCauses {
		if err := w.conn.prep("UPDATE causes SET n = ? WHERE id = ?").int(1, c.n).int(2, c.id).run(); err != nil {
			return err
		}
		c.dirty = false
	}
	w.dirtyCauses = w.dirtyCauses[:0]
	return nil
}

func (w *writer) loadCauses() error {
	w.causes, w.causeIDs, w.dirtyCauses = map[int64]*cause{}, map[string]int64{}, w.dirtyCauses[:0]
	s := w.conn.prep("SELECT id, step, name, kind, cause, n FROM causes")
	err := s.each(func() bool {
		c := &cause{id: s.i64(0), step: s.i64(1), name: s.str(2), kind: s.i64(3), text: s.str(4), n: s.i64(5)}
		w.causes[c.id], w.causeIDs[c.name] = c, c.id
		return true
	})
	if err != nil {
		return err
	}
	s = w.conn.prep(`SELECT cause, dead_at / 60000, count(*) FROM letters WHERE id > ? AND state = 1 GROUP BY 1, 2 ORDER BY 1, 2`)
	return s.int(1, firstID(max(0, w.now-recentMinutes*minuteMillis))).each(func() bool {
		if c := w.causes[s.i64(0)]; c != nil {
			c.recent = append(c.recent, minute{s.i64(1), s.i64(2)})
		}
		return true
	})
}
