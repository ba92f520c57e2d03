package sqlite

import (
	"context"
	"errors"
	"os"

	"redrive/pipeline"
)

// OpenBeside opens the store of a server that may be running, to read and write
// records and the audit alone: those are kept nowhere in the server's memory.
func OpenBeside(ctx context.Context, cfg Config) (*DB, error) {
	db, err := newDB(cfg)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(db.path); err != nil || info.Size() == 0 {
		return nil, unavailablef("there is no store at "+db.path, err)
	}
	db.beside = true
	if err := db.openBeside(ctx, cfg); err != nil {
		return nil, errors.Join(db.unavailable(err), db.release())
	}
	go db.writer.loop()
	return db, nil
}

func (db *DB) openBeside(ctx context.Context, cfg Config) error {
	c, err := openConn(db.path, openReadWrite, synchronous(cfg))
	if err != nil {
		return err
	}
	db.writer = newWriter(db, c)
	if err := checkSchema(c, db.path); err != nil {
		return err
	}
	if err := db.chained(c); err != nil {
		return err
	}
	if err := db.openReaders(1); err != nil {
		return err
	}
	return ctx.Err()
}

func synchronous(cfg Config) string {
	if cfg.Durability == "normal" {
		return "synchronous = NORMAL"
	}
	return "synchronous = FULL"
}

// papers are the ports of a store that somebody else works on.
func (db *DB) papers() pipeline.Backend {
	return pipeline.Backend{Records: recordStore{db}, Audit: auditLog{db}, Close: db.Close}
}
