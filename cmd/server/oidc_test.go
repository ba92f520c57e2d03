package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"redrive/pipeline/oidc/oidctest"
)

// visitor is a browser that keeps cookies, also those for secure lines alone.
type visitor struct {
	p       *testProgram
	cookies map[string]string
}

func (v *visitor) get(address string) *http.Response {
	v.p.t.Helper()
	r, err := http.NewRequestWithContext(v.p.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		v.p.t.Fatal(err)
	}
	if strings.HasPrefix(address, v.p.url) {
		for name, value := range v.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	answer, err := v.p.client.Do(r)
	if err != nil {
		v.p.t.Fatal(err)
	}
	v.p.t.Cleanup(func() { _ = answer.Body.Close() })
	for _, c := range answer.Cookies() {
		v.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return answer
}

// signIn goes to the provider and back; answer is what the console says then.
func (v *visitor) signIn(from string) (answer *http.Response, query url.Values) {
	v.p.t.Helper()
	begun := v.get(v.p.url + from)
	there := v.get(begun.Header.Get("Location"))
	back, err := url.Parse(there.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(back.String(), "https://redrive.example.com/login/callback?") {
		v.p.t.Fatalf("the provider sends to %q (%v), after status %d from %s", back, err, there.StatusCode, begun.Header.Get("Location"))
	}
	return v.get(v.p.url + "/login/callback?" + back.RawQuery), back.Query()
}

// actor asks who the console takes the browser for.
func (v *visitor) actor() string {
	v.p.t.Helper()
	answer := v.get(v.p.url + "/api/v1/audit?action=login.do&limit=1")
	if answer.StatusCode != http.StatusOK {
		return answer.Status
	}
	var doc struct {
		Entries []struct{ Actor, Role string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&doc); err != nil || len(doc.Entries) != 1 {
		v.p.t.Fatal(err, doc)
	}
	return doc.Entries[0].Actor
}

func TestSignInAtAProvider(t *testing.T) {
	t.Parallel()
	provider := oidctest.New("redrive", "a secret of the client", "https://redrive.example.com/login/callback")
	issuer := provider.Start(t)
	p := newProgram(t)
	p.start(configuration([]string{step("call")}, "public_url: https://redrive.example.com",
		`auth: {oidc: {issuer: "`+issuer+`", client_secret: "a secret of the client", roles: {viewer: [staff], operator: [on-call]}}}`))
	visit := func(claims map[string]any) *visitor {
		provider.SignIn(claims)
		return &visitor{p: p, cookies: map[string]string{}}
	}

	ann := visit(map[string]any{"sub": "1", "preferred_username": "ann", "groups": []string{"staff", "on-call"}})
	page := ann.get(p.url + "/dead-letters?step=call")
	equal(t, "without a session", page.Header.Get("Location"), "/login?next=%2Fdead-letters%3Fstep%3Dcall")
	in, query := ann.signIn("/login/oidc?next=%2Fdead-letters%3Fstep%3Dcall")
	equal(t, "after the sign-in", in.Header.Get("Location"), "/dead-letters?step=call")
	equal(t, "who", ann.actor(), "oidc:ann")

	again := ann.get(p.url + "/login/callback?" + query.Encode())
	equal(t, "the same answer once more", again.StatusCode, http.StatusUnauthorized)
	stranger := &visitor{p: p, cookies: map[string]string{}}
	equal(t, "the answer in another browser", stranger.get(p.url+"/login/callback?"+query.Encode()).StatusCode, http.StatusUnauthorized)
	equal(t, "who is that", stranger.actor(), "401 Unauthorized")

	bob := visit(map[string]any{"sub": "2", "preferred_username": "bob", "groups": []string{"on-call.evil", "ON-CALL", "staff "}})
	in, _ = bob.signIn("/login/oidc")
	equal(t, "without one of the groups", in.StatusCode, http.StatusForbidden)
	equal(t, "who is bob", bob.actor(), "401 Unauthorized")

	eve := visit(map[string]any{"sub": "3", "preferred_username": "ann", "groups": []string{"on-call"}})
	in, _ = eve.signIn("/login/oidc")
	equal(t, "somebody else with the name", in.StatusCode, http.StatusForbidden)

	left := visit(map[string]any{"sub": "1", "preferred_username": "ann", "groups": "staff"})
	in, _ = left.signIn("/login/oidc?next=//evil.example/x")
	equal(t, "where a foreign next leads", in.Header.Get("Location"), "/")
	equal(t, "the session with the old role", ann.actor(), "401 Unauthorized")
	equal(t, "may a viewer sweep", left.post("/api/v1/sweeps"), http.StatusForbidden)
}

func (v *visitor) post(path string) int {
	v.p.t.Helper()
	r, err := http.NewRequestWithContext(v.p.t.Context(), http.MethodPost, v.p.url+path, strings.NewReader("{}"))
	if err != nil {
		v.p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer, err := v.p.client.Do(r)
	if err != nil {
		v.p.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // only its status counts
	return answer.StatusCode
}

// The program starts while the provider is away, and says so to who wants in.
func TestAProviderThatIsAway(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("call")}, "public_url: https://redrive.example.com",
		`auth: {oidc: {issuer: "http://127.0.0.1:1", client_secret: "a secret of the client"}}`))
	v := &visitor{p: p, cookies: map[string]string{}}
	equal(t, "status", v.get(p.url+"/login/oidc").StatusCode, http.StatusServiceUnavailable)
	equal(t, "the page of signing in", v.get(p.url+"/login").StatusCode, http.StatusOK)
}
