package views

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sources reads files of this module, by path.
func sources(t *testing.T, globs ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, glob := range globs {
		names, err := filepath.Glob(glob)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v, %d files", glob, err, len(names))
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			found[name] = string(text)
		}
	}
	return found
}

// What a template must not have in it, since the content policy forbids it or
// since templ does not make it safe.
func bannedInTemplates() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"a script in the page":                        regexp.MustCompile(`(?i)<script(>| [^>]*>[^<])`),
		"a style in the page":                         regexp.MustCompile(`(?i)<style|[\s"]style=`),
		"a handler in an attribute":                   regexp.MustCompile(`(?i)[\s"]on[a-z]+=`),
		"a script in a URL":                           regexp.MustCompile(`(?i)javascript:|data:text|vbscript:`),
		"an htmx attribute that evaluates":            regexp.MustCompile(`(?i)hx-on|hx-vals|hx-vars|hx-headers|hx-request|hx-trigger="[^"]*\[|["\s]js:`),
		"an htmx URL that is not made by Href":        regexp.MustCompile(`hx-(get|post|put|patch|delete|push-url|replace-url)=("[^"/]|\{ *(?:[^HWp ]|p\.[^hn]))`),
		"text that is not escaped":                    regexp.MustCompile(`templ\.(Raw|JS|CSS|SafeCSS|ComponentScript|OnceHandle)|@templ\.Raw`),
		"a frame, an object or a base":                regexp.MustCompile(`(?i)<(iframe|frame|object|embed|base|applet)\b`),
		"a redirect in the page":                      regexp.MustCompile(`(?i)http-equiv`),
		"a link that opens another window with ours":  regexp.MustCompile(`target="_blank"(?:[^>]*)>`),
		"something of another site":                   regexp.MustCompile(`(?i)(src|href|action)="(https?:)?//`),
		"a URL that is declared safe on the spot":     regexp.MustCompile(`templ\.(SafeURL|URL)\((?:[^p]|p\.[^A]|p\.A[^g])`),
		"a URL of text put together in the attribute": regexp.MustCompile(`(href|action|formaction|src)=\{ *"`),
	}
}

func TestTemplatesHaveNothingThatActs(t *testing.T) {
	t.Parallel()
	files := sources(t, "*.templ")
	for name, text := range files {
		for what, pattern := range bannedInTemplates() {
			if found := pattern.FindString(text); found != "" {
				t.Errorf("%s has %s: %q", name, what, found)
			}
		}
	}
	if len(files) < 30 {
		t.Errorf("only %d templates were looked at", len(files))
	}
}

// The patterns find what they are for.
func TestBannedMarkupIsFound(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"a script in the page":                        `<script>x()</script>`,
		"a style in the page":                         `<div class="a" style="x">`,
		"a handler in an attribute":                   `<a onclick="x()">`,
		"a script in a URL":                           `<a href="JavaScript:x()">`,
		"an htmx attribute that evaluates":            `<a hx-vals="js:{a: x()}">`,
		"an htmx URL that is not made by Href":        `<a hx-get={ row.ID }>`,
		"text that is not escaped":                    `@templ.Raw(row.Payload)`,
		"a frame, an object or a base":                `<iframe src="/rows">`,
		"a redirect in the page":                      `<meta http-equiv="refresh">`,
		"a link that opens another window with ours":  `<a href="/" target="_blank">`,
		"something of another site":                   `<script src="//cdn.example/x.js">`,
		"a URL that is declared safe on the spot":     `<a href={ templ.SafeURL(row.URL) }>`,
		"a URL of text put together in the attribute": `<a href={ "/rows/" + row.ID }>`,
	} {
		if !bannedInTemplates()[what].MatchString(text) {
			t.Errorf("%s is not found in %s", what, text)
		}
	}
	if good := `<a hx-get={ Href(p.Base, "rows", id) } hx-post={ p.href() } hx-push-url="/x">`; bannedInTemplates()["an htmx URL that is not made by Href"].MatchString(good) {
		t.Errorf("%s is taken for a mistake", good)
	}
}

func TestScriptsMakeNoMarkup(t *testing.T) {
	t.Parallel()
	banned := regexp.MustCompile(`innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|\.setAttribute\(["']on|setTimeout\(["']|import\(|localStorage\.setItem\([^)]*(?:innerText|textContent|payload)`)
	n := 0
	for name, text := range sources(t, "../static/js/*.js") {
		if strings.HasSuffix(name, ".min.js") {
			continue
		}
		n++
		if found := banned.FindString(text); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
	if n < 5 {
		t.Errorf("only %d scripts were looked at", n)
	}
}

// htmx keeps to the console, evaluates nothing, and keeps no page.
func TestHtmxIsKeptShort(t *testing.T) {
	t.Parallel()
	var config map[string]any
	if err := json.Unmarshal([]byte(htmxConfig), &config); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"selfRequestsOnly": true, "allowEval": false, "allowScriptTags": false, "includeIndicatorStyles": false, "historyCacheSize": float64(0)} {
		if config[name] != want {
			t.Errorf("%s is %v, want %v", name, config[name], want)
		}
	}
}

// Whatever an id or a name is, its link stays below the console and leads to one
// place: nothing in it becomes a scheme, a host, another segment or a query.
func TestLinksAreMadeOfAnything(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"javascript:alert(1)", "//evil", `\\evil`, "../users", "..", ".", "%2e%2e", "a?x#y", "a/b", "a;b=c", "\t/evil", "\r\nX: y", "\u202e", "<b>", "\xff", "", " "} {
		for _, href := range []string{string(Href("/", "rows", id)), string(Href("/x/", id)), string(WithQuery(Href("/", "rows"), "q", id))} {
			path, _, _ := strings.Cut(href, "?")
			if !strings.HasPrefix(href, "/") || strings.HasPrefix(href, "//") || strings.ContainsAny(href, "\\<>\"' \t\r\n#") || strings.Count(path, "/") > 2 || strings.Count(href, "?") > 1 {
				t.Errorf("%q makes the link %q", id, href)
			}
		}
	}
}
