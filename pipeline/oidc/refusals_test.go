package oidc_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"redrive/pipeline/oidc"
	"redrive/pipeline/oidc/oidctest"
)

// badInputs is how many rows the table has, so that none is lost on the way.
const badInputs = 83

// attempt is one sign-in that has to fail: what the provider does wrong, and what becomes
// of flow and query on the way back.
type attempt struct {
	name   string
	code   oidc.Code
	part   string // of the sentence
	rig    func(*oidctest.Provider)
	config func(*oidc.Config)
	back   func(*oidc.Flow, url.Values)
	fresh  bool
}

func TestEveryBadInputIsRefused(t *testing.T) {
	t.Parallel()
	var all []attempt
	for _, some := range [][]attempt{badAnswers(), badTokens(), badTimes(), badRoles(), badEndpoints()} {
		all = append(all, some...)
	}
	if len(all) != badInputs {
		t.Errorf("there are %d bad inputs, not %d", len(all), badInputs)
	}
	for _, a := range all {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			a.run(t)
		})
	}
}

func (a attempt) run(t *testing.T) {
	fake := newFake()
	var idToken, access string
	fake.Answer = func(tokens map[string]any) {
		idToken, _ = tokens["id_token"].(string)
		access, _ = tokens["access_token"].(string)
	}
	cfg := config(fake)
	if a.config != nil {
		a.config(&cfg)
	}
	p := provider(t, cfg)
	flow, query := visit(t, p, fake, a.fresh) // the provider goes wrong after this, so that discovery is right
	began := flow
	if a.rig != nil {
		a.rig(fake)
		flow, query = visit(t, p, fake, a.fresh)
		began = flow
	}
	code := query.Get("code")
	if a.back != nil {
		a.back(&flow, query)
	}
	who, err := p.Finish(t.Context(), flow, query)
	if err == nil {
		t.Fatalf("signed in: %+v", who)
	}
	wantError(t, err, a.code, a.part)
	if who.Role != "" || a.code != oidc.CodeNoRole && who != (oidc.Identity{}) {
		t.Errorf("an error with %+v", who)
	}
	wantNoSecret(t, err, clientSecret, code, idToken, access, began.State, began.Nonce, began.Verifier)
}

const (
	refused     = oidc.CodeRefused
	noRole      = oidc.CodeNoRole
	unavailable = oidc.CodeUnavailable
)

func set(key, value string) func(*oidc.Flow, url.Values) {
	return func(_ *oidc.Flow, q url.Values) { q.Set(key, value) }
}

// denied is an answer with an error in place of the code.
func denied(code, description string) func(*oidc.Flow, url.Values) {
	return func(_ *oidc.Flow, q url.Values) {
		q.Del("code")
		q.Set("error", code)
		q.Set("error_description", description)
	}
}

func badAnswers() []attempt {
	const other = "another sign-in"
	return []attempt{
		{name: "a wrong state", code: refused, part: other, back: set("state", "guessed")},
		{name: "no state", code: refused, part: other, back: func(_ *oidc.Flow, q url.Values) { q.Del("state") }},
		{name: "an empty state", code: refused, part: other, back: set("state", "")},
		{name: "a state cut short", code: refused, part: other, back: func(f *oidc.Flow, q url.Values) { q.Set("state", f.State[:42]) }},
		{name: "the state of another browser", code: refused, part: other, back: func(f *oidc.Flow, _ url.Values) { f.State = strings.Repeat("x", 43) }},
		{name: "state twice", code: refused, part: "state twice", back: func(f *oidc.Flow, q url.Values) { q["state"] = []string{f.State, f.State} }},
		{name: "code twice", code: refused, part: "code twice", back: func(_ *oidc.Flow, q url.Values) { q.Add("code", "second") }},
		{name: "no flow", code: refused, part: "no sign-in was begun", back: func(f *oidc.Flow, q url.Values) { *f = oidc.Flow{}; q.Set("state", "") }},
		{name: "a wrong iss", code: refused, part: "another identity provider", back: set("iss", "https://evil.example.com")},
		{name: "an iss with a slash", code: refused, part: "another identity provider", back: set("iss", "https://id.example.com/")},
		{name: "an iss that begins right", code: refused, part: "another identity provider", back: set("iss", "https://id.example.com.evil")},
		{name: "an empty iss", code: refused, part: "another identity provider", back: set("iss", "")},
		{name: "iss twice", code: refused, part: "iss twice", back: func(_ *oidc.Flow, q url.Values) { q.Add("iss", "https://evil.example.com") }},
		{name: "no iss although announced", code: refused, part: "does not say which", back: func(_ *oidc.Flow, q url.Values) { q.Del("iss") }},
		{name: "no code", code: refused, part: "no usable code", back: func(_ *oidc.Flow, q url.Values) { q.Del("code") }},
		{name: "a code of a megabyte", code: refused, part: "no usable code", back: set("code", strings.Repeat("c", 1<<20))},
		{name: "a made-up code", code: refused, part: "used up", back: set("code", "' OR 1=1 --")},
		{name: "a wrong verifier", code: refused, part: "used up", back: func(f *oidc.Flow, _ url.Values) { f.Verifier = strings.Repeat("v", 43) }},
		{name: "access denied", code: refused, part: "cancelled", back: denied("access_denied", "")},
		{name: "login required", code: refused, part: "ask you something", back: denied("login_required", "")},
		{name: "a provider in trouble", code: refused, part: "trouble of its own", back: denied("server_error", "")},
		{name: "a client that is set up wrongly", code: refused, part: "invalid_scope", back: denied("invalid_scope", "no\r\nsuch \u202escope")},
		{name: "an error nobody knows", code: refused, part: `refused the sign-in; it says: "<script>`, back: denied("<b>", "<script>"+strings.Repeat("x", 1<<16))},
		{name: "an error besides a code", code: refused, part: "cancelled", back: set("error", "access_denied")},
	}
}

