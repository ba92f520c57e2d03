package sqlite

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// No statement is prepared anew each time it runs.
func TestNoLimitIsPlannedWith(t *testing.T) {
	t.Parallel()
	bare := regexp.MustCompile("LIMIT [?][0-9]*[^0-9 ]")
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(file) != "stmt_test.go" {
			for _, found := range bare.FindAllString(string(text), -1) {
				t.Errorf("%s: %s", file, found)
			}
		}
	}
}
