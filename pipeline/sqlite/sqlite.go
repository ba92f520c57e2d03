package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"redrive/pipeline"
)

// FileName is the name of the database inside its directory.
const FileName = "redrive.db"

// Config says where the store lies and how much a commit promises.
type Config struct {
	Path       string // directory; made if it does not exist
	Durability string // "full": a commit survives a power cut, "normal": the end of the process; empty: full
	Logger     *slog.Logger
	CacheBytes int // payloads kept in memory; 0: 16 MiB
}

// DB is an open store. Its methods may be called by any goroutine.
type DB struct {
	path     string
	log      *slog.Logger
	readOnly bool
	beside   bool // somebody else works on it
	lock     *os.File

	jobs     chan *job
	closing  chan struct{}
	stopped  chan struct{}
	readers  chan *conn
	opened   int // readers
	writer   *writer
	names    atomic.Pointer[names]
	payloads *contents
	close    func() error
}

// Open opens the store in a directory, or makes it. It refuses, with a sentence
// that says why, a file that is damaged, newer than this program, of another
// program, or in use by another process. It never replaces a file.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	db, err := newDB(cfg)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Path, 0o700); err != nil {
		return nil, unavailablef("the directory "+cfg.Path+" cannot be made", err)
	}
	if db.lock, err = lockDirectory(db.path); err != nil {
		return nil, err
	}
	if err := db.open(ctx, cfg); err != nil {
		return nil, errors.Join(db.unavailable(err), db.release())
	}
	for _, exposed := range Exposed(cfg.Path) {
		db.log.Warn(exposed)
	}
	go db.writer.loop()
	return db, nil
}

// read runs fn on one of the readers, in one view of the store.
func (db *DB) read(ctx context.Context, fn func(*conn) error) error {
	if err := db.usable(ctx); err != nil {
		return err
	}
	var c *conn
	select {
	case c = <-db.readers:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.closing:
		return errClosed()
	}
	c.ctx = ctx
	defer func() {
		c.ctx = context.Background()
		db.readers <- c
	}()
	err := c.prep("BEGIN").run()
	if err == nil {
		err = fn(c)
		if end := c.prep("COMMIT").run(); err == nil {
			err = end
		}
	}
	return db.unavailable(err)
}

// usable tells whether there is any use in asking.
func (db *DB) usable(ctx context.Context) error {
	select {
	case <-db.closing:
		return errClosed()
	default:
		return ctx.Err()
	}
}

// Close answers what was asked before, writes everything into the one file and
// gives it free. Leases that are not settled by then count as lost attempts.
func (db *DB) Close() error { return db.close() }

func (db *DB) shutDown() error {
	close(db.closing)
	<-db.stopped
	return db.release()
}

// release closes the connections and gives up the lock.
func (db *DB) release() error {
	var errs []error
	for range db.opened {
		errs = append(errs, (<-db.readers).close())
	}
	if db.writer != nil {
		errs = append(errs, db.writer.close())
	}
	if db.lock != nil {
		errs = append(errs, unlock(db.lock))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close %s: %w", db.path, err)
	}
	return nil
}

// Backend answers the ports of this store.
func (db *DB) Backend() pipeline.Backend {
	if db.beside {
		return db.papers()
	}
	return pipeline.Backend{
		Rows: rowStore{db}, Work: work{db}, Moves: moves{db}, Letters: letterStore{db}, Metrics: metricStore{db},
		Records: recordStore{db}, Audit: auditLog{db}, Ready: db.Ready, Close: db.Close,
	}
}

// Ready writes a little and answers whether that worked.
func (db *DB) Ready(ctx context.Context) error {
	return db.do(ctx, 1, false, func(w *writer) error {
		w.count(w.tally(0), 0, 1)
		return nil
	})
}