// claim replaces claims of the token; a null takes one out.
func claim(text string) func(*oidctest.Provider) {
	return func(fake *oidctest.Provider) {
		fake.Claims = func(c map[string]any) { apply(c, text) }
	}
}

func merge(t *testing.T, text string) func(map[string]any) {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Fatalf("not JSON: %s", text)
	}
	return func(c map[string]any) { apply(c, text) }
}

func apply(c map[string]any, text string) {
	var changes map[string]any
	if err := json.Unmarshal([]byte(text), &changes); err != nil {
		panic(err)
	}
	maps.Copy(c, changes)
	for key, value := range changes {
		if value == nil {
			delete(c, key)
		}
	}
}

func sign(how func(*oidctest.Provider, map[string]any) string) func(*oidctest.Provider) {
	return func(fake *oidctest.Provider) {
		fake.Sign = func(c map[string]any) string { return how(fake, c) }
	}
}

func badTokens() []attempt {
	const unsigned, stranger, program = "not signed in a way", "not signed with a key", "another program"
	return []attempt{
		{name: "alg none", code: refused, part: unsigned, rig: sign((*oidctest.Provider).Unsigned)},
		{name: "HS256 with the public key", code: refused, part: unsigned, rig: sign((*oidctest.Provider).SignedWithPublicKey)},
		{name: "an unknown key id", code: refused, part: stranger, rig: sign(func(p *oidctest.Provider, c map[string]any) string { return p.SignedByStranger(c, true) })},
		{name: "another key under a known id", code: refused, part: stranger, rig: sign(func(p *oidctest.Provider, c map[string]any) string { return p.SignedByStranger(c, false) })},
		{name: "no token at all", code: unavailable, part: "sent no ID token", rig: sign(func(*oidctest.Provider, map[string]any) string { return "" })},
		{name: "a token that is none", code: refused, part: unsigned, rig: sign(func(*oidctest.Provider, map[string]any) string { return "a.b.c" })},
		{name: "a token of half a megabyte", code: refused, part: unsigned, rig: sign(func(*oidctest.Provider, map[string]any) string { return strings.Repeat(".", 1<<19) })},
		{name: "a token that is a number", code: unavailable, part: "sent no ID token", rig: func(fake *oidctest.Provider) {
			fake.Answer = func(tokens map[string]any) { tokens["id_token"] = 7 }
		}},
		{name: "a wrong nonce", code: refused, part: "another sign-in", rig: claim(`{"nonce":"of somebody else"}`)},
		{name: "no nonce", code: refused, part: "another sign-in", rig: claim(`{"nonce":null}`)},
		{name: "the token of another flow", code: refused, part: "another sign-in", back: func(f *oidc.Flow, _ url.Values) { f.Nonce = strings.Repeat("n", 43) }},
		{name: "a wrong issuer", code: refused, part: "another identity provider", rig: claim(`{"iss":"https://evil.example.com"}`)},
		{name: "an issuer with a slash", code: refused, part: "another identity provider", rig: claim(`{"iss":"https://id.example.com/"}`)},
		{name: "no issuer", code: refused, part: "another identity provider", rig: claim(`{"iss":null}`)},
		{name: "a wrong audience", code: refused, part: program, rig: claim(`{"aud":"other"}`)},
		{name: "an audience that begins right", code: refused, part: program, rig: claim(`{"aud":"redrive-staging"}`)},
		{name: "an audience in capitals", code: refused, part: program, rig: claim(`{"aud":["Redrive"]}`)},
		{name: "no audience", code: refused, part: program, rig: claim(`{"aud":null}`)},
		{name: "several audiences without azp", code: refused, part: program, rig: claim(`{"aud":["redrive","other"]}`)},
		{name: "several audiences, azp another", code: refused, part: program, rig: claim(`{"aud":["redrive","other"],"azp":"other"}`)},
		{name: "one audience, azp another", code: refused, part: program, rig: claim(`{"azp":"other"}`)},
		{name: "azp a number", code: refused, part: program, rig: claim(`{"azp":1}`)},
		{name: "at_hash of another token", code: refused, part: "do not belong together", rig: claim(`{"at_hash":"AAAAAAAAAAAAAAAAAAAAAA"}`)},
		{name: "no subject", code: refused, part: "(sub)", rig: claim(`{"sub":null}`)},
		{name: "a subject of a kilobyte", code: refused, part: "(sub)", rig: claim(`{"sub":"` + strings.Repeat("s", 1024) + `"}`)},
		{name: "a subject that is a number", code: refused, part: "malformed", rig: claim(`{"sub":1}`)},
		{name: "no name that can be shown", code: refused, part: "no name", rig: claim(`{"sub":"\u202e","preferred_username":"\u0000","email":"a\tb"}`)},
	}
}

