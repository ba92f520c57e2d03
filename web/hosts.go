package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"redrive/handlers/problem"
)

// hosts refuses requests for a host that is not ours. A page of another site can
// make its name lead to a loopback address; it cannot make the browser ask for
// another name. Probes are asked by address and give nothing away.
func (s *site) hosts(next http.Handler) http.Handler {
	names := s.names()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.EscapedPath()
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if path == "/healthz" || path == "/readyz" || names.has(r.Host) || arrivedAt(r.Host, local) {
			next.ServeHTTP(w, r)
			return
		}
		problem.Write(w, r, problem.Problem{Status: http.StatusMisdirectedRequest,
			Detail: "This server does not answer for the host " + problem.Quote(r.Host) + "; add it to allowed_hosts if it should."})
	})
}

// hostNames are the hosts that may be asked for, in lower case; one without a
// port stands for any port.
type hostNames map[string]bool

func (s *site) names() hostNames {
	names := hostNames{"localhost": true}
	for _, host := range s.AllowedHosts {
		names[strings.ToLower(host)] = true
	}
	if s.public != nil {
		names[strings.ToLower(s.public.Hostname())] = true
	}
	if name := bare(s.Listen); name != "" {
		if ip, err := netip.ParseAddr(name); err != nil || !ip.IsUnspecified() {
			names[name] = true
		}
	}
	return names
}

func (n hostNames) has(host string) bool {
	host = strings.ToLower(host)
	name := bare(host)
	if name == "" {
		return false
	}
	if ip, err := netip.ParseAddr(name); err == nil && ip.Unmap().IsLoopback() {
		return true
	}
	return n[name] || n[host] || n["["+name+"]"]
}

// arrivedAt tells whether the host is the very address the request came to, which
// matters when listening on all addresses.
func arrivedAt(host string, local net.Addr) bool {
	tcp, ok := local.(*net.TCPAddr)
	if !ok {
		return false
	}
	ip, err := netip.ParseAddr(bare(host))
	return err == nil && ip.Unmap() == tcp.AddrPort().Addr().Unmap()
}

// bare is a host without port and brackets, in lower case; empty if malformed.
func bare(host string) string {
	host = strings.ToLower(host)
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1]
	}
	if !strings.Contains(host, ":") {
		return host
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil || strings.Trim(port, "0123456789") != "" {
		return ""
	}
	return name
}
