package sqlite

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Exposed answers a sentence for each file of the store in dir, and for dir itself, that
// users of this machine other than its owner and group get at. What this package makes
// is its owner's alone; this is about what was there before, or was changed since. The
// group is left out: shared volumes are handed over by it.
func Exposed(dir string) []string {
	if runtime.GOOS == "windows" {
		return nil // keeps such rights elsewhere and makes a mode up
	}
	var found []string
	look := func(path, what string, right fs.FileMode) {
		info, err := os.Stat(path)
		if err == nil && info.Mode().Perm()&0o007 != 0 {
			found = append(found, fmt.Sprintf("%s can be %s by every user of this machine (mode %04o): chmod %o it", path, what, info.Mode().Perm(), right))
		}
	}
	look(dir, "entered or listed", 0o700)
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", ".part"} {
		look(filepath.Join(dir, FileName+suffix), "read or changed", 0o600)
	}
	return found
}
