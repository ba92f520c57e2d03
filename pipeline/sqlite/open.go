package sqlite

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"redrive/pipeline"
)

const (
	defaultCache = 16 << 20
	readerCount  = 4
	queueLength  = 1024
)

// OpenReadOnly opens the store for reading while a server may be running on it.
// Everything that would write answers CodeUnavailable.
func OpenReadOnly(ctx context.Context, cfg Config) (*DB, error) {
	db, err := newDB(cfg)
	if err != nil {
		return nil, err
	}
	db.readOnly = true
	// Nothing here may open the file by itself: closing it again would drop the
	// locks SQLite holds for a server in the same process.
	if info, err := os.Stat(db.path); err != nil || info.Size() == 0 {
		return nil, unavailablef("there is no store at "+db.path, err)
	}
	err = db.openReaders(1)
	if err == nil {
		err = db.read(ctx, func(c *conn) error { return checkSchema(c, db.path) })
	}
	if err == nil {
		err = db.refreshNames(ctx)
	}
	if err != nil {
		return nil, errors.Join(db.unavailable(err), db.release())
	}
	close(db.stopped)
	return db, nil
}

func newDB(cfg Config) (*DB, error) {
	if cfg.Path == "" {
		return nil, &pipeline.Error{Code: pipeline.CodeInvalid, Field: "path", Text: "the embedded backend needs a directory"}
	}
	if cfg.Durability != "" && cfg.Durability != "full" && cfg.Durability != "normal" {
		return nil, &pipeline.Error{Code: pipeline.CodeInvalid, Field: "durability", Text: "durability is full or normal"}
	}
	db := &DB{
		path:     filepath.Join(cfg.Path, FileName),
		log:      cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler)),
		jobs:     make(chan *job, queueLength),
		closing:  make(chan struct{}),
		stopped:  make(chan struct{}),
		readers:  make(chan *conn, readerCount),
		payloads: newContents(cmp.Or(cfg.CacheBytes, defaultCache)),
	}
	db.close = sync.OnceValue(db.shutDown)
	return db, nil
}

// open makes or checks the file and everything that works on it.
func (db *DB) open(ctx context.Context, cfg Config) error {
	if err := db.prepareFile(); err != nil {
		return err
	}
	c, err := openConn(db.path, openReadWrite, "journal_mode = WAL", synchronous(cfg), "cache_size = -32768",
		"wal_autocheckpoint = 4000", "journal_size_limit = 33554432", "temp_store = MEMORY", "mmap_size = 0")
	if err != nil {
		return err
	}
	db.writer = newWriter(db, c)
	if err := db.checkDatabase(c); err != nil {
		return err
	}
	if _, err := c.value("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		db.log.Warn("the log of the last run was not written into the file", "error", err)
	}
	if err := migrate(c, db.path); err != nil {
		return err
	}
	if err := db.openReaders(readerCount); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return db.writer.recover()
}

func (db *DB) openReaders(n int) error {
	for range n {
		c, err := openConn(db.path, openReadOnly, "cache_size = -8192", "mmap_size = 0", "temp_store = MEMORY")
		if err != nil {
			return err
		}
		db.readers <- c
		db.opened++
	}
	return nil
}
