package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLoopback(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{
		"127.0.0.1:0": true, "localhost:8080": true, "LOCALHOST:1": true, "[::1]:8080": true, "127.9.9.9:1": true,
		":8080": false, "0.0.0.0:1": false, "[::]:1": false, "[::ffff:127.0.0.1]:1": false, "127.1:1": false,
		"localhost.:1": false, "localhost.evil.example:1": false, "10.0.0.1:1": false, "redrive.example.com:1": false, "2130706433:1": false,
	} {
		_, mistakes := Parse("f", []byte(smallest), Overrides{Listen: listen}, environ())
		if got := len(mistakes) == 0; got != want {
			t.Errorf("%s: open for use %v, want %v: %s", listen, got, want, lines(mistakes))
		}
	}
}

func TestOverridesWinOverTheFile(t *testing.T) {
	t.Parallel()
	over := Overrides{Listen: "localhost:0"}.WithEnv(environ("REDRIVE_LISTEN", "x", "REDRIVE_DATA", "d/", "REDRIVE_BASE_PATH", "/x/", "REDRIVE_LOG_FORMAT", "json"))
	c := valid(t, smallest+"listen: 0.0.0.0:80\n", over, environ())
	if c.Listen != "localhost:0" || c.Embedded.Path != "d" || c.BasePath != "/x" || c.LogFormat != "json" {
		t.Errorf("%+v", c)
	}
}

func TestOverridesAreJudged(t *testing.T) {
	t.Parallel()
	_, mistakes := Parse("f", []byte(smallest+"oops: 1\n"), Overrides{Listen: "0.0.0.0:1", BasePath: "x", LogFormat: "xml", Only: "console"}, environ())
	want := `--base-path: "x" does not start with /, write / or a path such as /redrive
--log-format: "xml" is not known, write one of text, json; the nearest is "json"
--only: running one part alone is not supported yet, leave it out: one process does everything
--listen: "0.0.0.0:1" can be reached from other machines and there is no auth section that says who may come in, ` + shut + `
f:2: unknown key "oops" in configuration, the nearest known key is "aws"
`
	if got := lines(mistakes); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestSecretFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secrets", "hook"), "https://example.com/hook\r\n")
	text := smallest + "notify: [{kind: webhook, url_file: 'secrets/${NAME}'}]\n"
	c, mistakes := Parse(filepath.Join(dir, "f.yaml"), []byte(text), Overrides{}, environ("NAME", "hook"))
	if len(mistakes) > 0 {
		t.Fatal(lines(mistakes))
	}
	if got := c.Notify[0].URL.Reveal(); got != "https://example.com/hook" {
		t.Errorf("got %q", got)
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	s := struct{ Secret Secret }{NewSecret("hunter2")}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s.Secret, "all", s)
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		shown += fmt.Sprintf(verb, s)
	}
	if strings.Contains(shown, "hunter2") || strings.Contains(shown, fmt.Sprintf("%x", "hunter2")) {
		t.Error(shown)
	}
	_, mistakes := Parse("f", []byte(smallest+"listen: ${PASSWORD}\nnotify: [{kind: webhook, url: hunter2}]\n"), Overrides{}, environ("PASSWORD", "hunter2"))
	if got := lines(mistakes); len(mistakes) != 2 || strings.Contains(got, "hunter2") {
		t.Errorf("mistakes show what is secret:\n%s", got)
	}
}

func TestEnvironmentNeverChangesTheStructure(t *testing.T) {
	t.Parallel()
	c := valid(t, smallest+"environment: {name: '${A}', colour: blue}\n", Overrides{}, environ("A", "x, colour: red} # ${B}"))
	if c.Environment != (Environment{"x, colour: red} # ${B}", "blue"}) {
		t.Errorf("%+v", c.Environment)
	}
}

func TestCron(t *testing.T) {
	t.Parallel()
	next, err := Cron("30 2 * * 1")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("east", 9*3600))
	if got := next(from); !got.Equal(time.Date(2026, 3, 2, 2, 30, 0, 0, time.UTC)) || got.Location() != time.UTC {
		t.Errorf("next after %s is %s", from, got)
	}
	for _, spec := range []string{"", "* * * *", "* * * * * *", "60 * * * *", "@daily", "CRON_TZ=UTC * * * * *", "0 0 30 2 *"} {
		if _, err := Cron(spec); err == nil {
			t.Errorf("%q is taken for a schedule", spec)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		into parse[string]
		text string
		ok   bool
	}{
		{httpURL, "https://example.com:8443/a?b=c", true},
		{httpURL, "http://[::1]:9001", true},
		{httpURL, "http://", false},
		{httpURL, "//example.com/", false},
		{httpURL, "http:example.com", false},
		{httpURL, "http://user:pass@example.com/", false},
		{httpURL, "http://example.com:99999/", false},
		{httpURL, "http://example.com:/", false},
		{httpURL, "http://exa mple.com/", false},
		{httpURL, "http://a/#x", false},
		{publicURL, "https://a/x?y", false},
		{basePath, "/a/b/", true},
		{basePath, "/a//b", false},
		{basePath, "/a/../b", false},
		{basePath, "/{x}", false},
		{basePath, "//", false},
		{host, "example.com", true},
		{host, "[::1]:80", true},
		{host, "::1", true},
		{host, "*.example.com", false},
		{host, "http://example.com", false},
		{host, "example.com/x", false},
		{host, "", false},
		{address, "127.0.0.1", false},
		{address, "127.0.0.1:http", false},
		{address, "127.0.0.1:65536", false},
	} {
		if _, f := tc.into(tc.text); (f == nil) != tc.ok {
			t.Errorf("%q: fault %v, want ok %v", tc.text, f, tc.ok)
		}
	}
}
