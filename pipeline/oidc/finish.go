package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const mostCode = 4096 // bytes

const again = "sign in again"

// Finish takes what the browser came back with and answers who signed in. The Flow is
// used up, whatever the answer.
//
// Its error is an *Error or that of ctx. With CodeNoRole the Identity is whole but for
// the role, for the audit.
func (p *Provider) Finish(ctx context.Context, f Flow, query url.Values) (Identity, error) {
	if err := p.checkAnswer(f, query); err != nil {
		return Identity{}, err
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return Identity{}, err
	}
	if m.NamesItself && !query.Has("iss") {
		return Identity{}, refused("the answer does not say which identity provider it is from, although this one always does; " + again)
	}
	token, err := p.exchange(ctx, m, query.Get("code"), f.Verifier)
	if err != nil {
		return Identity{}, err
	}
	return p.identify(ctx, m, f, token)
}

// checkAnswer finds out, without asking anybody, whether the query answers this flow and
// brings a code. Nothing in it is looked at before its state proves right.
func (p *Provider) checkAnswer(f Flow, query url.Values) error {
	if f.State == "" || f.Nonce == "" || f.Verifier == "" {
		return refused("no sign-in was begun in this browser, or it is over; " + again)
	}
	for _, key := range []string{"state", "iss", "error", "code"} {
		if len(query[key]) > 1 {
			return refused("the answer of the identity provider has " + key + " twice; " + again)
		}
	}
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(f.State)) != 1 {
		return refused("the answer belongs to another sign-in than the one begun in this browser; " + again)
	}
	if query.Has("iss") && query.Get("iss") != p.cfg.Issuer {
		return refused("the answer is from another identity provider than the one that was asked; " + again)
	}
	if query.Has("error") {
		return refused(denial(query.Get("error"), query.Get("error_description")))
	}
	if code := query.Get("code"); code == "" || len(code) > mostCode {
		return refused("the answer of the identity provider brings no usable code; " + again)
	}
	return nil
}

// denial says what the error code of an authorization answer means.
func denial(code, description string) string {
	text := "the identity provider refused the sign-in"
	switch code {
	case "access_denied":
		text = "the sign-in was cancelled, or the identity provider does not let you use this program"
	case "login_required", "interaction_required", "account_selection_required", "consent_required":
		text = "the identity provider wants to ask you something first; " + again
	case "temporarily_unavailable", "server_error":
		text = "the identity provider has trouble of its own; try again in a moment"
	case "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope":
		text = "the identity provider does not know this program as it is set up (" + code + "); check client_id and the redirect address there"
	}
	if description = clean(description); description != "" {
		text += fmt.Sprintf("; it says: %q", description)
	}
	return text
}

// exchange turns the code into tokens. A code is tried once.
func (p *Provider) exchange(ctx context.Context, m *metadata, code, verifier string) (*oauth2.Token, error) {
	const what = "the token endpoint of the identity provider"
	token, err := m.oauth.Exchange(gooidc.ClientContext(ctx, p.client), code, oauth2.VerifierOption(verifier))
	if err == nil {
		return token, nil
	}
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return nil, unexchanged(r.ErrorCode)
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return nil, unreached(ctx, what, err)
	}
	return nil, unavailable(what+" does not answer with tokens", nil) // a parser's error may quote them
}

// unexchanged says what the error code of the token endpoint means. Its description and
// its answer are not shown: some repeat what they were sent.
func unexchanged(code string) error {
	switch code {
	case "invalid_grant":
		return refused("the code of this sign-in is used up, too old or not for this program; " + again)
	case "invalid_client", "unauthorized_client":
		return unavailable("the identity provider does not accept this program's client_id and client_secret; check both", nil)
	case "invalid_request", "invalid_scope", "unsupported_grant_type":
		return unavailable("the identity provider refuses to give tokens ("+code+"); check how this program is registered there", nil)
	}
	return unavailable("the identity provider refuses to give tokens, for a reason it has no known name for", nil)
}
