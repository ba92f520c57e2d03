package sqlite

import (
	zs "zombiezen.com/go/sqlite"
)

// stmt is a prepared statement. Binding is chained and never fails; the first
// error is answered when it runs. It is reset after each use, so no statement
// ever keeps a read transaction open.
type stmt struct {
	c   *conn
	s   *zs.Stmt
	err error
}

// prep returns the connection's statement for a query. A limit that is bound is
// written "LIMIT ? + 0": SQLite plans with the value of a bare one, and so
// prepares the statement anew each time it is bound.
func (c *conn) prep(query string) *stmt {
	if s, ok := c.stmts[query]; ok {
		return s
	}
	s, err := c.db.Prepare(query)
	if err != nil {
		return &stmt{c: c, err: err}
	}
	st := &stmt{c: c, s: s}
	c.stmts[query] = st
	return st
}

func (s *stmt) int(i int, v int64) *stmt {
	if s.err == nil {
		s.s.BindInt64(i, v)
	}
	return s
}

// orNull binds NULL for zero.
func (s *stmt) orNull(i int, v int64) *stmt {
	if v != 0 {
		return s.int(i, v)
	}
	if s.err == nil {
		s.s.BindNull(i)
	}
	return s
}

func (s *stmt) float(i int, v float64) *stmt {
	if s.err == nil {
		s.s.BindFloat(i, v)
	}
	return s
}

func (s *stmt) text(i int, v string) *stmt {
	if s.err == nil {
		s.s.BindText(i, v)
	}
	return s
}

// textOrNull binds NULL for an empty string.
func (s *stmt) textOrNull(i int, v string) *stmt {
	if v != "" {
		return s.text(i, v)
	}
	if s.err == nil {
		s.s.BindNull(i)
	}
	return s
}

func (s *stmt) blob(i int, v []byte) *stmt {
	if s.err == nil {
		s.s.BindBytes(i, v)
	}
	return s
}

// exec runs the statement to its end and tells how many rows it changed.
func (s *stmt) exec() (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	for {
		more, err := s.s.Step()
		if err != nil {
			return 0, err
		}
		if !more {
			break
		}
	}
	n := s.c.db.Changes()
	return n, s.s.Reset()
}

func (s *stmt) run() error {
	_, err := s.exec()
	return err
}

// each calls fn for every row until it answers false.
func (s *stmt) each(fn func() bool) error {
	if s.err != nil {
		return s.err
	}
	for i := 1; ; i++ {
		more, err := s.s.Step()
		if err != nil {
			return err
		}
		if !more || !fn() {
			return s.s.Reset()
		}
		if i%1024 == 0 && s.c.ctx.Err() != nil {
			_ = s.s.Reset()
			return s.c.ctx.Err()
		}
	}
}

// one calls fn for the first row, if there is one.
func (s *stmt) one(fn func()) (found bool, err error) {
	if s.err != nil {
		return false, s.err
	}
	found, err = s.s.Step()
	if err != nil {
		return false, err
	}
	if found {
		fn()
	}
	return found, s.s.Reset()
}

func (s *stmt) i64(col int) int64 { return s.s.ColumnInt64(col) }

func (s *stmt) num(col int) int { return int(s.s.ColumnInt64(col)) }

func (s *stmt) flt(col int) float64 { return s.s.ColumnFloat(col) }

func (s *stmt) str(col int) string { return s.s.ColumnText(col) }

func (s *stmt) null(col int) bool { return s.s.ColumnIsNull(col) }

// bytes appends the column to buf[:0].
func (s *stmt) bytes(col int, buf []byte) []byte {
	n := s.s.ColumnLen(col)
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	s.s.ColumnBytes(col, buf)
	return buf
}