func seconds(from time.Duration) string { return fmt.Sprint(time.Now().Add(from).Unix()) }

func badTimes() []attempt {
	return []attempt{
		{name: "run out", code: refused, part: "run out", rig: claim(`{"exp":` + seconds(-time.Second) + `}`)},
		{name: "no expiry", code: refused, part: "run out", rig: claim(`{"exp":null}`)},
		{name: "an expiry in words", code: refused, part: "malformed", rig: claim(`{"exp":"tomorrow"}`)},
		{name: "an expiry beyond all numbers", code: refused, part: "run out", rig: claim(`{"exp":1e300}`)},
		{name: "not valid yet", code: refused, part: "not valid yet", rig: claim(`{"nbf":` + seconds(time.Hour) + `}`)},
		{name: "made in the future", code: refused, part: "in the future", rig: claim(`{"iat":` + seconds(time.Hour) + `}`)},
		{name: "made nobody knows when", code: refused, part: "in the future", rig: claim(`{"iat":null}`)},
		{name: "a fresh sign-in that is not", code: refused, part: "did not ask again", fresh: true, rig: claim(`{"auth_time":` + seconds(-6*time.Minute) + `}`)},
		{name: "a fresh sign-in of tomorrow", code: refused, part: "did not ask again", fresh: true, rig: claim(`{"auth_time":` + seconds(time.Hour) + `}`)},
		{name: "a fresh sign-in without a time", code: refused, part: "auth_time", fresh: true, rig: claim(`{"auth_time":null}`)},
		{name: "a fresh sign-in with a time in words", code: refused, part: "auth_time", fresh: true, rig: claim(`{"auth_time":"now"}`)},
	}
}

// byAddress gives a role to exactly one address.
func byAddress(cfg *oidc.Config) {
	cfg.RolesClaim, cfg.Roles = "email", map[string][]string{"admin": {"admin@example.com"}}
}

func badRoles() []attempt {
	const none, absent = "none of the values", "is not in the ID token"
	many, err := json.Marshal(make([]string, 50_000))
	if err != nil {
		panic(err)
	}
	return []attempt{
		{name: "no claim", code: noRole, part: absent, rig: claim(`{"groups":null}`)},
		{name: "an empty list", code: noRole, part: none, rig: claim(`{"groups":[]}`)},
		{name: "a number", code: noRole, part: "neither a text", rig: claim(`{"groups":3}`)},
		{name: "an object", code: noRole, part: "neither a text", rig: claim(`{"groups":{"admin":true}}`)},
		{name: "a list with a number", code: noRole, part: "neither a text", rig: claim(`{"groups":["admin",1]}`)},
		{name: "a list with a null", code: noRole, part: "neither a text", rig: claim(`{"groups":["admin",null]}`)},
		{name: "50,000 entries", code: noRole, part: "more than 10000", rig: claim(`{"groups":` + string(many) + `}`)},
		{name: "in capitals", code: noRole, part: none, rig: claim(`{"groups":["Admin","ADMIN"]}`)},
		{name: "tricks for a regular expression", code: noRole, part: none, rig: claim(`{"groups":["admin\n","^admin$",".*","admin|x","(?i)admin"," admin","admin viewer","administrator"]}`)},
		{name: "letters that look alike", code: noRole, part: none, rig: claim(`{"groups":["аdmin","ａｄｍｉｎ","admin\u0000"]}`)},
		{name: "a claim in capitals", code: noRole, part: absent, rig: claim(`{"groups":null,"Groups":"admin"}`)},
		{name: "an address that goes on", code: noRole, part: none, config: byAddress, rig: claim(`{"email":"admin@example.com.evil"}`)},
		{name: "an address that fits a pattern", code: noRole, part: none, config: byAddress, rig: claim(`{"email":"admin@exampleXcom"}`)},
		{name: "an address nobody verified", code: noRole, part: "not verified", config: byAddress, rig: claim(`{"email":"admin@example.com","email_verified":false}`)},
		{name: "an address of which nobody says whether", code: noRole, part: "not verified", config: byAddress, rig: claim(`{"email":"admin@example.com","email_verified":null}`)},
	}
}

func answer(path string, h http.HandlerFunc) func(*oidctest.Provider) {
	return func(fake *oidctest.Provider) { fake.Replace(path, h) }
}

func html(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprint(w, "<h1>canary-client-secret</h1>")
	}
}

func huge(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, `{"access_token":"%s"}`, strings.Repeat("a", 2<<20))
}

func elsewhere(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusTemporaryRedirect)
}
