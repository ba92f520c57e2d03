package static_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"redrive/static"
)

func TestHandler(t *testing.T) {
	assets := static.New()
	tests := []struct {
		name, method, path string
		status             int
		contentType        string
	}{
		{"a hashed style sheet", "GET", "/" + assets.URL("css/console.css"), 200, "text/css; charset=utf-8"},
		{"a hashed script", "HEAD", "/" + assets.URL("js/live.js"), 200, "text/javascript; charset=utf-8"},
		{"the icons", "GET", "/" + assets.URL("icons.svg"), 200, "image/svg+xml"},
		{"a name without its hash", "GET", "/static/css/console.css", 404, ""},
		{"a wrong hash", "GET", "/static/css/console.00000000.css", 404, ""},
		{"a way out", "GET", "/static/../static.go", 404, ""},
		{"a name that is not there", "GET", "/" + assets.URL("css/none.css"), 404, ""},
		{"a change", "POST", "/" + assets.URL("css/console.css"), 405, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			r := httptest.NewRequest(tt.method, "/", nil)
			r.URL.Path = tt.path
			assets.Handler(http.NotFound).ServeHTTP(rec, r)
			if rec.Code != tt.status {
				t.Fatalf("%s %s: status %d, want %d", tt.method, tt.path, rec.Code, tt.status)
			}
			if tt.status != http.StatusOK {
				if got := rec.Header().Get("Cache-Control"); strings.Contains(got, "immutable") {
					t.Errorf("an error must not be cached, got %q", got)
				}
				return
			}
			checkHeader(t, rec.Header(), "Content-Type", tt.contentType)
			checkHeader(t, rec.Header(), "Cache-Control", "public, max-age=31536000, immutable")
			checkHeader(t, rec.Header(), "X-Content-Type-Options", "nosniff")
		})
	}
}

func checkHeader(t *testing.T, h http.Header, key, want string) {
	t.Helper()
	if got := h.Get(key); got != want {
		t.Errorf("%s: %q, want %q", key, got, want)
	}
}

func TestVendoredScriptsAreUnchanged(t *testing.T) {
	list, err := os.ReadFile(filepath.Join("js", "VENDOR.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile("(?m)^\\| `([^`]+)` .*`([0-9a-f]{64})` \\|$").FindAllStringSubmatch(string(list), -1)
	if len(lines) == 0 {
		t.Fatal("VENDOR.md lists no file")
	}
	for _, line := range lines {
		content, err := os.ReadFile(filepath.Join("js", line[1]))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if got := hex.EncodeToString(sum[:]); got != line[2] {
			t.Errorf("%s: sha256 %s, want %s", line[1], got, line[2])
		}
	}
}

// The content policy forbids evaluation and styles written by scripts.
func TestOwnScriptsKeepTheContentPolicy(t *testing.T) {
	forbidden := regexp.MustCompile(`\beval\(|new Function|\.style\b|innerHTML|setTimeout\(["']`)
	names, err := filepath.Glob("js/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".min.js") {
			continue
		}
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := forbidden.Find(content); found != nil {
			t.Errorf("%s has %q", name, found)
		}
	}
}

// Only tokens.css names a raw colour; the rest takes it from there.
func TestColoursComeFromTokens(t *testing.T) {
	raw := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch|lab)a?\(`)
	names, err := filepath.Glob("css/*.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if filepath.Base(name) == "tokens.css" {
			continue
		}
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := raw.Find(content); found != nil {
			t.Errorf("%s names the raw colour %s", name, found)
		}
	}
}
