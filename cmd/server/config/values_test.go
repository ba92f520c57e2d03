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
--only: "console" needs backend: aws, leave it out: with the embedded backend one process does everything
--listen: "0.0.0.0:1" can be reached from other machines and there is no auth section that says who may come in, ` + shut + `
f:2: unknown key "oops" in configuration, the nearest known key is "aws"
`
	if got := lines(mistakes); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestOnlyIsForAWS(t *testing.T) {
	t.Parallel()
	const embedded = "--only: \"workers\" needs backend: aws, leave it out: with the embedded backend one process does everything\n"
	for _, tc := range []struct{ file, only, env, want string }{
		{"", "workers", "", embedded},
		{"", "", "workers", embedded},
		{"backend: aws\n", "workers", "", ""},
		{"backend: aws\n", "", "console", ""},
		{"backend: aws\n", "pages", "console", "--only: \"pages\" is not known, write one of console, workers; the nearest is \"workers\"\n"},
		{"backend: asw\n", "workers", "", "f:2: backend \"asw\" is not known, write one of embedded, aws; the nearest is \"aws\"\n"},
	} {
		c, mistakes := Parse("f", []byte(smallest+tc.file), Overrides{Only: tc.only}.WithEnv(environ("REDRIVE_ONLY", tc.env)), environ())
		if got := lines(mistakes); got != tc.want {
			t.Errorf("%q with --only %q and REDRIVE_ONLY %q: got\n%swant\n%s", tc.file, tc.only, tc.env, got, tc.want)
		}
		if c != nil && c.Only != tc.only+tc.env {
			t.Errorf("only %q", c.Only)
		}
	}
}

func TestSecretFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secrets", "hook"), "https://example.com/hook\r\n")
	write(t, filepath.Join(dir, "secrets", "phone"), "+14155550100\n")
	text := smallest + "notify: [{kind: webhook, url_file: 'secrets/${NAME}'}, {kind: sms, phone_file: secrets/phone}]\n"
	c, mistakes := Parse(filepath.Join(dir, "f.yaml"), []byte(text), Overrides{}, environ("NAME", "hook"))
	if len(mistakes) > 0 {
		t.Fatal(lines(mistakes))
	}
	if got := c.Notify[0].URL.Reveal(); got != "https://example.com/hook" {
		t.Errorf("got %q", got)
	}
	if got := c.Notify[1].Phone.Reveal(); got != "+14155550100" {
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
	var shown strings.Builder
	shown.WriteString(log.String() + string(text))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		shown.WriteString(fmt.Sprintf(verb, s))
	}
	if strings.Contains(shown.String(), "hunter2") || strings.Contains(shown.String(), fmt.Sprintf("%x", "hunter2")) {
		t.Error(shown.String())
	}
	_, mistakes := Parse("f", []byte(smallest+"listen: ${PASSWORD}\nnotify: [{kind: webhook, url: hunter2}, {kind: sms, phone: hunter2}]\n"), Overrides{}, environ("PASSWORD", "hunter2"))
	if got := lines(mistakes); len(mistakes) != 3 || strings.Contains(got, "hunter2") {
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

func TestNamesOfAWS(t *testing.T) {
	t.Parallel()
	const lambda, topics = "arn:aws:lambda:eu-west-1:123456789012:function:", "arn:aws:sns:eu-west-1:123456789012:"
	for _, tc := range []struct {
		into parse[string]
		text string
		ok   bool
	}{
		{region, "eu-west-1", true},
		{region, "us-gov-west-1", true},
		{region, "EU-WEST-1", false},
		{region, "eu_west_1", false},
		{region, "eu-west-", false},
		{prefix, "a", true},
		{prefix, strings.Repeat("a", 73), true},
		{prefix, strings.Repeat("a", 74), false},
		{prefix, "", false},
		{prefix, "a.b", false},
		{table, "a.b", true},
		{table, "ab", false},
		{table, strings.Repeat("a", 256), false},
		{table, "a/b/c", false},
		{kmsKey, "alias/shop", true},
		{kmsKey, "1234abcd-12ab-34cd-56ef-1234567890ab", true},
		{kmsKey, "arn:aws:kms:eu-west-1:123456789012:key/mrk-1234abcd", true},
		{kmsKey, "alias/aws/sqs", false},
		{kmsKey, "arn:aws:kms:eu-west-1:123456789012:alias/aws/dynamodb", false},
		{kmsKey, "my key", false},
		{function, "resize", true},
		{function, "resize:live", true},
		{function, "resize:7", true},
		{function, "resize:$LATEST", true},
		{function, lambda + "resize", true},
		{function, lambda + "resize:live", true},
		{function, "arn:aws-cn:lambda:cn-north-1:123456789012:function:resize", true},
		{function, "", false},
		{function, "resize:", false},
		{function, "re size", false},
		{function, "resize:a:b", false},
		{function, lambda, false},
		{function, "arn:aws:sqs:eu-west-1:123456789012:orders", false},
		{function, strings.Repeat("a", 65), false},
		{function, lambda + strings.Repeat("a", 64) + ":" + strings.Repeat("b", 128), false},
		{topic, topics + "oncall", true},
		{topic, topics + "oncall.fifo", false},
		{topic, "oncall", false},
		{topic, "", false},
		{queueName, "orders", true},
		{queueName, "orders.fifo", true},
		{queueName, strings.Repeat("a", 80), true},
		{queueName, strings.Repeat("a", 81), false},
		{queueName, strings.Repeat("a", 76) + ".fifo", false},
		{queueName, "https://sqs.eu-west-1.amazonaws.com/123456789012/orders", false},
		{queueName, "", false},
		{queuePrefix, "legacy-", true},
		{queuePrefix, "", false},
		{queuePrefix, "legacy-*", false},
		{queueTarget, "orders", true},
		{queueTarget, "https://sqs.eu-west-1.amazonaws.com/123456789012/orders", true},
		{queueTarget, "http://127.0.0.1:4566/000000000000/orders", true},
		{queueTarget, "http://localhost:4566/000000000000/orders", true},
		{queueTarget, "http://sqs.eu-west-1.amazonaws.com/123456789012/orders", false},
		{queueTarget, "https://sqs.eu-west-1.amazonaws.com/123456789012/orders?x=y", false},
		{queueTarget, "https://sqs.eu-west-1.amazonaws.com/", false},
		{queueTarget, "ftp://h/1/orders", false},
		{queueTarget, "https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo", false},
		{queueTarget, "orders.fifo", false},
		{queueTarget, "arn:aws:sqs:eu-west-1:123456789012:orders", false},
		{queueTarget, "", false},
	} {
		if _, f := tc.into(tc.text); (f == nil) != tc.ok {
			t.Errorf("%q: fault %v, want ok %v", tc.text, f, tc.ok)
		}
	}
}
