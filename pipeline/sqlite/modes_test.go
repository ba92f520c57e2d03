//go:build unix

package sqlite_test

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"redrive/pipeline/sqlite"
)

// A program that is started with a careless umask still keeps everything to itself.
// The umask is the process's, so this test does not run beside others.
func TestFilesBelongToTheirOwnerWhateverTheUmask(t *testing.T) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	top := filepath.Join(t.TempDir(), "a")
	dir := filepath.Join(top, "data")
	db, b := openAt(t, sqlite.Config{Path: dir})
	insert(t, b, chainRow(t, []byte("x")))
	if err := db.Backup(t.Context(), filepath.Join(dir, "copy.db")); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		seen[d.Name()] = true
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, not %v", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "data", sqlite.FileName, sqlite.FileName + "-wal", sqlite.FileName + "-shm", "redrive.lock", "copy.db"} {
		if !seen[name] {
			t.Errorf("%s is not there: %v", name, seen)
		}
	}
	if got := sqlite.Exposed(dir); got != nil {
		t.Errorf("told as exposed: %v", got)
	}
}

func TestOpenWarnsOfWhatOthersCanRead(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		dir, file fs.FileMode
		want      []string // beginnings of the warnings
	}{
		{"all shut", 0o700, 0o600, nil},
		{"for a group", 0o770, 0o660, nil},
		{"an open file", 0o700, 0o644, []string{"redrive.db can be read or changed by every user of this machine (mode 0644): chmod 600 it"}},
		{"a file to write to", 0o700, 0o602, []string{"redrive.db can be read or changed by every user of this machine (mode 0602)"}},
		{"an open folder", 0o755, 0o600, []string{" can be entered or listed by every user of this machine (mode 0755): chmod 700 it"}},
		{"both", 0o777, 0o666, []string{" can be entered", "redrive.db can be read"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			db, err := sqlite.Open(t.Context(), sqlite.Config{Path: dir})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			for path, mode := range map[string]fs.FileMode{dir: tc.dir, filepath.Join(dir, sqlite.FileName): tc.file} {
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			db, err = sqlite.Open(t.Context(), sqlite.Config{Path: dir, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			said := log.String()
			if got := strings.Count(said, "level=WARN"); got != strings.Count(said, "\n") {
				t.Errorf("not warnings:\n%s", said)
			}
			for _, want := range tc.want {
				if !strings.Contains(said, want) {
					t.Errorf("no %q in\n%s", want, said)
				}
			}
			// With the log of the database come two more, which take its mode.
			if open := tc.file&0o007 != 0; strings.Contains(said, "redrive.db-wal") && !open || len(tc.want) == 0 && said != "" {
				t.Errorf("said\n%s", said)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
