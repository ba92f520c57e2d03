package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// dialFor bounds a dial whose caller has left: the transport goes on with it, in
// the hope of another call.
const dialFor = 30 * time.Second

// ErrRefused is wrapped by the error of a dial that a Guard refused.
var ErrRefused = errors.New("the address is not called")

// Refusal says which address was not called and why.
type Refusal struct {
	Host string     // as it was asked for: a name or an address
	Addr netip.Addr // what it stands for
	Why  string     // "a link-local address, ..."
}

func (r *Refusal) Error() string {
	if addr, err := netip.ParseAddr(r.Host); err == nil && addr == r.Addr {
		return fmt.Sprintf("%s is %s", r.Addr, r.Why)
	}
	return fmt.Sprintf("%s stands for %s, %s", r.Host, r.Addr, r.Why)
}

func (r *Refusal) Unwrap() error { return ErrRefused }

// Guard lets the allowed hosts be called wherever they are, and all others at
// public addresses; see the package for what is never called.
type Guard struct {
	hosts  map[string]*atomic.Bool // true: was at a public address
	dialer net.Dialer              // its own ControlContext comes after the guard's
}

// New makes a guard. The allowed are host names and addresses without a port, as
// url.URL.Hostname gives them.
func New(allowed ...string) *Guard {
	g := &Guard{hosts: make(map[string]*atomic.Bool, len(allowed)), dialer: net.Dialer{Timeout: dialFor}}
	for _, host := range allowed {
		g.hosts[key(host)] = new(atomic.Bool)
	}
	return g
}

// key is a host as it is compared: case, a dot at the end and the way an address
// is written make no difference.
func key(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil {
		return plain(addr).String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// DialContext connects, unless the address that the host turns out to have is not
// to be called.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("read the address to call: %w", err)
	}
	dialer := g.dialer
	dialer.ControlContext = func(ctx context.Context, network, address string, c syscall.RawConn) error {
		if err := g.check(host, address); err != nil {
			return err
		}
		if after := g.dialer.ControlContext; after != nil {
			return after(ctx, network, address, c)
		}
		return nil
	}
	return dialer.DialContext(ctx, network, address)
}

// check decides about the address a host turned out to have.
func (g *Guard) check(host, address string) error {
	connected, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q cannot be read", ErrRefused, address)
	}
	addr := connected.Addr()
	from, what := judge(addr)
	wasPublic, allowed := g.hosts[key(host)]
	switch {
	case from == never:
	case from == public:
		if allowed {
			wasPublic.Store(true)
		}
		return nil
	case !allowed:
		what += ", and the host is not in the configuration"
	case from == loopback && wasPublic.Load():
		what += ", and was at a public address before; restart if it has really moved"
	default:
		return nil
	}
	return &Refusal{Host: host, Addr: addr, Why: what}
}

// CheckHost refuses a host that could never be called: an address that is closed to
// everybody, or a number that some resolvers read as an address and others do not.
// Of a name only the dial can tell.
func CheckHost(host string) error {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		if endsInNumber(host) {
			return errors.New("is neither a name nor a whole address")
		}
		return nil
	}
	if from, what := judge(addr); from == never {
		return errors.New("is " + what + ", which is never called")
	}
	return nil
}

// endsInNumber is how the URL standard tells addresses from names: 127.1,
// 0x7f000001 and 2130706433 are the former.
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	digits, alphabet := last, "0123456789"
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		digits, alphabet = hex, "0123456789abcdef"
	}
	return last != "" && strings.Trim(digits, alphabet) == ""
}
