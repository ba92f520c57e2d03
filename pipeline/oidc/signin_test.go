package oidc_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"redrive/pipeline/oidc"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	fake := newFake()
	who := mustSignIn(t, provider(t, config(fake)), fake)
	if age := time.Since(who.AuthTime); age < 0 || age > time.Minute {
		t.Errorf("signed in %v ago", age)
	}
	who.AuthTime = time.Time{}
	if want := (oidc.Identity{Subject: "s-1", Name: "oidc:ann", Role: "operator", SessionID: "session-1"}); who != want {
		t.Errorf("got %+v, want %+v", who, want)
	}
}

// Over real connections, with the client this package makes.
func TestSignInOverTheNetwork(t *testing.T) {
	t.Parallel()
	fake := newFake()
	fake.Rotate("RS256")
	fake.Start(t)
	cfg := config(fake)
	cfg.Transport = nil
	if who := mustSignIn(t, provider(t, cfg), fake); who.Name != "oidc:ann" {
		t.Errorf("got %+v", who)
	}
}

func TestTheRequestIsWhatTheProtocolAsksFor(t *testing.T) {
	t.Parallel()
	fake := newFake()
	p := provider(t, config(fake))
	address, flow, err := p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for key, want := range map[string]string{
		"response_type": "code", "client_id": clientID, "redirect_uri": redirectURL, "scope": "openid profile email groups",
		"state": flow.State, "nonce": flow.Nonce, "code_challenge_method": "S256", "prompt": "", "max_age": "",
	} {
		if q.Get(key) != want {
			t.Errorf("%s is %q, want %q", key, q.Get(key), want)
		}
	}
	wantNoSecret(t, &oidc.Error{Text: address}, flow.Verifier, clientSecret)
	_, other, err := p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range []string{flow.State, flow.Nonce, flow.Verifier, other.State, other.Nonce, other.Verifier} {
		if len(s) != 43 || seen[s] {
			t.Errorf("%q is not 256 bits of its own", s)
		}
		seen[s] = true
	}
}

func TestAFreshSignInAsksTheProviderToAsk(t *testing.T) {
	t.Parallel()
	address, flow, err := provider(t, config(newFake())).BeginFresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if q := u.Query(); err != nil || q.Get("prompt") != "login" || q.Get("max_age") != "0" || !flow.Fresh {
		t.Errorf("got %s, %+v, %v", address, flow, err)
	}
}

func TestTheSecretIsSentAsTheProviderWantsIt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		methods any
		basic   bool
	}{
		{"nothing announced", nil, true},
		{"both", []string{"client_secret_post", "client_secret_basic"}, true},
		{"post alone", []string{"client_secret_post", "private_key_jwt"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fake := newFake()
			fake.Document = func(doc map[string]any) {
				doc["token_endpoint_auth_methods_supported"] = tc.methods
				if tc.methods == nil {
					delete(doc, "token_endpoint_auth_methods_supported")
				}
			}
			p := provider(t, config(fake))
			mustSignIn(t, p, fake)
			fake.Replace("/token", func(w http.ResponseWriter, r *http.Request) {
				if _, _, ok := r.BasicAuth(); ok != tc.basic {
					t.Errorf("basic authentication: %v", ok)
				}
				http.Error(w, "{}", http.StatusBadRequest)
			})
			flow, query := visit(t, p, fake, false)
			if _, err := p.Finish(t.Context(), flow, query); err == nil {
				t.Error("signed in")
			}
			if n := fake.Requests("/token"); n != 2 {
				t.Errorf("two codes were sent %d times", n)
			}
		})
	}
}

func TestAPublicClientHasNoSecret(t *testing.T) {
	t.Parallel()
	fake := newFake()
	fake.ClientSecret = ""
	cfg := config(fake)
	cfg.ClientSecret = ""
	mustSignIn(t, provider(t, cfg), fake)
}

func TestKeysMayRotate(t *testing.T) {
	t.Parallel()
	fake := newFake()
	p := provider(t, config(fake))
	for _, change := range []func(){
		func() {},
		func() { fake.AddKey("ES256") },
		func() { fake.AddKey("RS256") },
		func() { fake.Rotate("ES256") },
	} {
		change()
		mustSignIn(t, p, fake)
	}
	if n := fake.Requests("/keys"); n != 4 {
		t.Errorf("the keys were asked for %d times", n)
	}
}

