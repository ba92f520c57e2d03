package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// freshFor is how long what the provider says of itself is believed. It bounds how long
// a key the provider has withdrawn is still taken, too.
const freshFor = time.Hour

// algorithms are the signatures that can be checked with a public key. Neither none nor
// the HS ones are: whoever knows the public key could make the latter.
var algorithms = []string{
	gooidc.RS256, gooidc.RS384, gooidc.RS512, gooidc.PS256, gooidc.PS384, gooidc.PS512,
	gooidc.ES256, gooidc.ES384, gooidc.ES512, gooidc.EdDSA,
}

// metadata is what the provider says of itself.
type metadata struct {
	document
	oauth  oauth2.Config
	keys   *gooidc.RemoteKeySet
	readAt time.Time
}

// document is what is read of it besides the endpoints go-oidc knows.
type document struct {
	JWKS        string   `json:"jwks_uri"`
	EndSession  string   `json:"end_session_endpoint"`
	Algorithms  []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	Scopes      []string `json:"scopes_supported"`
	NamesItself bool     `json:"authorization_response_iss_parameter_supported"`
}

// metadata answers what is known of the provider, and asks if that is nothing or old.
// Where asking fails, old is better than nothing.
func (p *Provider) metadata(ctx context.Context) (*metadata, error) {
	p.mu.Lock()
	known := p.known
	p.mu.Unlock()
	if known != nil && time.Since(known.readAt) < freshFor {
		return known, nil
	}
	found, err := p.ask(ctx)
	if err != nil && known != nil && ctx.Err() == nil {
		return known, nil
	}
	return found, err
}

// ask reads the discovery document, once for all who wait for it.
func (p *Provider) ask(ctx context.Context) (*metadata, error) {
	answer := p.asking.DoChan("", func() (any, error) {
		m, err := p.discover(context.WithoutCancel(ctx)) // ended by the client's own deadline
		if err == nil {
			p.mu.Lock()
			p.known = m
			p.mu.Unlock()
		}
		return m, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-answer:
		m, _ := r.Val.(*metadata)
		return m, r.Err
	}
}

func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	what := "the discovery document of the identity provider " + p.cfg.Issuer
	ctx = gooidc.ClientContext(ctx, p.client)
	remote, err := gooidc.NewProvider(ctx, p.cfg.Issuer)
	if wrong, ok := errors.AsType[*gooidc.IssuerMismatchError](err); ok {
		return nil, unavailable(fmt.Sprintf("the identity provider at %s calls itself %q; the configured issuer has to be written exactly so", p.cfg.Issuer, clean(wrong.Discovered)), nil)
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return nil, unreached(ctx, what, err)
	}
	if err != nil {
		return nil, unavailable(what+" is not understood", err)
	}
	m := &metadata{readAt: time.Now()}
	if err := remote.Claims(&m.document); err != nil {
		return nil, unavailable(what+" is not understood", err)
	}
	if err := p.complete(m, remote.Endpoint()); err != nil {
		return nil, unavailable(what+" "+err.Error(), nil)
	}
	m.keys = gooidc.NewRemoteKeySet(ctx, m.JWKS)
	return m, nil
}

// complete checks the document and draws its conclusions. Its errors end a sentence.
func (p *Provider) complete(m *metadata, endpoint oauth2.Endpoint) error {
	for _, e := range []struct {
		key, address string
		optional     bool
	}{
		{"authorization_endpoint", endpoint.AuthURL, false},
		{"token_endpoint", endpoint.TokenURL, false},
		{"jwks_uri", m.JWKS, false},
		{"end_session_endpoint", m.EndSession, true},
	} {
		if e.address == "" && e.optional {
			continue
		}
		if !p.usable(e.address) {
			return fmt.Errorf("names no usable %s; it has to be an https URL", e.key)
		}
	}
	var err error
	if m.Algorithms, err = signatures(m.Algorithms); err != nil {
		return err
	}
	if endpoint.AuthStyle, err = authStyle(p.cfg.ClientSecret, m.AuthMethods); err != nil {
		return err
	}
	m.oauth = oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, RedirectURL: p.cfg.RedirectURL,
		Endpoint: endpoint, Scopes: p.scopes(m.Scopes),
	}
	return nil
}

// usable tells whether an endpoint is an address to go to: https, or http on this
// machine where the issuer is that, too.
func (p *Provider) usable(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) && strings.HasPrefix(p.cfg.Issuer, "http:")
}

func signatures(announced []string) ([]string, error) {
	if len(announced) == 0 {
		return []string{gooidc.RS256}, nil // what every provider has to know
	}
	var known []string
	for _, a := range announced {
		if slices.Contains(algorithms, a) {
			known = append(known, a)
		}
	}
	if known == nil {
		return nil, errors.New("announces no way of signing with a key pair; let it sign ID tokens with RS256 or ES256")
	}
	return known, nil
}

// authStyle picks how the secret is sent. Guessing by trial, as the library does without
// being told, would use the code up.
func authStyle(secret string, methods []string) (oauth2.AuthStyle, error) {
	switch {
	case secret == "", len(methods) > 0 && !slices.Contains(methods, "client_secret_basic") && slices.Contains(methods, "client_secret_post"):
		return oauth2.AuthStyleInParams, nil
	case len(methods) == 0 || slices.Contains(methods, "client_secret_basic"):
		return oauth2.AuthStyleInHeader, nil
	}
	return 0, errors.New("takes a client secret neither as client_secret_basic nor as client_secret_post; allow one of them")
}

// scopes are those asked for. Some providers put groups into the token only for a scope
// of that name.
func (p *Provider) scopes(announced []string) []string {
	scopes := []string{gooidc.ScopeOpenID, "profile", "email"}
	if slices.Contains(announced, p.cfg.RolesClaim) && !slices.Contains(scopes, p.cfg.RolesClaim) {
		scopes = append(scopes, p.cfg.RolesClaim)
	}
	return scopes
}
