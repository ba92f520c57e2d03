package sqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"redrive/pipeline"
)

// After the disk was full the log goes into the file before anything is added
// to it: it would take the room that somebody has just made.
func TestRoomMadeOnAFullDiskIsNotEatenByTheLog(t *testing.T) {
	db := openStore(t, Config{})
	b, ctx := db.Backend(), t.Context()
	for range 40 {
		if _, err := b.Rows.Insert(ctx, plainRow(t, bytes.Repeat([]byte("x"), 9000))); err != nil {
			t.Fatal(err)
		}
	}
	limitPages(t, db, 0)
	if _, err := b.Rows.Insert(ctx, plainRow(t, bytes.Repeat([]byte("x"), 90_000))); !errors.Is(err, pipeline.ErrUnavailable) {
		t.Fatalf("on a full disk: %v", err)
	}
	before, err := os.Stat(db.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	limitPages(t, db, 1000)
	if _, err := b.Rows.Insert(ctx, plainRow(t, []byte("x"))); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(db.path + "-wal")
	if err != nil || after.Size() >= before.Size() {
		t.Errorf("the log has %d bytes, had %d: %v", after.Size(), before.Size(), err)
	}
}

// Another program's file is refused as it is, down to the last bit.
func TestAnotherProgramsFileIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, FileName)
	c, err := openConn(file, openReadWrite|openCreate)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.script("PRAGMA application_id = 7; CREATE TABLE t(x); INSERT INTO t VALUES (1);"), c.close()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Path: dir}); !errors.Is(err, pipeline.ErrUnavailable) {
		t.Fatalf("open answers %v", err)
	}
	after, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed: %v", err)
	}
}