func TestTheHighestRoleWins(t *testing.T) {
	t.Parallel()
	mapped := map[string][]string{"admin": {"platform", "root"}, "viewer": {"everybody"}}
	for _, tc := range []struct {
		name  string
		roles map[string][]string
		claim any
		want  string
	}{
		{"a text", nil, "viewer", "viewer"},
		{"a list", nil, []string{"viewer", "admin", "operator"}, "admin"},
		{"mapped", mapped, []string{"everybody", "root"}, "admin"},
		{"mapped, the lower", mapped, []string{"everybody"}, "viewer"},
		{"mapped, so the name of a role gives none", mapped, []string{"admin"}, ""},
		{"a role without values", mapped, []string{"operator"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fake := newFake()
			fake.Claims = func(c map[string]any) { c["groups"] = tc.claim }
			cfg := config(fake)
			cfg.Roles = tc.roles
			who, err := signIn(t, provider(t, cfg), fake)
			if who.Role != tc.want || (err == nil) != (tc.want != "") {
				t.Errorf("got %q, %v", who.Role, err)
			}
		})
	}
}

func TestTheClaimMayLieDeep(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ path, claims string }{
		{"realm_access.roles", `{"realm_access":{"roles":["operator"]}}`},
		{"resource_access.redrive.example.com.roles", `{"resource_access":{"redrive.example.com":{"roles":["operator"]}}}`},
		{"https://example.com/roles", `{"https://example.com/roles":"operator"}`},
		{"a.b", `{"a.b":"operator","a":{"b":"admin"}}`},
	} {
		t.Run(tc.path, func(t *testing.T) {
			t.Parallel()
			fake := newFake()
			fake.Claims = merge(t, tc.claims)
			cfg := config(fake)
			cfg.RolesClaim = tc.path
			if who := mustSignIn(t, provider(t, cfg), fake); who.Role != "operator" {
				t.Errorf("got %+v", who)
			}
		})
	}
}

func TestANameIsNeverThatOfALocalUser(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, claims, want string }{
		{"the user name", `{}`, "oidc:ann"},
		{"the address", `{"preferred_username":""}`, "oidc:ann@example.com"},
		{"an address verified in words", `{"preferred_username":null,"email_verified":"true"}`, "oidc:ann@example.com"},
		{"not an unverified address", `{"preferred_username":7,"email_verified":false}`, "oidc:s-1"},
		{"not one nobody speaks of", `{"preferred_username":[],"email_verified":null}`, "oidc:s-1"},
		{"nor one that is nearly verified", `{"preferred_username":{},"email_verified":"TRUE"}`, "oidc:s-1"},
		{"not a name that turns around", `{"preferred_username":"\u202enna"}`, "oidc:ann@example.com"},
		{"nor one of two lines", `{"preferred_username":"ann\nadmin"}`, "oidc:ann@example.com"},
		{"nor one with an end that cannot be seen", `{"preferred_username":"ann "}`, "oidc:ann@example.com"},
		{"prefixed twice rather than never", `{"preferred_username":"oidc:bob"}`, "oidc:oidc:bob"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fake := newFake()
			fake.Claims = merge(t, tc.claims)
			if who := mustSignIn(t, provider(t, config(fake)), fake); who.Name != tc.want {
				t.Errorf("got %q, want %q", who.Name, tc.want)
			}
		})
	}
}

func TestEndSession(t *testing.T) {
	t.Parallel()
	fake := newFake()
	p := provider(t, config(fake))
	got, err := p.EndSession(t.Context(), "https://redrive.example.com/login")
	if want := "https://id.example.com/logout?client_id=redrive&post_logout_redirect_uri=https%3A%2F%2Fredrive.example.com%2Flogin"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	fake.Document = func(doc map[string]any) { doc["end_session_endpoint"] = "https://id.example.com/out?a=b" }
	if got, err := provider(t, config(fake)).EndSession(t.Context(), ""); err != nil || got != "https://id.example.com/out?a=b&client_id=redrive" {
		t.Errorf("got %q, %v", got, err)
	}
	fake.Document = func(doc map[string]any) { delete(doc, "end_session_endpoint") }
	if got, err := provider(t, config(fake)).EndSession(t.Context(), ""); err != nil || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
}
