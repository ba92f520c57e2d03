//go:build !unix

package sqlite

import (
	"os"
	"path/filepath"
)

// lockDirectory relies on the system refusing to remove a file that is open:
// who cannot remove the lock of an earlier process shares the store with it.
func lockDirectory(path string) (*os.File, error) {
	name := filepath.Join(filepath.Dir(path), "redrive.lock")
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return nil, unavailablef(path+" is in use by another process", err)
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, unavailablef(path+" cannot be locked", err)
	}
	return f, nil
}

func unlock(f *os.File) error { return f.Close() }
