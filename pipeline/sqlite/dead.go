package sqlite

import (
	"slices"

	"redrive/pipeline"
)

// dead puts a step into its dead-letter queue.
func (w *writer) dead(l *lease, o *pipeline.Outcome) error {
	if err := w.keepAttempt(l, &o.Attempt, attemptDead); err != nil {
		return err
	}
	attempts := calls(l, &o.Attempt)
	letter, err := w.addLetter(l, &o.Letter, attempts)
	if err != nil {
		return err
	}
	text := o.Letter.Error
	if text == "" {
		text = o.Attempt.Error
	}
	err = w.conn.prep(`UPDATE cells SET state = 4, due_at = NULL, attempts = ?1, spent = spent + 1, touched_at = ?2,
		last_error = coalesce(?3, last_error), letter = ?4, op = NULL WHERE row = ?5 AND step = ?6`).
		int(1, attempts).int(2, w.now).textOrNull(3, text).int(4, letter).int(5, l.row).int(6, l.q.id).run()
	if err != nil {
		return err
	}
	w.counted(l, cellDead)
	if l.op != 0 {
		w.progressOf(l.op).failed++
	}
	w.leases.end(l)
	return w.setStatus(l.row, rowDead)
}

func (w *writer) addLetter(l *lease, n *pipeline.NewLetter, attempts int64) (int64, error) {
	c, err := w.causeOf(l.q.id, n)
	if err != nil {
		return 0, err
	}
	state := int64(letterOpen)
	if l.discarded {
		state = letterHidden
	}
	w.letter = max(w.letter+1, firstID(w.now))
	err = w.conn.prep(`INSERT INTO letters (id, row, step, cause, state, kind, status_code, attempts, error, first_failed_at, dead_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).int(1, w.letter).int(2, l.row).int(3, l.q.id).int(4, c.id).int(5, state).
		int(6, kindNumber(n.Kind)).orNull(7, int64(n.StatusCode)).int(8, attempts).text(9, n.Error).
		orNull(10, millis(n.FirstFailedAt)).int(11, w.now).run()
	if err == nil && state == letterOpen {
		w.countCause(c, w.now, 1)
	}
	return w.letter, err
}

// setLetter opens, hides or closes a letter and counts it.
func (w *writer) setLetter(id, state int64) error {
	var was, cause, deadAt int64
	s := w.conn.prep("SELECT state, cause, dead_at FROM letters WHERE id = ?").int(1, id)
	found, err := s.one(func() { was, cause, deadAt = s.i64(0), s.i64(1), s.i64(2) })
	if err != nil || !found || was == state {
		return err
	}
	if c := w.causes[cause]; c != nil {
		switch {
		case was == letterOpen:
			w.countCause(c, deadAt, -1)
		case state == letterOpen:
			w.countCause(c, deadAt, 1)
		}
	}
	return w.conn.prep("UPDATE letters SET state = ? WHERE id = ?").int(1, state).int(2, id).run()
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
