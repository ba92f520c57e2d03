package sqlite

import "redrive/pipeline"

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
