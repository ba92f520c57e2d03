package sqlite

import (
	"os"
	"path/filepath"
	"testing"
)

// A path is a name and no more: nothing in it is taken for an option of the
// store, whoever came to write it.
func TestPathsCarryNoOptions(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a?mode=memory", "b?_pragma=writable_schema(1)&vfs=none", "file:c?immutable=1", ":memory:", "d%20e", "f;PRAGMA user_version=7", "g'--"} {
		dir := filepath.Join(t.TempDir(), name)
		db, err := Open(t.Context(), Config{Path: dir, Durability: "normal"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := db.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := os.Stat(filepath.Join(dir, FileName)); err != nil || info.Size() == 0 {
			t.Errorf("%s: the store is not where it was said to be: %v", name, err)
		}
	}
}
