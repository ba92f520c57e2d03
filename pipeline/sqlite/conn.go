package sqlite

import (
	"context"
	"fmt"
	"time"

	zs "zombiezen.com/go/sqlite"
)

// conn is a connection: all this package knows of the driver is in this file.
// It belongs to one goroutine at a time.
type conn struct {
	db    *zs.Conn
	stmts map[string]*stmt
	ctx   context.Context // of the reader at work; ends long scans

	record []byte // the cells read last, kept from row to row
}

// busyTimeout bounds the wait for another process's lock on the file.
const busyTimeout = 10 * time.Second

type openMode int

const (
	openReadWrite openMode = iota
	openReadOnly
	openCreate
)

// openConn opens path and runs the pragmas on it.
func openConn(path string, mode openMode, pragmas ...string) (*conn, error) {
	flags := zs.OpenReadWrite
	switch mode {
	case openReadOnly:
		flags = zs.OpenReadOnly
	case openCreate:
		flags |= zs.OpenCreate
	}
	db, err := zs.OpenConn(path, flags)
	if err != nil {
		return nil, err
	}
	db.SetBusyTimeout(busyTimeout)
	c := &conn{db: db, stmts: map[string]*stmt{}, ctx: context.Background()}
	for _, p := range pragmas {
		if err := c.script("PRAGMA " + p); err != nil {
			return nil, fmt.Errorf("%w (closing: %v)", err, db.Close())
		}
	}
	return c, nil
}

func (c *conn) close() error { return c.db.Close() }

// script runs statements one after the other; none is kept.
func (c *conn) script(text string) error {
	for {
		s, rest, err := c.db.PrepareTransient(text)
		if err != nil {
			return err
		}
		if s == nil || s.ColumnCount() < 0 {
			return nil
		}
		for more := true; more && err == nil; {
			more, err = s.Step()
		}
		if ferr := s.Finalize(); err == nil {
			err = ferr
		}
		if err != nil {
			return err
		}
		if rest == 0 {
			return nil
		}
		text = text[len(text)-rest:]
		if blank(text) {
			return nil
		}
	}
}

// value answers the first column of the first row, 0 without one.
func (c *conn) value(query string, args ...int64) (v int64, err error) {
	s := c.prep(query)
	for i, a := range args {
		s.int(i+1, a)
	}
	_, err = s.one(func() { v = s.i64(0) })
	return v, err
}

// inTransaction tells whether a BEGIN is still open; SQLite ends a transaction
// by itself after some failures.
func (c *conn) inTransaction() bool { return !c.db.AutocommitEnabled() }

// setInterrupt makes every statement of c end when done is closed.
func (c *conn) setInterrupt(done <-chan struct{}) { c.db.SetInterrupt(done) }

// Kinds of failure, told by SQLite's code.
type failure int

const (
	failOther failure = iota
	failFull
	failIO
	failCorrupt
	failBusy
	failReadOnly
	failTooBig
)

func failureOf(err error) failure {
	switch zs.ErrCode(err).ToPrimary() {
	case zs.ResultFull:
		return failFull
	case zs.ResultIOErr, zs.ResultCantOpen:
		return failIO
	case zs.ResultCorrupt, zs.ResultNotADB:
		return failCorrupt
	case zs.ResultBusy, zs.ResultLocked:
		return failBusy
	case zs.ResultReadOnly, zs.ResultPerm:
		return failReadOnly
	case zs.ResultTooBig:
		return failTooBig
	}
	return failOther
}

func blank(s string) bool {
	for _, r := range s {
		if r != ' ' && r != '\n' && r != '\t' && r != '\r' {
			return false
		}
	}
	return true
}

// busyFor sets how long a lock of somebody else is waited for.
func (c *conn) busyFor(d time.Duration) { c.db.SetBusyTimeout(d) }
