package sqlite_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"redrive/pipeline"
	"redrive/pipeline/pipelinetest"
	"redrive/pipeline/sqlite"
)

func TestConformance(t *testing.T) {
	var paths sync.Map // of the stores, by their row store
	open := func(t *testing.T, path string) pipeline.Backend {
		db, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Durability: "normal"})
		if err != nil {
			t.Fatal(err)
		}
		b := db.Backend()
		paths.Store(b.Rows, path)
		t.Cleanup(func() {
			if err := b.Close(); err != nil {
				t.Errorf("closing: %v", err)
			}
		})
		return b
	}
	pipelinetest.Run(t, pipelinetest.Harness{
		New: func(t *testing.T) pipeline.Backend { return open(t, t.TempDir()) },
		Reopen: func(t *testing.T, b pipeline.Backend) pipeline.Backend {
			path, _ := paths.Load(b.Rows)
			return open(t, copied(t, path.(string)))
		},
		Break: func(t *testing.T, b pipeline.Backend) {
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		},
		Bubble: true,
	})
}

// copied is the store as a crash leaves it: what reached the files and nothing
// that a process does when it ends.
func copied(t *testing.T, from string) string {
	to := t.TempDir()
	for _, name := range []string{sqlite.FileName, sqlite.FileName + "-wal"} {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}
