package steps_test

import (
	"strings"
	"testing"
	"time"

	"redrive/pipeline/steps"
)

func TestNewHTTP(t *testing.T) {
	t.Parallel()
	const url = "http://127.0.0.1:9001/index"
	header := func(name, value string) steps.HTTPConfig {
		return steps.HTTPConfig{URL: url, Headers: map[string]string{name: value}}
	}
	tests := []struct {
		name   string
		config steps.HTTPConfig
		want   string // part of the sentence; empty = accepted
	}{
		{"the usual one", steps.HTTPConfig{URL: url, Permanent: []int{400, 422}, Concurrency: 8, Timeout: time.Second}, ""},
		{"https", steps.HTTPConfig{URL: "https://example.com"}, ""},
		{"IPv6", steps.HTTPConfig{URL: "http://[::1]:9001/"}, ""},
		{"no url", steps.HTTPConfig{}, "scheme"},
		{"no scheme", steps.HTTPConfig{URL: "example.com/index"}, "scheme"},
		{"file", steps.HTTPConfig{URL: "file:///etc/passwd"}, `scheme "file"`},
		{"gopher", steps.HTTPConfig{URL: "gopher://example.com"}, `scheme "gopher"`},
		{"no host", steps.HTTPConfig{URL: "http:///index"}, "no host"},
		{"a port alone", steps.HTTPConfig{URL: "http://:80/index"}, "no host"},
		{"no URL at all", steps.HTTPConfig{URL: "http://a b\x00"}, "not a valid URL"},
		{"a password", steps.HTTPConfig{URL: "http://ada:hunter2@example.com"}, "user name or password"},
		{"a password in a broken URL", steps.HTTPConfig{URL: "http://ada:hunter2@example.com:x"}, "not a valid URL"},
		{"a negative timeout", steps.HTTPConfig{URL: url, Timeout: -1}, "timeout"},
		{"permanent 200", steps.HTTPConfig{URL: url, Permanent: []int{200}}, "status 200"},
		{"permanent 700", steps.HTTPConfig{URL: url, Permanent: []int{700}}, "status 700"},
		{"a metadata service", steps.HTTPConfig{URL: "http://169.254.169.254/latest/meta-data/"}, "the host of the step's url is a link-local address"},
		{"a mapped one", steps.HTTPConfig{URL: "http://[::ffff:169.254.169.254]/"}, "which is never called"},
		{"every address", steps.HTTPConfig{URL: "http://0.0.0.0:9001/"}, "no address of a machine"},
		{"half an address", steps.HTTPConfig{URL: "http://127.1:9001/"}, "neither a name nor a whole address"},
		{"localhost with a dot", steps.HTTPConfig{URL: "http://localhost.:9001/"}, ""},
		{"a private address", steps.HTTPConfig{URL: "http://10.0.0.7/"}, ""},
		{"header name", header("X A", "a"), "not valid"},
		{"header value", header("X-A", "a\r\nX-Admin: yes"), "control character"},
		{"header of the step", header("redrive-row", "a"), "set by the step itself"},
		{"idempotency key", header("Idempotency-Key", "a"), "set by the step itself"},
		{"traceparent", header("Traceparent", "a"), "set by the step itself"},
		{"framing", header("Transfer-Encoding", "chunked"), "set by the step itself"},
		{"header twice", steps.HTTPConfig{URL: url, Headers: map[string]string{"x-a": "1", "X-A": "2"}}, "twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := steps.NewHTTP(tt.config)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %q", err, tt.want)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the sentence has the password in it: %v", err)
			}
		})
	}
}
