package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// smallest is a valid configuration to add to; it ends after line 1.
const smallest = "pipelines: {p: {steps: [{name: a, http: {url: 'http://127.0.0.1:9001/a'}}]}}\n"

func environ(pairs ...string) Env {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func valid(t *testing.T, text string, over Overrides, env Env) *Config {
	t.Helper()
	c, mistakes := Parse(filepath.Join(t.TempDir(), "f.yaml"), []byte(text), over, env)
	if len(mistakes) > 0 {
		t.Fatalf("mistakes in a valid configuration:\n%s", lines(mistakes))
	}
	return c
}

func lines(mistakes []Mistake) string {
	var b strings.Builder
	for _, m := range mistakes {
		b.WriteString(m.String() + "\n")
	}
	return b.String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
