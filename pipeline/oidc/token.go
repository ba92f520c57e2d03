package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	skew      = 5 * time.Minute // between the clocks of this machine and the provider
	freshness = 5 * time.Minute // how long a proof is fresh
)

const clocks = "compare the clock of this machine with that of the identity provider"

// identify reads the ID token and believes it only after every check.
func (p *Provider) identify(ctx context.Context, m *metadata, f Flow, token *oauth2.Token) (Identity, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return Identity{}, unavailable("the identity provider sent no ID token; register this program there for OpenID Connect", nil)
	}
	id, err := p.verify(ctx, m, raw)
	if err != nil {
		return Identity{}, err
	}
	var c claims
	if err := id.Claims(&c); err != nil {
		return Identity{}, malformed()
	}
	if err := p.checkParties(id, c); err != nil {
		return Identity{}, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1 {
		return Identity{}, refused("the ID token was made for another sign-in; " + again)
	}
	if id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil {
		return Identity{}, refused("the ID token and the access token do not belong together; " + again)
	}
	if err := checkTimes(id.IssuedAt, c, f.Fresh); err != nil {
		return Identity{}, err
	}
	return p.person(id.Subject, c)
}

// witness remembers how the signature check went, which the library tells in words alone.
type witness struct {
	keys   *gooidc.RemoteKeySet
	asked  bool
	failed error
}

func (w *witness) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := w.keys.VerifySignature(ctx, jwt)
	w.asked, w.failed = true, err
	return payload, err
}

// verify checks signature, expiry and not-before.
func (p *Provider) verify(ctx context.Context, m *metadata, raw string) (*gooidc.IDToken, error) {
	w := &witness{keys: m.keys}
	id, err := gooidc.NewVerifier(p.cfg.Issuer, w, &gooidc.Config{
		SupportedSigningAlgs: m.Algorithms,
		SkipIssuerCheck:      true, // checkParties is stricter about both
		SkipClientIDCheck:    true,
	}).Verify(ctx, raw)
	_, late := errors.AsType[*gooidc.TokenExpiredError](err)
	_, unheard := errors.AsType[*url.Error](w.failed)
	switch {
	case err == nil:
		return id, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case late:
		return nil, refused("the ID token has run out; " + clocks)
	case !w.asked:
		return nil, refused("the ID token is malformed, or not signed in a way the identity provider announces (" + strings.Join(m.Algorithms, ", ") + ")")
	case w.failed == nil:
		return nil, malformed()
	case unheard:
		return nil, unreached(ctx, "the key list of the identity provider", w.failed)
	}
	return nil, refused("the ID token is not signed with a key that the identity provider publishes")
}

func malformed() error {
	return refused("the claims of the ID token are malformed, or it is not valid yet; " + clocks)
}

// checkParties checks who made the token, and for whom.
func (p *Provider) checkParties(id *gooidc.IDToken, c claims) error {
	if id.Issuer != p.cfg.Issuer {
		return refused("the ID token is from another identity provider than the one that was asked")
	}
	party, given := c.text("azp")
	mine := slices.Contains(id.Audience, p.cfg.ClientID)
	if !mine || given && party != p.cfg.ClientID || len(id.Audience) > 1 && !given {
		return refused("the ID token was made for another program; check client_id")
	}
	return nil
}

// checkTimes checks when the token was made, and for a fresh flow when the person was
// asked. That it has not run out is known by now.
func checkTimes(issued time.Time, c claims, fresh bool) error {
	if issued.Unix() <= 0 || time.Until(issued) > skew {
		return refused("the ID token was made in the future, or does not say when; " + clocks)
	}
	asked := c.time("auth_time")
	switch {
	case !fresh:
		return nil
	case asked.IsZero():
		return refused("the identity provider does not say when it last asked who you are (auth_time), so this cannot be confirmed through it")
	case time.Until(asked) > skew || time.Since(asked) > freshness:
		return refused("the identity provider did not ask again who you are; sign out there, then try again")
	}
	return nil
}
