package sqlite

// attempt is what the table attempts keeps besides row, step and number.
type attempt struct {
	started, duration, outcome, code int64
	text                             string
	worker                           int64
}

// insertAttempt keeps the cell's newest attempt.
func (w *writer) insertAttempt(row int64, c *cell, a attempt) error {
	if err := w.begin(); err != nil {
		return err
	}
	return w.conn.prep(`INSERT OR REPLACE INTO attempts (row, step, number, started_at, duration, outcome, status_code, error, worker)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`).int(1, row).int(2, c.step).int(3, c.attempts).int(4, a.started).int(5, a.duration).
		int(6, a.outcome).orNull(7, a.code).textOrNull(8, a.text).orNull(9, a.worker).run()
}
