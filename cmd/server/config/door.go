package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// checkDoor looks at who can reach the listener and what they are asked for.
func (r *reader) checkDoor(s *section, c *Config) {
	r.openDoor(s, c)
	r.checkCallback(s, c)
	r.warnUnencrypted(s, c)
	r.warnUnasked(s, c)
	r.warnIntake(c)
}

// openDoor refuses to answer other machines while anybody who asks is let in.
func (r *reader) openDoor(s *section, c *Config) {
	if loopback(c.Listen) || c.Auth.Enabled() {
		return
	}
	wrong := quote(c.Listen) + " can be reached from other machines and there is no auth section that says who may come in"
	if len(c.Auth.IngestKeys) > 0 {
		wrong = quote(c.Listen) + " can be reached from other machines and auth has ingest_keys alone, which keep nobody out of the console"
	}
	right := "add auth: {local: true} or auth: {oidc: {issuer: ...}}, or listen on 127.0.0.1 and put nothing in front of it"
	if r.over.Listen != "" {
		r.mistakeAt("--listen", wrong, right)
		return
	}
	e, _ := s.get("listen")
	r.mistake(e.line, right, "listen %s", wrong)
}

// checkCallback looks whether the provider can send people back.
func (r *reader) checkCallback(s *section, c *Config) {
	if c.Auth.OIDC == nil || c.PublicURL != "" || loopback(c.Listen) {
		return
	}
	e, _ := s.get("auth")
	r.mistake(e.line, "add public_url: https://redrive.example.com, as people see it", "oidc has no address to send people back to: public_url is left out and listen %s is no loopback address", quote(c.Listen))
}

// loopback is strict: of names only localhost, of addresses no form that
// another reader of it might take for something else.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() && !ip.Is4In6() && ip.Zone() == ""
}

// warnUnencrypted warns of passwords and sessions on the network without TLS, which
// only a proxy can bring.
func (r *reader) warnUnencrypted(s *section, c *Config) {
	e, given := s.get("public_url")
	u, err := url.Parse(c.PublicURL)
	switch {
	case !c.Auth.Enabled() || err != nil || u.Scheme == "https":
	case given && c.PublicURL != "" && !isLoopback(u.Hostname()):
		r.warn(e.line, "public_url %s is not https: passwords and sessions can be read on the way", quote(c.PublicURL))
	case !loopback(c.Listen):
		e, _ = s.get("listen")
		r.warn(e.line, "listen %s is plain http: put a proxy with TLS in front and write its address as public_url: https://..., else passwords and sessions can be read on the way", quote(c.Listen))
	}
}

// warnUnasked warns of a console that others are sent to and nobody guards.
func (r *reader) warnUnasked(s *section, c *Config) {
	u, err := url.Parse(c.PublicURL)
	if c.PublicURL == "" || err != nil || isLoopback(u.Hostname()) || c.Auth.Enabled() {
		return
	}
	e, _ := s.get("public_url")
	r.warn(e.line, "public_url %s is for other machines and there is no auth section: whoever reaches it may do everything", quote(c.PublicURL))
}

// warnIntake warns of pipelines that take rows from whoever reaches them.
func (r *reader) warnIntake(c *Config) {
	if loopback(c.Listen) || c.Only == "workers" {
		return
	}
	for _, p := range c.Pipelines {
		keyed := slices.ContainsFunc(c.Auth.IngestKeys, func(k IngestKey) bool { return k.Pipeline == p.Name })
		if p.Intake.Signature.Scheme == "none" && !keyed {
			r.warn(r.pipelines[p.Name], "pipeline %q has neither a signature nor an ingest key: whoever reaches %s can send rows to it", p.Name, c.Listen)
		}
	}
}

// warnProxies warns of ranges in which there may be more than proxies.
func (r *reader) warnProxies(s *section, proxies []netip.Prefix) {
	e, _ := s.get("trusted_proxies")
	for _, p := range proxies {
		switch {
		case p.Bits() == 0:
			r.warn(e.line, "trusted_proxies %s lets every caller choose the address it is seen under", p)
		case wide(p):
			r.warn(e.line, "trusted_proxies %s is wide: whoever has an address in it can choose the one it is seen under", p)
		}
	}
}

// wide is true of what is larger than a private network, and of what is larger
// than one site of the open internet.
func wide(p netip.Prefix) bool {
	private, public := 8, 16
	if p.Addr().Is6() {
		private, public = 7, 32
	}
	if p.Addr().IsPrivate() || p.Addr().IsLoopback() {
		return p.Bits() < private
	}
	return p.Bits() < public
}
