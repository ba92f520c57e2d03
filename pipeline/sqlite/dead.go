package sqlite

import (
	"cmp"

	"redrive/pipeline"
)

// dead puts a step into its dead-letter queue.
func (w *writer) dead(f *flow, c *cell, q *queue, o *pipeline.Outcome) error {
	if err := w.keepAttempt(f, c, q, &o.Attempt, attemptDead); err != nil {
		return err
	}
	w.leave(f, c, q, cellDead, 0, &o.Attempt)
	letter, err := w.addLetter(f, c, &o.Letter)
	if err != nil {
		return err
	}
	if text := cmp.Or(o.Letter.Error, o.Attempt.Error); text != "" {
		c.lastError = text
	}
	if c.op != 0 {
		w.progressOf(c.op).failed++
	}
	c.spent, c.letter, c.op = c.spent+1, letter, 0
	w.setStatus(f, rowDead)
	return nil
}

func (w *writer) addLetter(f *flow, c *cell, n *pipeline.NewLetter) (int64, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	cause, err := w.causeOf(c.step, n)
	if err != nil {
		return 0, err
	}
	state := int64(letterOpen)
	if f.discarded() {
		state = letterHidden
	}
	w.letter = max(w.letter+1, firstID(w.now))
	err = w.conn.prep(`INSERT INTO letters (id, row, step, cause, state, kind, status_code, attempts, error, first_failed_at, dead_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).int(1, w.letter).int(2, f.row).int(3, c.step).int(4, cause.id).int(5, state).
		int(6, kindNumber(n.Kind)).orNull(7, int64(n.StatusCode)).int(8, c.attempts).text(9, n.Error).
		orNull(10, millis(n.FirstFailedAt)).int(11, w.now).run()
	if err == nil && state == letterOpen {
		w.countCause(cause, w.now, 1)
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
