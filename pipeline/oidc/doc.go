// Package oidc signs people in at an OpenID Connect provider: the authorization code
// flow with PKCE, and nothing else of the protocol.
//
// Begin gives the address to send the browser to and a Flow to keep; Finish takes the
// Flow and the query the browser came back with, and answers who it is. A Flow belongs
// to one browser, is kept where no other sees it, and is thrown away with its first
// answer. A browser that changes its own Flow gains nothing: how fresh a proof is, is
// for Identity.AuthTime to say, which the provider signed.
//
// Who somebody is comes from the ID token alone: signed by a key of the provider, made
// for this client and for this flow. Roles are exact values of one claim; nothing is
// searched, cut or compared without regard to case. The access token is dropped, a
// refresh token never asked for.
//
// Nothing is asked of the provider before the first sign-in, so a server starts while
// the provider is down. What it says of itself is read again after an hour.
package oidc
