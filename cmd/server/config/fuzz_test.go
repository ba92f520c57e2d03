package config

import (
	"strings"
	"testing"
)

// FuzzLoad holds that no text makes the reader panic, that it gives either a
// configuration or mistakes, and that each mistake is one line that can be found.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{sample, awsSample, Example(), smallest, "a: [1\nb: 2\n", "? a\n: b\n", "- - -\n", "a: !!x &b *c\n<<: {a: 1}\n", "pipelines: {p: {steps: [[], {}, ~, 1]}}", "alarms: [{}]\nnotify: [{}]\n", "backend: aws\naws: {tags: {? a : b}}\nqueues: [{}, ~, [], 1]\nnotify: [{kind: sms}]\n",
		"backend: aws\npipelines: {p: {intake: {source_queue: x}, steps: [{name: a, sqs: {queue: x}, lambda: ~}, {lambda: {}, http: {}}]}}",
		smallest + "listen: ':1'\nauth: {oidc: {issuer: https://h, client_secret: x, roles: {viewer: [a, ~], admin: [a]}}, sessions: {idle: 1h}, ingest_keys: [{}, ~, [], {name: a, pipeline: q, key_sha256: 00}]}\nlimits: {api: -1}\n", "\"\\x00\": 'x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, mistakes := Parse("f.yaml", []byte(text), Overrides{}, environ("TOKEN", "x"))
		if (c == nil) == (len(mistakes) == 0) {
			t.Fatalf("configuration %v, mistakes %v", c, mistakes)
		}
		last := strings.Count(text, "\n") + strings.Count(text, "\r") + 1
		for _, m := range mistakes {
			if m.Line < 1 || m.Line > last || m.Wrong == "" || m.Right == "" || strings.Contains(m.String(), "\n") {
				t.Errorf("%q", m.String())
			}
		}
	})
}
