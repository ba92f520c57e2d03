package oidc

import (
	"context"

	"golang.org/x/oauth2"
)

// Flow is a sign-in under way. Its fields are secrets of 256 random bits each, for the
// browser that began and for one answer.
type Flow struct {
	State    string
	Nonce    string
	Verifier string
	Fresh    bool // the person has to prove again who they are
}

// Begin answers where to send the browser and what to keep until it comes back. A session
// the person has at the provider is enough.
//
// Its error is an *Error with CodeUnavailable, or that of ctx.
func (p *Provider) Begin(ctx context.Context) (redirect string, f Flow, err error) {
	return p.begin(ctx, false)
}

// BeginFresh is Begin for an action that asks for proof of who is there: the provider
// has to ask the person again, whatever session they have, and Finish checks that it did.
// That it is the same person is for the caller to check, by Identity.Subject.
func (p *Provider) BeginFresh(ctx context.Context) (redirect string, f Flow, err error) {
	return p.begin(ctx, true)
}

func (p *Provider) begin(ctx context.Context, fresh bool) (string, Flow, error) {
	m, err := p.metadata(ctx)
	if err != nil {
		return "", Flow{}, err
	}
	f := Flow{State: random(), Nonce: random(), Verifier: random(), Fresh: fresh}
	options := []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("nonce", f.Nonce), oauth2.S256ChallengeOption(f.Verifier)}
	if fresh {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return m.oauth.AuthCodeURL(f.State, options...), f, nil
}

// random is 32 random bytes in base64url.
func random() string { return oauth2.GenerateVerifier() }
