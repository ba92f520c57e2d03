package main

import (
	"fmt"
	"go/ast"
	"os"
	"slices"
	"strings"
	"testing"
)

// mayImport is the import law: which folders of this module the code of a folder
// may import. "..." stands for any. A folder that is not named follows the law of
// the nearest one above it. Tests are free, so that those of a port can use a
// real backend.
var mayImport = map[string][]string{
	"cmd/server": {"..."},
	"web":        {"handlers", "handlers/...", "views", "static", "pipeline", "pipeline/access", "pipeline/signature"},
	"handlers":   {"handlers/...", "views", "static", "pipeline", "pipeline/access", "pipeline/backoff", "pipeline/breaker", "pipeline/redact", "pipeline/signature"},
	"views":      {"static", "pipeline"},
	"static":     {},

	"pipeline":               {"pipeline/backoff", "pipeline/breaker", "pipeline/redact"},
	"pipeline/backoff":       {},
	"pipeline/breaker":       {},
	"pipeline/redact":        {},
	"pipeline/signature":     {},
	"pipeline/access":        {"pipeline"},
	"pipeline/egress":        {},
	"pipeline/steps":         {"pipeline", "pipeline/backoff", "pipeline/egress", "pipeline/redact"},
	"pipeline/notify":        {"pipeline", "pipeline/egress"},
	"pipeline/oidc":          {},
	"pipeline/oidc/oidctest": {},
	"pipeline/sqlite":        {"pipeline", "pipeline/backoff", "pipeline/breaker"},
	"pipeline/aws":           {"pipeline", "pipeline/backoff", "pipeline/breaker", "pipeline/notify", "pipeline/steps"},
	"pipeline/aws/awstest":   {},
	"pipeline/pipelinetest":  {"pipeline", "pipeline/backoff", "pipeline/breaker"},
}

// standardOnly lists the folders that use nothing but the standard library besides
// what mayImport grants them.
var standardOnly = []string{"pipeline", "pipeline/backoff", "pipeline/breaker", "pipeline/signature", "static"}

// homes says where each library of others may be used, so that replacing one stays
// a matter of one place.
var homes = map[string][]string{
	"code.dny.dev/ssrf":                     {"pipeline/egress"},
	"github.com/a-h/templ":                  {"handlers", "views"},
	"github.com/alecthomas/kong":            {"cmd/server"},
	"github.com/aws":                        {"pipeline/aws"},
	"github.com/coreos/go-oidc":             {"pipeline/oidc"},
	"github.com/go-chi/chi":                 {"web", "handlers"},
	"github.com/go-jose/go-jose":            {"pipeline/oidc/oidctest"},
	"github.com/goccy/go-yaml":              {"cmd/server"},
	"github.com/netresearch/go-cron":        {"cmd/server"},
	"github.com/prometheus/client_golang":   {"cmd/server", "web", "handlers"},
	"github.com/santhosh-tekuri/jsonschema": {"cmd/server"},
	"github.com/alexedwards/argon2id":       {"pipeline/access"},
	"github.com/trustelem/zxcvbn":           {"pipeline/access"},
	"golang.org/x/oauth2":                   {"pipeline/oidc"},
	"golang.org/x/sync":                     {"cmd/server", "web", "handlers", "pipeline/sqlite", "pipeline/steps", "pipeline/notify", "pipeline/oidc"},
	"golang.org/x/term":                     {"cmd/server"},
	"golang.org/x/text":                     {"pipeline/access", "pipeline/redact"},
	"golang.org/x/time":                     {"web"},
	"modernc.org/sqlite":                    {"pipeline/sqlite"},
	"zombiezen.com/go/sqlite":               {"pipeline/sqlite"},
}

// apart lists what a folder leaves to others even of the standard library.
var apart = map[string][]string{
	"views":    {"net/http", "database"},
	"handlers": {"database"},
	"web":      {"database"},
}

func TestLaw(t *testing.T) {
	t.Parallel()
	folders := readFolders(t)
	t.Run("imports point down", func(t *testing.T) { lawfulImports(t, folders) })
	t.Run("every package says what it is", func(t *testing.T) { packageComments(t, folders) })
	t.Run("nothing runs before main", func(t *testing.T) { noInit(t, folders) })
	t.Run("the top level is the agreed one", topLevel)
}

func lawfulImports(t *testing.T, folders []sourceFolder) {
	for _, folder := range folders {
		for _, file := range folder.code {
			for _, spec := range file.syntax.Imports {
				imported := strings.Trim(spec.Path.Value, `"`)
				if why := breach(folder.name, imported); why != "" {
					t.Errorf("%s imports %s: %s", file.name, imported, why)
				}
			}
		}
	}
}

