package steps_test

import (
	"errors"
	"net"
	"net/netip"
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
		{"an allowed name", steps.HTTPConfig{URL: url, AllowHosts: []string{"metadata"}}, "not an IP address"},
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

func TestDialGuard(t *testing.T) {
	t.Parallel()
	tests := []struct {
		address, allowed string
		refused          bool
	}{
		{"169.254.169.254:80", "", true},
		{"169.254.170.2:80", "", true},
		{"[::ffff:169.254.169.254]:80", "", true},
		{"[64:ff9b::a9fe:a9fe]:80", "", true},
		{"[fe80::1%eth0]:80", "", true},
		{"[fd00:ec2::254]:80", "", true},
		{"[fd00:ec2::23]:80", "", true},
		{"[fd20:ce::254]:80", "", true},
		{"100.100.100.200:80", "", true},
		{"nonsense", "", true},
		{"169.254.169.254:80", "169.254.169.253", true},
		{"169.254.169.254:80", "169.254.169.254", false},
		{"[::ffff:169.254.169.254]:80", "169.254.169.254", false},
		{"169.254.169.254:80", "::ffff:169.254.169.254", false},
		{"[fe80::1%eth0]:80", "fe80::1", false},
		{"127.0.0.1:80", "", false},
		{"[::1]:80", "", false},
		{"10.0.0.1:80", "", false},
		{"192.168.1.1:80", "", false},
		{"[fd00::1]:80", "", false},
		{"[64:ff9b::808:808]:80", "", false},
		{"8.8.8.8:443", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.address+" "+tt.allowed, func(t *testing.T) {
			t.Parallel()
			var allowed []netip.Addr
			if tt.allowed != "" {
				allowed = append(allowed, netip.MustParseAddr(tt.allowed))
			}
			if err := steps.DialGuard(allowed...)("tcp", tt.address, nil); (err != nil) != tt.refused {
				t.Errorf("error %v, want refused %v", err, tt.refused)
			}
		})
	}
}

// The guard sees the address that is dialled, before a packet leaves.
func TestDialGuardStopsADial(t *testing.T) {
	t.Parallel()
	dialer := net.Dialer{Control: steps.DialGuard()}
	_, err := dialer.DialContext(t.Context(), "tcp", "169.254.169.254:80")
	if !errors.Is(err, steps.ErrGuarded) {
		t.Errorf("error %v, want ErrGuarded", err)
	}
}
