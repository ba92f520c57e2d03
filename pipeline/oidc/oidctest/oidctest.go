// Package oidctest is an OpenID Connect provider for tests: it signs in whoever a test
// says, at once, and can be made to answer wrongly in every place.
//
// It knows one client and holds it to the protocol: an exact redirect address, PKCE with
// S256, a code that works once.
package oidctest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Paths of the endpoints, for Replace.
const (
	Discovery  = "/.well-known/openid-configuration"
	Authorize  = "/authorize"
	Token      = "/token"
	Keys       = "/keys"
	EndSession = "/logout"
)

// Provider is the provider. Its exported fields may be set before it is asked.
type Provider struct {
	Issuer       string // set by Start
	ClientID     string
	ClientSecret string
	RedirectURL  string

	// Document changes the discovery document, Claims those of an ID token that is about
	// to be signed, Answer that of the token endpoint, Back the query the browser takes
	// back. Each may be nil.
	Document func(doc map[string]any)
	Claims   func(claims map[string]any)
	Answer   func(tokens map[string]any)
	Back     func(query url.Values)
	// Sign makes the ID token in place of the provider's current key.
	Sign func(claims map[string]any) string

	mu       sync.Mutex
	person   map[string]any
	askedAt  time.Time // when person last proved who they are
	codes    map[string]grant
	keys     []key
	replaced map[string]http.HandlerFunc
	down     bool
	requests map[string]int
}

// grant is what a code stands for.
type grant struct {
	challenge, nonce string
	person           map[string]any
	askedAt          time.Time
	used             bool
}

// New makes a provider with one client and a key for ES256. Its issuer is one that only
// Transport can reach; Start gives it another.
func New(clientID, clientSecret, redirectURL string) *Provider {
	return &Provider{
		Issuer: "https://id.example.com", ClientID: clientID, ClientSecret: clientSecret, RedirectURL: redirectURL,
		codes: map[string]grant{}, keys: []key{newKey("ES256")}, replaced: map[string]http.HandlerFunc{}, requests: map[string]int{},
	}
}

// Start serves the provider on loopback until the test ends and answers its issuer.
func (p *Provider) Start(t testing.TB) string {
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.Issuer = server.URL
	return server.URL
}

// SignIn says who is at the browser from now on: claims with at least a sub. They prove
// who they are at their first authorization, and at each that asks for it.
func (p *Provider) SignIn(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.person, p.askedAt = claims, time.Time{}
}

// Replace lets an endpoint be answered by h; nil gives it back.
func (p *Provider) Replace(path string, h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replaced[path] = h
	if h == nil {
		delete(p.replaced, path)
	}
}

// Down lets Transport refuse connections, or take them again.
func (p *Provider) Down(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Requests counts what was asked of an endpoint.
func (p *Provider) Requests(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[path]
}

func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.requests[r.URL.Path]++
	instead := p.replaced[r.URL.Path]
	p.mu.Unlock()
	switch {
	case instead != nil:
		instead(w, r)
	case r.URL.Path == Discovery:
		p.discovery(w)
	case r.URL.Path == Keys:
		p.keyList(w)
	case r.URL.Path == Authorize:
		p.authorize(w, r)
	case r.URL.Path == Token && r.Method == http.MethodPost:
		p.token(w, r)
	case r.URL.Path == EndSession:
		p.SignIn(nil)
		http.Redirect(w, r, r.URL.Query().Get("post_logout_redirect_uri"), http.StatusSeeOther)
	default:
		http.NotFound(w, r)
	}
}

func (p *Provider) discovery(w http.ResponseWriter) {
	doc := map[string]any{
		"issuer":                                         p.Issuer,
		"authorization_endpoint":                         p.Issuer + Authorize,
		"token_endpoint":                                 p.Issuer + Token,
		"jwks_uri":                                       p.Issuer + Keys,
		"end_session_endpoint":                           p.Issuer + EndSession,
		"response_types_supported":                       []string{"code"},
		"subject_types_supported":                        []string{"public"},
		"code_challenge_methods_supported":               []string{"S256"},
		"scopes_supported":                               []string{"openid", "profile", "email", "groups"},
		"id_token_signing_alg_values_supported":          []string{"RS256", "ES256"},
		"token_endpoint_auth_methods_supported":          []string{"client_secret_basic", "client_secret_post"},
		"authorization_response_iss_parameter_supported": true,
	}
	if p.Document != nil {
		p.Document(doc)
	}
	writeJSON(w, http.StatusOK, doc)
}

// authorize sends the browser back at once, with a code for whoever is at it.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != p.ClientID || q.Get("redirect_uri") != p.RedirectURL {
		http.Error(w, "an unknown client, or another redirect address than it registered", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": q["state"], "iss": {p.Issuer}}
	if why := p.fault(q); why != "" {
		back.Set("error", why)
	} else {
		back.Set("code", p.grant(q))
	}
	if p.Back != nil {
		p.Back(back)
	}
	http.Redirect(w, r, p.RedirectURL+"?"+back.Encode(), http.StatusFound)
}

// fault is the error code of an authorization that is not given.
func (p *Provider) fault(q url.Values) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case q.Get("response_type") != "code", q.Get("state") == "", q.Get("nonce") == "",
		q.Get("code_challenge_method") != "S256", len(q.Get("code_challenge")) != 43:
		return "invalid_request"
	case !strings.Contains(" "+q.Get("scope")+" ", " openid "):
		return "invalid_scope"
	case p.person == nil:
		return "access_denied"
	}
	return ""
}

func (p *Provider) grant(q url.Values) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.askedAt.IsZero() || q.Get("prompt") == "login" || q.Get("max_age") == "0" {
		p.askedAt = time.Now()
	}
	code := random()
	p.codes[code] = grant{challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), person: p.person, askedAt: p.askedAt}
	return code
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if ok {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != p.ClientID || secret != p.ClientSecret {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	g, ok := p.redeem(r)
	if !ok {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	access := random()
	tokens := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": p.idToken(g, access)}
	if p.Answer != nil {
		p.Answer(tokens)
	}
	writeJSON(w, http.StatusOK, tokens)
}

// redeem uses a code up.
func (p *Provider) redeem(r *http.Request) (grant, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	code := r.PostFormValue("code")
	g, known := p.codes[code]
	used := g.used
	g.used = true
	p.codes[code] = g
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	return g, known && !used && r.PostFormValue("grant_type") == "authorization_code" && r.PostFormValue("redirect_uri") == p.RedirectURL &&
		subtle.ConstantTimeCompare([]byte(challenge), []byte(g.challenge)) == 1
}

func (p *Provider) idToken(g grant, access string) string {
	half := sha256.Sum256([]byte(access))
	now := time.Now()
	claims := map[string]any{
		"iss": p.Issuer, "aud": p.ClientID, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"nonce": g.nonce, "auth_time": g.askedAt.Unix(), "sid": "session-1",
		"at_hash": base64.RawURLEncoding.EncodeToString(half[:16]),
	}
	maps.Copy(claims, g.person)
	if p.Claims != nil {
		p.Claims(claims)
	}
	if p.Sign != nil {
		return p.Sign(claims)
	}
	return p.currentKey().sign(claims)
}

func refuse(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]any{"error": code})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text) //nolint:errcheck // only the test would read it
}
