package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"redrive/pipeline"
)

// Backup writes a complete copy of the store, as it is at one moment, to a new
// file. The store stays in use meanwhile, also by another process.
func (db *DB) Backup(ctx context.Context, file string) error {
	if err := db.usable(ctx); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return &pipeline.Error{Code: pipeline.CodeConflict, Text: file + " is there already"}
	case err != nil:
		return unavailablef(file+" cannot be written", err)
	}
	if err := errors.Join(f.Close(), db.copyTo(ctx, file)); err != nil {
		return errors.Join(db.unavailable(err), os.Remove(file))
	}
	return nil
}

// copyTo fills an empty file.
func (db *DB) copyTo(ctx context.Context, file string) error {
	c, err := openConn(db.path, openReadOnly, "cache_size = -8192", "mmap_size = 0")
	if err != nil {
		return err
	}
	c.setInterrupt(ctx.Done())
	return errors.Join(c.prep("VACUUM INTO ?").text(1, file).run(), ctx.Err(), c.close())
}
