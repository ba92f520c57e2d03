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
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return &pipeline.Error{Code: pipeline.CodeConflict, Text: file + " is there already", Err: err}
	}
	if err := db.usable(ctx); err != nil {
		return err
	}
	c, err := openConn(db.path, openReadOnly, "cache_size = -8192", "mmap_size = 0")
	if err != nil {
		return db.unavailable(err)
	}
	defer c.close()
	c.setInterrupt(ctx.Done())
	if err := c.prep("VACUUM INTO ?").text(1, file).run(); err != nil {
		return errors.Join(db.unavailable(err), os.Remove(file))
	}
	return os.Chmod(file, 0o600)
}
