package steps

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// ErrGuarded is wrapped by the error of a dial that DialGuard refused.
var ErrGuarded = errors.New("link-local and metadata addresses are not called")

// DialGuard returns a net.Dialer.Control that refuses the addresses where clouds hand out
// credentials: link-local ones and the metadata services outside that range. It sees the
// address that is really dialled, so a name that resolves to one does not get past it.
// Addresses in allowed pass; loopback and private ones pass anyway, since the host of a
// step is the operator's own choice.
func DialGuard(allowed ...netip.Addr) func(network, address string, c syscall.RawConn) error {
	pass := make([]netip.Addr, len(allowed))
	for i, addr := range allowed {
		pass[i] = plain(addr)
	}
	return func(_, address string, _ syscall.RawConn) error {
		dialled, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("read the address dialled: %w", err)
		}
		addr := plain(dialled.Addr())
		if guarded(addr) && !slices.Contains(pass, addr) {
			return fmt.Errorf("%s: %w", addr, ErrGuarded)
		}
		return nil
	}
}

// plain undoes the ways to write an IPv4 address as IPv6 one: mapped, and through NAT64
// (64:ff9b::/96). A zone does not make another address of it.
func plain(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if b := addr.As16(); addr.Is6() && [12]byte(b[:12]) == [12]byte{0x00, 0x64, 0xff, 0x9b} {
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return addr
}

func guarded(addr netip.Addr) bool {
	if addr.IsLinkLocalUnicast() {
		return true
	}
	b := addr.As16()
	switch {
	case addr.Is6() && [4]byte(b[:4]) == [4]byte{0xfd, 0x00, 0x0e, 0xc2}: // fd00:ec2::/32, EC2 and EKS
		return true
	case addr == netip.AddrFrom16([16]byte{0xfd, 0x20, 0x00, 0xce, 14: 0x02, 15: 0x54}): // fd20:ce::254, Compute Engine
		return true
	default:
		return addr == netip.AddrFrom4([4]byte{100, 100, 100, 200}) // Alibaba Cloud
	}
}
