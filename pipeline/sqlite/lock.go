//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lockName is the file that says which process works on the store. Its lock
// goes with the process, however that ends.
const lockName = "redrive.lock"

func lockDirectory(path string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, unavailablef("the directory of "+path+" cannot be written", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, writePID(f)
	}
	holder, _ := os.ReadFile(f.Name())
	f.Close()
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, unavailablef(path+" cannot be locked", err)
	}
	pid := strings.TrimSpace(string(holder))
	if _, err := strconv.Atoi(pid); err != nil {
		return nil, unavailablef(path+" is in use by another process", nil)
	}
	return nil, unavailablef(fmt.Sprintf("%s is in use by another process (pid %s)", path, pid), nil)
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func unlock(f *os.File) error { return f.Close() }
