package oidc_test

import (
	"strings"
	"testing"

	"redrive/pipeline/oidc"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	good := oidc.Config{Issuer: "https://id.example.com", ClientID: "redrive", RedirectURL: "https://redrive.example.com/login/oidc"}
	for _, tc := range []struct {
		name   string
		change func(*oidc.Config)
		want   string // "" for a configuration that can be used
	}{
		{"the least", func(*oidc.Config) {}, ""},
		{"a realm", func(c *oidc.Config) { c.Issuer = "https://id.example.com/realms/ops/" }, ""},
		{"loopback", func(c *oidc.Config) { c.Issuer = "http://127.0.0.1:9000" }, ""},
		{"loopback by name", func(c *oidc.Config) { c.Issuer = "http://localhost:9000" }, ""},
		{"loopback of the other kind", func(c *oidc.Config) { c.Issuer = "http://[::1]:9000" }, ""},
		{"no TLS", func(c *oidc.Config) { c.Issuer = "http://id.example.com" }, "https://"},
		{"nearly loopback", func(c *oidc.Config) { c.Issuer = "http://127.0.0.1.example.com" }, "https://"},
		{"no issuer", func(c *oidc.Config) { c.Issuer = "" }, "issuer"},
		{"a host alone", func(c *oidc.Config) { c.Issuer = "id.example.com" }, "issuer"},
		{"a file", func(c *oidc.Config) { c.Issuer = "file:///etc/passwd" }, "issuer"},
		{"a query", func(c *oidc.Config) { c.Issuer = "https://id.example.com?tenant=x" }, "issuer"},
		{"a user", func(c *oidc.Config) { c.Issuer = "https://a:b@id.example.com" }, "issuer"},
		{"no client", func(c *oidc.Config) { c.ClientID = "" }, "client_id"},
		{"nowhere to come back to", func(c *oidc.Config) { c.RedirectURL = "/login/oidc" }, "public_url"},
		{"to come back to a script", func(c *oidc.Config) { c.RedirectURL = "javascript://x/" }, "public_url"},
		{"too deep a claim", func(c *oidc.Config) { c.RolesClaim = strings.Repeat("a.", 9) }, "more than 8 dots"},
		{"a role of its own", func(c *oidc.Config) { c.Roles = map[string][]string{"root": {"x"}} }, `"root" is no role`},
		{"a role for nothing", func(c *oidc.Config) { c.Roles = map[string][]string{"admin": {"x", ""}} }, "empty value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			tc.change(&cfg)
			_, err := oidc.New(cfg)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
