package web

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

// Whatever a Host header holds, only the configured names and loopback pass.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{"localhost", "LOCALHOST:8080", "[::1]:8080", "127.0.0.1", "[::ffff:127.0.0.1]", "redrive.example:443", "localhost@evil", "localhost:80:80",
		"127.1", "[::1", "::1", "[localhost]", "localhost.", "127.0.0.1%25x", "[fe80::1%lo]", ""} {
		f.Add(seed)
	}
	s := &site{Config: Config{Listen: "127.0.0.1:8080", AllowedHosts: []string{"redrive.example"}}}
	names := s.names()
	f.Fuzz(func(t *testing.T, host string) {
		if !names.has(host) {
			return
		}
		name := strings.ToLower(host)
		if bare, _, err := net.SplitHostPort(name); err == nil {
			name = bare
		}
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
		ip, err := netip.ParseAddr(name)
		if name != "localhost" && name != "redrive.example" && (err != nil || !ip.Unmap().IsLoopback()) {
			t.Errorf("%q is answered for", host)
		}
	})
}

// The client is one of the addresses in the header, behind trusted ones alone.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"198.51.100.1", "1.1.1.1, 198.51.100.1, 10.0.0.3", "junk, 10.0.0.3", "[2001:db8::1]:80", "10.0.0.1,,", "::ffff:10.0.0.1, 9.9.9.9:1", "fe80::1%eth0"} {
		f.Add(seed)
	}
	s := &site{Config: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	f.Fuzz(func(t *testing.T, header string) {
		client := s.client([]string{header})
		last := netip.Addr{}
		if all := items([]string{header}); len(all) > 0 {
			last = address(all[len(all)-1])
		}
		switch {
		case client.IsValid() != last.IsValid():
			t.Errorf("%q: client %v, the nearest is %v", header, client, last)
		case last.IsValid() && !s.trusted(last) && client != last:
			t.Errorf("%q: client %v, though %v is no proxy", header, client, last)
		case client.Zone() != "" || client.Is4In6():
			t.Errorf("%q: client %v", header, client)
		}
	})
}