// breach says what is wrong with the code of a folder importing a path, or nothing.
func breach(folder, imported string) string {
	if slices.ContainsFunc(apart[nearest(apart, folder)], func(p string) bool { return within(imported, p) }) {
		return nearest(apart, folder) + " leaves that to others"
	}
	if within(imported, "redrive") {
		allowed := mayImport[nearest(mayImport, folder)]
		if !slices.ContainsFunc(allowed, matches(strings.TrimPrefix(imported, "redrive/"))) {
			return fmt.Sprintf("of this module, %s may import only %v", folder, allowed)
		}
		return ""
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return ""
	}
	if slices.Contains(standardOnly, folder) {
		return folder + " uses only the standard library"
	}
	home := homes[nearest(homes, imported)]
	if !slices.ContainsFunc(home, func(h string) bool { return within(folder, h) }) {
		return fmt.Sprintf("its home is %v; homes in this test says where each library belongs", home)
	}
	return ""
}

func TestBreach(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		folder, imported string
		lawful           bool
	}{
		{"cmd/server", "redrive/pipeline/sqlite", true},
		{"pipeline", "redrive/pipeline/breaker", true},
		{"handlers/api", "redrive/handlers/problem", true},
		{"handlers/api", "github.com/go-chi/chi/v5", true},
		{"pipeline", "golang.org/x/sync/errgroup", false},
		{"pipeline", "redrive/pipeline/steps", false},
		{"pipeline/sqlite/rows", "redrive/views", false},
		{"pipeline/sqlite", "redrive/pipeline/pipelinetest", false},
		{"pipeline/aws", "github.com/aws/aws-sdk-go-v2/service/sqs", true},
		{"pipeline/aws/awstest", "github.com/aws/smithy-go/encoding/cbor", true},
		{"pipeline/aws/awstest", "redrive/pipeline", false},
		{"pipeline/aws", "redrive/pipeline/aws/awstest", false},
		{"pipeline/oidc", "golang.org/x/oauth2", true},
		{"pipeline/oidc", "redrive/pipeline/oidc/oidctest", false},
		{"web", "redrive/pipeline/oidc", false},
		{"handlers", "github.com/aws/aws-sdk-go-v2/service/sqs", false},
		{"views", "redrive/handlers", false},
		{"views", "net/http", false},
		{"views", "net/url", true},
		{"handlers", "redrive/web", false},
		{"handlers/api", "redrive/pipeline/sqlite", false},
		{"handlers", "database/sql", false},
		{"handlers", "example.com/never/heard/of", false},
		{"web", "redrive/cmd/server/config", false},
	} {
		if why := breach(c.folder, c.imported); (why == "") != c.lawful {
			t.Errorf("%s importing %s: lawful should be %v, got %q", c.folder, c.imported, c.lawful, why)
		}
	}
}

func packageComments(t *testing.T, folders []sourceFolder) {
	for _, folder := range folders {
		documented := slices.ContainsFunc(folder.code, func(f sourceFile) bool { return f.syntax.Doc != nil })
		if len(folder.code) > 0 && !documented {
			t.Errorf("package %s has no package comment", folder.name)
		}
	}
}

func noInit(t *testing.T, folders []sourceFolder) {
	for _, folder := range folders {
		for _, file := range slices.Concat(folder.code, folder.tests) {
			for _, d := range file.syntax.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					t.Errorf("%s has a func init; build it in cmd/server and hand it over", file.name)
				}
			}
		}
	}
}

func topLevel(t *testing.T) {
	agreed := []string{
		"Dockerfile", "LICENSE", "README.md", "SECURITY.md", "cmd", "go.mod", "go.sum",
		"handlers", "pipeline", "redrive.example.yaml", "static", "views", "web",
	}
	leftBehind := []string{"data", "server", "coverage.out"} // by running and building; .gitignore has them too
	entries, err := os.ReadDir(repository)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(leftBehind, e.Name()) {
			got = append(got, e.Name())
		}
	}
	if !slices.Equal(got, agreed) {
		t.Errorf("the top level has\n  %v\nand not the agreed\n  %v", got, agreed)
	}
}

// matches tells whether a pattern of mayImport covers a folder.
func matches(folder string) func(pattern string) bool {
	return func(pattern string) bool {
		above, open := strings.CutSuffix(pattern, "...")
		return folder == pattern || open && strings.HasPrefix(folder, above)
	}
}

// nearest is the longest key that is a path or lies above it, or "".
func nearest[V any](table map[string]V, p string) string {
	best := ""
	for key := range table {
		if within(p, key) && len(key) > len(best) {
			best = key
		}
	}
	return best
}

// within tells whether a slashed path is another one or lies below it.
func within(p, above string) bool {
	return p == above || strings.HasPrefix(p, above+"/")
}
