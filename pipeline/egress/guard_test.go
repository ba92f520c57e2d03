package egress

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// forms are the ways to write an address that is nobody's business.
var forms = []string{
	"127.0.0.1", "localhost", "localhost.", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "0.0.0.0", "[::]", "127.1", "127.0.1",
	"0x7f000001", "0x7f.1", "2130706433", "0177.0.0.1", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "user@127.0.0.1", "8.8.8.8@127.0.0.1",
	"169.254.169.254", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::169.254.169.254]", "[64:ff9b:1::a9fe:a9fe]",
	"[2002:a9fe:a9fe::]", "[2001::a9fe:a9fe]", "[fe80::a9fe:a9fe]", "[fd00:ec2::254]", "[fd20:ce::254]", "100.100.100.200", "2852039166", "0xa9fea9fe",
	"0251.0376.0251.0376", "169.254.43518", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "[fd00::1]", "224.0.0.1", "[ff02::1]", "255.255.255.255",
}

// A host nobody wrote down reaches the internet alone, however its address is
// written. Half of the numbers are no name to Go; the others are answered here as
// a C library reads them.
func TestNoFormReachesInside(t *testing.T) {
	t.Parallel()
	g, w := guarded(t, map[string][][]string{
		"localhost.": {{"127.0.0.1"}}, "LOCALHOST.": {{"127.0.0.1"}}, "0x7f000001.": {{"127.0.0.1"}}, "0x7f.1.": {{"127.0.0.1"}}, "0xa9fea9fe.": {{"169.254.169.254"}},
	}, "configured.example")
	client := http.Client{Transport: g.Transport(1), Timeout: 5 * time.Second}
	refused, unknown := 0, 0
	for _, form := range forms {
		_, err := client.Get("http://" + form + ":9/")
		var lookup *net.DNSError
		switch {
		case errors.Is(err, ErrRefused):
			refused++
		case errors.As(err, &lookup):
			unknown++
		default:
			t.Errorf("%s: %v", form, err)
		}
	}
	if len(w.approved) != 0 || refused != len(forms)-7 || unknown != 7 {
		t.Errorf("of %d forms %d were refused, %d were no names, and %v were let through", len(forms), refused, unknown, w.approved)
	}
}

// What clouds hand credentials out at is refused also where it was written down.
func TestWrittenDownIsNotEnough(t *testing.T) {
	t.Parallel()
	refused, let := 0, 0
	for _, form := range forms {
		u, err := url.Parse("http://" + form + ":9/")
		if err != nil {
			t.Fatal(err)
		}
		g, w := guarded(t, nil, u.Hostname())
		_, err = g.DialContext(t.Context(), "tcp", net.JoinHostPort(u.Hostname(), "9"))
		if errors.Is(err, ErrRefused) {
			refused++
		}
		let += len(w.approved)
		for _, address := range w.approved {
			if host, _, _ := net.SplitHostPort(address); strings.Contains(host, "169.254") || strings.Contains(host, "a9fe") || strings.Contains(host, "fd00:ec2") {
				t.Errorf("%s reached %s", form, address)
			}
		}
	}
	if refused < 19 || let < 13 {
		t.Errorf("of %d forms %d were refused and %d let through", len(forms), refused, let)
	}
}

func TestRebinding(t *testing.T) {
	t.Parallel()
	const name = "id.example.com."
	for _, tt := range []struct {
		about   string
		answers [][]string
		allowed []string
		want    []string // an outcome a dial
	}{
		{"a host nobody wrote down, rebound to a private address", [][]string{{"93.184.215.14"}, {"10.0.0.7"}}, nil,
			[]string{"approved", "id.example.com stands for 10.0.0.7, not a public address, and the host is not in the configuration"}},
		{"and to this machine", [][]string{{"93.184.215.14"}, {"127.0.0.1"}}, nil,
			[]string{"approved", "id.example.com stands for 127.0.0.1, this machine itself, and the host is not in the configuration"}},
		{"and to the metadata service", [][]string{{"93.184.215.14"}, {"169.254.169.254"}}, nil,
			[]string{"approved", "id.example.com stands for 169.254.169.254, a link-local address, where clouds hand out credentials"}},
		{"a configured one, rebound to the metadata service", [][]string{{"93.184.215.14"}, {"169.254.169.254"}, {"93.184.215.14"}}, []string{"id.example.com"},
			[]string{"approved", "id.example.com stands for 169.254.169.254, a link-local address, where clouds hand out credentials", "approved"}},
		{"a configured one, rebound to this machine", [][]string{{"93.184.215.14"}, {"127.0.0.1"}, {"93.184.215.14"}}, []string{"ID.example.com."},
			[]string{"approved", "id.example.com stands for 127.0.0.1, this machine itself, and was at a public address before; restart if it has really moved", "approved"}},
		{"a configured one that always was this machine", [][]string{{"127.0.0.1"}, {"127.0.0.2"}}, []string{"id.example.com"}, []string{"approved", "approved"}},
		{"a configured one that fails over inside", [][]string{{"93.184.215.14"}, {"10.0.0.7"}}, []string{"id.example.com"}, []string{"approved", "approved"}},
		{"another one is configured", [][]string{{"10.0.0.7"}}, []string{"example.com", "d.example.com"},
			[]string{"id.example.com stands for 10.0.0.7, not a public address, and the host is not in the configuration"}},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			g, w := guarded(t, map[string][][]string{name: tt.answers}, tt.allowed...)
			let := 0
			for i, want := range tt.want {
				_, err := g.DialContext(t.Context(), "tcp", "id.example.com:443")
				if got := outcome(err); got != want {
					t.Errorf("dial %d: %s\nwant %s", i+1, got, want)
				}
				if want == "approved" {
					let++
				}
			}
			if len(w.approved) != let {
				t.Errorf("let through: %v", w.approved)
			}
		})
	}
}

// Of several addresses of a name those that are closed are left out.
func TestOneOfSeveralAddresses(t *testing.T) {
	t.Parallel()
	g, w := guarded(t, map[string][][]string{"mixed.example.": {{"169.254.169.254", "10.0.0.1", "127.0.0.1", "93.184.215.14"}}})
	if _, err := g.DialContext(t.Context(), "tcp", "mixed.example:80"); err == nil {
		t.Error("connected")
	}
	if got := fmt.Sprint(w.approved); got != "[93.184.215.14:80]" {
		t.Errorf("let through: %s", got)
	}
}

func TestRedirectsAreAnswers(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	for _, to := range []string{"http://169.254.169.254/latest/meta-data/", "http://[::ffff:169.254.169.254]/", "/here", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}))
		t.Cleanup(server.Close)
		resp, err := New("127.0.0.1").Client(5*time.Second, 100).Get(server.URL)
		if err != nil || resp.StatusCode != http.StatusFound {
			t.Errorf("%s: %v", to, err)
			continue
		}
		_ = resp.Body.Close()
	}
	if asked.Load() != 5 {
		t.Errorf("5 calls asked %d times", asked.Load())
	}
}

func TestOtherSchemesAreNotCalled(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "ftp://127.0.0.1/"} {
		if _, err := New("127.0.0.1").Client(time.Second, 100).Get(address); err == nil {
			t.Errorf("%s was called", address)
		}
	}
}
