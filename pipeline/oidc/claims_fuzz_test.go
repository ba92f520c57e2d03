package oidc

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzClaims holds the reader of claims to what it promises of any token: a role only
// where the claim holds its exact value, and a name that can be shown.
func FuzzClaims(f *testing.F) {
	for _, seed := range []struct{ path, text string }{
		{"groups", `{"groups":["admin"],"preferred_username":"ann"}`},
		{"groups", `{"groups":"viewer","email":"a@b","email_verified":"true"}`},
		{"realm_access.roles", `{"realm_access":{"roles":["operator"]}}`},
		{"a.b.c", `{"a.b":{"c":"admin"},"a":{"b.c":"viewer"}}`},
		{"email", `{"email":"admin","email_verified":false}`},
		{"groups", `{"groups":[null,1,{}],"auth_time":1e400,"sid":{}}`},
		{"..", `{"":{"":{"":"admin"}}}`},
	} {
		f.Add(seed.path, seed.text)
	}
	f.Fuzz(func(t *testing.T, path, text string) {
		p, err := New(Config{Issuer: "https://id.example.com", ClientID: "x", RedirectURL: "https://x.example.com/", RolesClaim: path})
		if err != nil {
			return // too deep
		}
		var c claims
		if json.Unmarshal([]byte(text), &c) != nil {
			return
		}
		who, err := p.person("subject", c)
		if (err == nil) != (who.Role != "") {
			t.Fatalf("role %q with error %v", who.Role, err)
		}
		name, prefixed := strings.CutPrefix(who.Name, Prefix)
		hidden := func(r rune) bool { return !unicode.IsPrint(r) }
		if !prefixed || name == "" || strings.ContainsFunc(name, hidden) || utf8.RuneCountInString(name) > mostName {
			t.Errorf("name %q", who.Name)
		}
		if err == nil && !holds(c, who.Role) {
			t.Errorf("%q gave the role %s", text, who.Role)
		}
	})
}

// holds tells whether a text of exactly this value is anywhere in the claims.
func holds(v any, want string) bool {
	switch v := v.(type) {
	case claims:
		for _, raw := range v {
			var inner any
			if json.Unmarshal(raw, &inner) == nil && holds(inner, want) {
				return true
			}
		}
	case map[string]any:
		for _, inner := range v {
			if holds(inner, want) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return holds(inner, want) })
	case string:
		return v == want
	}
	return false
}
