package oidc_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"redrive/pipeline/oidc"
	"redrive/pipeline/oidc/oidctest"
)

func json400(code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":%q,"error_description":"you sent canary-client-secret"}`, code)
	}
}

// badEndpoints are of a provider that answered well when it was discovered. Its keys are
// not known yet.
func badEndpoints() []attempt {
	return []attempt{
		{name: "the token endpoint answers HTML", code: unavailable, part: "JSON object", rig: answer("/token", html(http.StatusOK))},
		{name: "the token endpoint refuses in HTML", code: unavailable, part: "status 403", rig: answer("/token", html(http.StatusForbidden))},
		{name: "the token endpoint redirects", code: unavailable, part: "redirects", rig: answer("/token", elsewhere)},
		{name: "the token endpoint floods", code: unavailable, part: "more than 1048576 bytes", rig: answer("/token", huge)},
		{name: "the token endpoint is broken", code: unavailable, part: "status 500", rig: answer("/token", html(http.StatusInternalServerError))},
		{name: "the token endpoint answers a list", code: unavailable, part: "JSON object", rig: answer("/token", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[]") })},
	}
}

// discoveries are what a provider may say of itself that keeps a sign-in from beginning.
func TestBadDiscovery(t *testing.T) {
	t.Parallel()
	doc := func(key string, value any) func(*oidctest.Provider) {
		return func(fake *oidctest.Provider) { fake.Document = func(d map[string]any) { d[key] = value } }
	}
	discovery := func(h http.HandlerFunc) func(*oidctest.Provider) { return answer(oidctest.Discovery, h) }
	for _, tc := range []struct {
		name, part string
		rig        func(*oidctest.Provider)
	}{
		{"another issuer", `calls itself "https://evil.example.com"`, doc("issuer", "https://evil.example.com")},
		{"an issuer with a slash", `calls itself "https://id.example.com/"`, doc("issuer", "https://id.example.com/")},
		{"no issuer", `calls itself ""`, doc("issuer", nil)},
		{"an issuer with a line break", `calls itself "https: //x"`, doc("issuer", "https:\n//x")},
		{"an endpoint without TLS", "authorization_endpoint", doc("authorization_endpoint", "http://id.example.com/authorize")},
		{"an endpoint on this machine", "token_endpoint", doc("token_endpoint", "http://127.0.0.1/token")},
		{"an endpoint that runs", "authorization_endpoint", doc("authorization_endpoint", "javascript:alert(1)")},
		{"a key list in a file", "jwks_uri", doc("jwks_uri", "file:///etc/passwd")},
		{"no key list", "jwks_uri", doc("jwks_uri", "")},
		{"a logout elsewhere", "end_session_endpoint", doc("end_session_endpoint", "//evil.example.com")},
		{"a password in an endpoint", "token_endpoint", doc("token_endpoint", "https://a:b@id.example.com/token")},
		{"no signature but HS256 and none", "no way of signing", doc("id_token_signing_alg_values_supported", []string{"HS256", "none"})},
		{"no way to send a secret", "client_secret_basic", doc("token_endpoint_auth_methods_supported", []string{"private_key_jwt"})},
		{"a list that is a text", "not understood", doc("scopes_supported", "openid")},
		{"HTML", "JSON object", discovery(html(http.StatusOK))},
		{"not found", "status 404", discovery(http.NotFound)},
		{"a redirect", "redirects", discovery(elsewhere)},
		{"a flood", "more than 1048576 bytes", discovery(huge)},
		{"cut short", "JSON object", discovery(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"issuer":`) })},
		{"a refusal", "cannot be reached", func(fake *oidctest.Provider) { fake.Down(true) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fake := newFake()
			p := provider(t, config(fake))
			tc.rig(fake)
			redirect, flow, err := p.Begin(t.Context())
			wantError(t, err, oidc.CodeUnavailable, tc.part)
			wantNoSecret(t, err, clientSecret)
			if n := fake.Requests("/latest/meta-data"); n > 0 {
				t.Error("a redirect was followed")
			}
			if redirect != "" || flow != (oidc.Flow{}) {
				t.Errorf("an error with %q and %+v", redirect, flow)
			}
			// The next try finds the provider mended.
			fake.Document = nil
			fake.Replace(oidctest.Discovery, nil)
			fake.Down(false)
			mustSignIn(t, p, fake)
		})
	}
}

func TestBadKeyLists(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		code oidc.Code
		part string
		h    http.HandlerFunc
	}{
		{"HTML", oidc.CodeUnavailable, "key list of the identity provider does not answer with a JSON object", html(http.StatusOK)},
		{"a redirect", oidc.CodeUnavailable, "redirects", elsewhere},
		{"a flood", oidc.CodeUnavailable, "more than", huge},
		{"a failure", oidc.CodeUnavailable, "status 500", html(http.StatusInternalServerError)},
		{"no keys", oidc.CodeRefused, "not signed with a key", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }},
		{"a shared secret", oidc.CodeRefused, "not signed with a key", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"keys":[{"kty":"oct","k":"AAAA"}]}`)
		}},
		{"a broken key", oidc.CodeRefused, "not signed with a key", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"keys":[{"kty":"RSA","n":"!","e":"canary-client-secret"}]}`)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fake := newFake()
			p := provider(t, config(fake))
			fake.Replace(oidctest.Keys, tc.h)
			_, err := signIn(t, p, fake)
			wantError(t, err, tc.code, tc.part)
			wantNoSecret(t, err, clientSecret)
			fake.Replace(oidctest.Keys, nil)
			mustSignIn(t, p, fake)
		})
	}
}

func TestRefusedCodes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		error string
		code  oidc.Code
		part  string
	}{
		{"invalid_grant", oidc.CodeRefused, "used up"},
		{"invalid_client", oidc.CodeUnavailable, "client_id and client_secret"},
		{"unsupported_grant_type", oidc.CodeUnavailable, "unsupported_grant_type"},
		{"canary-client-secret", oidc.CodeUnavailable, "no known name"},
		{"", oidc.CodeUnavailable, "no known name"},
	} {
		t.Run(tc.error, func(t *testing.T) {
			t.Parallel()
			fake := newFake()
			p := provider(t, config(fake))
			fake.Replace(oidctest.Token, json400(tc.error))
			_, err := signIn(t, p, fake)
			wantError(t, err, tc.code, tc.part)
			wantNoSecret(t, err, clientSecret)
		})
	}
}

func TestACodeWorksOnce(t *testing.T) {
	t.Parallel()
	fake := newFake()
	p := provider(t, config(fake))
	flow, query := visit(t, p, fake, false)
	if _, err := p.Finish(t.Context(), flow, query); err != nil {
		t.Fatal(err)
	}
	_, err := p.Finish(t.Context(), flow, query)
	wantError(t, err, oidc.CodeRefused, "used up")
}

// Whoever has no role is still named, for the audit.
func TestNoRoleStillSaysWhoItIs(t *testing.T) {
	t.Parallel()
	fake := newFake()
	fake.Claims = merge(t, `{"groups":["staff"]}`)
	who, err := signIn(t, provider(t, config(fake)), fake)
	wantError(t, err, oidc.CodeNoRole, `"oidc:ann" has no role here`)
	if who.Subject != "s-1" || who.Name != "oidc:ann" {
		t.Errorf("got %+v", who)
	}
}

func TestAWrongStateAsksNobody(t *testing.T) {
	t.Parallel()
	fake := newFake()
	p := provider(t, config(fake))
	flow, query := visit(t, p, fake, false)
	query.Set("state", "guessed")
	if _, err := p.Finish(t.Context(), flow, query); err == nil {
		t.Error("signed in")
	}
	if n := fake.Requests(oidctest.Token); n != 0 {
		t.Errorf("the code was tried %d times", n)
	}
}

// A port nobody listens on: the client of this package, not the one of the fake.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer := "http://" + l.Addr().String()
	l.Close()
	p := provider(t, oidc.Config{Issuer: issuer, ClientID: clientID, RedirectURL: redirectURL})
	_, _, err = p.Begin(t.Context())
	wantError(t, err, oidc.CodeUnavailable, "cannot be reached")
	if e, ok := errors.AsType[*net.OpError](err); !ok || !strings.Contains(err.Error(), "refused") {
		t.Errorf("the log does not learn why: %v %v", e, err)
	}
}
