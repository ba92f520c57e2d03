package oidc_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"redrive/pipeline/oidc"
	"redrive/pipeline/oidc/oidctest"
)

const (
	clientID     = "redrive"
	clientSecret = "canary-client-secret"
	redirectURL  = "https://redrive.example.com/login/oidc"
)

func newFake() *oidctest.Provider {
	fake := oidctest.New(clientID, clientSecret, redirectURL)
	fake.SignIn(ann())
	return fake
}

// ann is somebody who may come in.
func ann() map[string]any {
	return map[string]any{"sub": "s-1", "preferred_username": "ann", "email": "ann@example.com", "email_verified": true, "groups": []string{"staff", "operator"}}
}

func config(fake *oidctest.Provider) oidc.Config {
	return oidc.Config{Issuer: fake.Issuer, ClientID: clientID, ClientSecret: clientSecret, RedirectURL: redirectURL, Transport: fake.Transport()}
}

func provider(t *testing.T, cfg oidc.Config) *oidc.Provider {
	t.Helper()
	p, err := oidc.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// visit begins and lets the browser go to the provider and back.
func visit(t *testing.T, p *oidc.Provider, fake *oidctest.Provider, fresh bool) (oidc.Flow, url.Values) {
	t.Helper()
	begin := p.Begin
	if fresh {
		begin = p.BeginFresh
	}
	address, flow, err := begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	query, err := fake.Visit(address)
	if err != nil {
		t.Fatal(err)
	}
	return flow, query
}

func signIn(t *testing.T, p *oidc.Provider, fake *oidctest.Provider) (oidc.Identity, error) {
	t.Helper()
	flow, query := visit(t, p, fake, false)
	return p.Finish(t.Context(), flow, query)
}

func mustSignIn(t *testing.T, p *oidc.Provider, fake *oidctest.Provider) oidc.Identity {
	t.Helper()
	who, err := signIn(t, p, fake)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// wantError checks the code and a part of the sentence, and that it is one line.
func wantError(t *testing.T, err error, code oidc.Code, part string) {
	t.Helper()
	e, ok := errors.AsType[*oidc.Error](err)
	if !ok {
		t.Fatalf("not an oidc.Error: %v", err)
	}
	if e.Code != code || !strings.Contains(e.Text, part) {
		t.Errorf("got %s %q, want %s with %q", e.Code, e.Text, code, part)
	}
	if strings.ContainsAny(e.Text, "\r\n") || len(e.Text) > 600 {
		t.Errorf("not one sentence: %q", e.Text)
	}
}

// wantNoSecret checks that an error gives none of the words away, however it is printed.
func wantNoSecret(t *testing.T, err error, secrets ...string) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, text := range []string{e.Error(), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e)} {
			for _, s := range secrets {
				if s != "" && strings.Contains(text, s) {
					t.Errorf("the error holds the secret %.20s...: %.300s", s, text)
				}
			}
		}
	}
}
