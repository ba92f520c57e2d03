package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestModes holds what is said of files that other users of the machine can read.
func TestModes(t *testing.T) {
	t.Parallel()
	const (
		shutFile, openFile = 0o600, 0o644
		file               = "f.yaml:2: every user of this machine can read url_file \"hook\" (mode 0644): chmod 600 it"
		written            = "f.yaml:2: there is a secret here, and every user of this machine can read the file (mode 0644): chmod 600 it, or bring secrets in with ${NAME} or <key>_file"
		byFile             = "notify: [{kind: webhook, url_file: hook, severities: [notice, page]}]\n"
		direct             = "notify: [{kind: webhook, url: 'https://example.com/canary', severities: [notice, page]}]\n"
		byName             = "notify: [{kind: webhook, url: '${URL}', severities: [notice, page]}]\n"
		header             = "  q: {steps: [{name: a, http: {url: 'https://h/', headers: {authorization: Bearer canary}}}]}\n"
		pipelines          = "pipelines:\n"
	)
	for _, tc := range []struct {
		name         string
		text         string
		config, hook os.FileMode
		want         string
	}{
		{"all shut", smallest + byFile, shutFile, shutFile, ""},
		{"for a group", smallest + byFile, 0o640, 0o640, ""},
		{"an open secret", smallest + byFile, shutFile, openFile, file},
		{"an open configuration without secrets", smallest + byFile, openFile, shutFile, ""},
		{"one with the name of a secret", smallest + byName, openFile, shutFile, ""},
		{"one with a secret", smallest + direct, openFile, shutFile, written},
		{"a shut one with a secret", smallest + direct, shutFile, openFile, ""},
		{"one with a token in a header", pipelines + header, openFile, shutFile, written},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, content := range map[string]string{"f.yaml": tc.text, "hook": "https://example.com/canary\n"} {
				write(t, filepath.Join(dir, name), content)
			}
			for name, mode := range map[string]os.FileMode{"f.yaml": tc.config, "hook": tc.hook} {
				if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
					t.Fatal(err)
				}
			}
			c, mistakes := Load(filepath.Join(dir, "f.yaml"), Overrides{}, environ("URL", "https://example.com/canary"))
			if len(mistakes) > 0 {
				t.Fatal(lines(mistakes))
			}
			var got []string
			for _, w := range c.Warnings {
				got = append(got, strings.TrimPrefix(w.String(), dir+"/"))
			}
			if strings.Join(got, "\n") != tc.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), tc.want)
			}
		})
	}
}
