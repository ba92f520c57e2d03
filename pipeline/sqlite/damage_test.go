package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	zs "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"redrive/pipeline"
	"redrive/pipeline/sqlite"
)

// filled is the directory of a closed store with a few hundred rows.
func filled(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	db, b := openAt(t, sqlite.Config{Path: dir})
	rows := make([]pipeline.NewRow, 300)
	for i := range rows {
		rows[i] = chainRow(t, bytes.Repeat([]byte("payload "), 50))
	}
	insert(t, b, rows...)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, filepath.Join(dir, sqlite.FileName)
}

func change(t *testing.T, file string, edit func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, edit(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestADamagedFileIsToldAndLeftAlone(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func([]byte) []byte
	}{
		{"empty", func([]byte) []byte { return nil }},
		{"a few bytes", func(b []byte) []byte { return b[:50] }},
		{"cut in the middle", func(b []byte) []byte { return b[:len(b)/2] }},
		{"cut within a page", func(b []byte) []byte { return b[:len(b)-100] }},
		{"another kind of file", func([]byte) []byte { return bytes.Repeat([]byte("hello\n"), 4000) }},
		{"zeros at the front", func(b []byte) []byte { clear(b[:100]); return b }},
		{"zeros in the middle", func(b []byte) []byte { clear(b[len(b)/2 : len(b)/2+8192]); return b }},
		{"noise all over", func(b []byte) []byte {
			for i := 4096; i < len(b); i += 997 {
				b[i] ^= 0xff
			}
			return b
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, file := filled(t)
			change(t, file, c.edit)
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			refused(t, dir, file, "is damaged")
			if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
				t.Errorf("the file was changed: %d bytes, now %d, %v", len(before), len(after), err)
			}
		})
	}
}

func TestALogWithoutItsDatabase(t *testing.T) {
	dir, file := filled(t)
	if err := os.Rename(file, file+"-wal"); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "is missing although its log")
}

func TestForeignAndNewerFiles(t *testing.T) {
	for _, c := range []struct{ name, script, say string }{
		{"newer schema", "PRAGMA user_version = 99;", "was written by a newer version of this program (schema 99"},
		{"another program's", "PRAGMA application_id = 7;", "belongs to another program"},
		{"nobody's", "PRAGMA application_id = 0;", "belongs to another program"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, file := filled(t)
			conn, err := zs.OpenConn(file, zs.OpenReadWrite)
			if err != nil {
				t.Fatal(err)
			}
			if err := sqlitex.ExecuteTransient(conn, c.script, nil); err != nil {
				t.Fatal(err)
			}
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			refused(t, dir, c.say)
		})
	}
}

func TestAStartThatWasCutOffLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{sqlite.FileName + ".part", sqlite.FileName + ".part-journal"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half made"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, b := openAt(t, sqlite.Config{Path: dir})
	insert(t, b, chainRow(t, nil))
	if parts, _ := filepath.Glob(filepath.Join(dir, "*.part*")); len(parts) > 0 {
		t.Errorf("left over: %v", parts)
	}
}
