package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

type key struct {
	id, algorithm string
	private       crypto.Signer
}

// newKey makes an RSA key for RS256 and an elliptic one for ES256. It panics on others.
func newKey(algorithm string) key {
	k := key{id: random(), algorithm: algorithm}
	var err error
	switch algorithm {
	case "RS256":
		k.private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		panic("oidctest has no key for " + algorithm)
	}
	if err != nil {
		panic(err)
	}
	return k
}

func (k key) sign(claims map[string]any) string {
	return compact(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.algorithm), Key: k.private}, k.id, claims)
}

// compact signs claims. It panics where they cannot be, which is a mistake of the test.
func compact(with jose.SigningKey, id string, claims map[string]any) string {
	signer, err := jose.NewSigner(with, (&jose.SignerOptions{}).WithHeader("kid", id))
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(encode(claims))
	if err != nil {
		panic(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// Rotate makes a key for RS256 or ES256, signs with it from now on, and withdraws the
// earlier ones.
func (p *Provider) Rotate(algorithm string) {
	k := newKey(algorithm)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = []key{k}
}

// AddKey is Rotate that goes on publishing the earlier keys.
func (p *Provider) AddKey(algorithm string) {
	k := newKey(algorithm)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = append(p.keys, k)
}

func (p *Provider) currentKey() key {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[len(p.keys)-1]
}

func (p *Provider) keyList(w http.ResponseWriter) {
	p.mu.Lock()
	keys := slices.Clone(p.keys)
	p.mu.Unlock()
	var set jose.JSONWebKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: k.algorithm, Use: "sig"})
	}
	writeJSON(w, http.StatusOK, set)
}

// Unsigned makes a token of the algorithm none.
func (p *Provider) Unsigned(claims map[string]any) string {
	header := encode(map[string]string{"alg": "none", "kid": p.currentKey().id})
	return base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(encode(claims)) + "."
}

// SignedWithPublicKey makes a token of HS256 whose secret is what everybody can fetch:
// the current public key in PEM.
func (p *Provider) SignedWithPublicKey(claims map[string]any) string {
	k := p.currentKey()
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		panic(err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return compact(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, k.id, claims)
}

// SignedByStranger makes a token with a key nobody published, under the id of the
// current one, or under one of its own.
func (p *Provider) SignedByStranger(claims map[string]any, ownID bool) string {
	current := p.currentKey()
	k := newKey(current.algorithm)
	if !ownID {
		k.id = current.id
	}
	return k.sign(claims)
}

func random() string {
	b := make([]byte, 32)
	rand.Read(b) //nolint:errcheck // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// Signer signs with the key of now for ever, for Sign: somebody has stolen it.
func (p *Provider) Signer() func(claims map[string]any) string {
	return p.currentKey().sign
}
