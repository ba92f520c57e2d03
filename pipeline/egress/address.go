package egress

import (
	"net/netip"

	"code.dny.dev/ssrf"
)

// reach is from where an address can be reached.
type reach int

const (
	public   reach = iota
	inside         // a private or other special range
	loopback       // this machine
	never          // not called by anybody
)

// internet knows the special ranges that IANA keeps.
var internet = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAnyNetwork())

// closed are addresses that are never called, with what they are.
var closed = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address, where clouds hand out credentials"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fd00:ec2::/32"), metadata}, // EC2 and EKS
	{netip.MustParsePrefix("fd20:ce::254/128"), metadata},
	{netip.MustParsePrefix("100.100.100.200/32"), metadata}, // Alibaba Cloud
	{netip.MustParsePrefix("192.0.0.192/32"), metadata},     // Oracle Cloud
	{netip.MustParsePrefix("168.63.129.16/32"), metadata},   // Azure, in a public range
	{netip.MustParsePrefix("0.0.0.0/8"), "no address of a machine"},
	{netip.MustParsePrefix("::/128"), "no address of a machine"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},
	{netip.MustParsePrefix("2002::/16"), tunnel},       // 6to4
	{netip.MustParsePrefix("2001::/32"), tunnel},       // Teredo
	{netip.MustParsePrefix("64:ff9b:1::/48"), tunnel},  // NAT64 of one network: where the IPv4 address lies is not known
	{netip.MustParsePrefix("::ffff:0:0:0/96"), tunnel}, // IPv4-translated
	{netip.MustParsePrefix("::/96"), tunnel},           // IPv4-compatible; loopback is judged before
}

const (
	metadata = "a metadata service, which hands out credentials"
	tunnel   = "an IPv6 form that hides an IPv4 address"
)

// judge tells from where an address can be reached, and of one that is not public
// what it is.
func judge(addr netip.Addr) (reach, string) {
	addr = plain(addr)
	if addr.IsLoopback() {
		return loopback, "this machine itself"
	}
	for _, c := range closed {
		if c.prefix.Contains(addr) {
			return never, c.what
		}
	}
	if internet.SafeAddr(addr) != nil {
		return inside, "not a public address"
	}
	return public, ""
}

// plain undoes the ways to write an IPv4 address as an IPv6 one that still reach
// it: mapped, and through NAT64. A zone does not make another address of it.
func plain(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if ssrf.IPv6NAT64Prefix.Contains(addr) {
		b := addr.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return addr
}
