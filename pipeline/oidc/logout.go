package oidc

import (
	"context"
	"net/url"
)

// EndSession answers where to send the browser to end its session at the provider, too,
// or "" where the provider has no such address. It comes back to back, an address that
// is registered there; with "" it stays. End the session here first: this one may fail.
//
// No ID token is kept to go with it, so the provider may ask the person to confirm.
func (p *Provider) EndSession(ctx context.Context, back string) (string, error) {
	m, err := p.metadata(ctx)
	if err != nil || m.EndSession == "" {
		return "", err
	}
	u, err := url.Parse(m.EndSession)
	if err != nil {
		return "", err // checked when it was read
	}
	query := u.Query()
	query.Set("client_id", p.cfg.ClientID)
	if back != "" {
		query.Set("post_logout_redirect_uri", back)
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}
