package config

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"time"
)

// Auth says who may come in. Left out, whoever reaches the listener may do
// everything, which is why it must be loopback then.
type Auth struct {
	Local      bool        // users made by `user add` or with the setup token
	OIDC       *OIDC       // nil for none
	Sessions   Sessions    // of people who signed in either way
	Bulk       int         // a redrive or discard of more letters than this asks for the password again; 0: each does
	IngestKeys []IngestKey // in the order of the file; a pipeline may have several, so that keys can be changed
}

// Enabled says whether people must sign in. Ingest keys are for senders: by
// themselves they keep nobody out of the console.
func (a Auth) Enabled() bool { return a.Local || a.OIDC != nil }

// OIDC is an identity provider people sign in with.
type OIDC struct {
	Issuer       string // as its tokens name it, to the letter; https, or http on loopback
	ClientID     string
	ClientSecret Secret // never empty
	RolesClaim   string // of the id token: a text or a list of texts
	Roles        OIDCRoles
}

// OIDCRoles are the exact values of the claim that give a role. None is in two
// of the lists.
type OIDCRoles struct {
	Viewer, Operator, Admin []string
}

// Sessions says when people must sign in again.
type Sessions struct {
	Idle     time.Duration // without a request, at least a minute
	Absolute time.Duration // whatever they do, at least Idle
}

// IngestKey lets a sender in. The key itself is kept nowhere.
type IngestKey struct {
	Name     string
	Pipeline string // the one it opens
	SHA256   [sha256.Size]byte
}

// access reads who may come in. It is read after the pipelines, which keys name.
func access(s *section, c *Config) Auth {
	defer s.close()
	return Auth{
		Local:      read(s, "local", false, boolean),
		OIDC:       oidc(s),
		Sessions:   sessions(s.child("sessions")),
		Bulk:       read(s, "bulk", 1000, whole(0, 1_000_000)),
		IngestKeys: ingestKeys(s, c),
	}
}

func oidc(s *section) *OIDC {
	e, given := s.get("oidc")
	if !given {
		return nil
	}
	below := s.r.section("oidc", e.line, e.value)
	defer below.close()
	o := &OIDC{
		Issuer:     required(below, "issuer", "issuer: and the provider's https URL", issuer),
		ClientID:   read(below, "client_id", "redrive", line),
		RolesClaim: read(below, "roles_claim", "groups", line),
		Roles:      oidcRoles(below),
	}
	secret, hasSecret := below.secret("client_secret")
	if !hasSecret && !below.broken {
		s.r.mistake(below.line, "add client_secret or client_secret_file", "oidc has no client_secret")
	}
	o.ClientSecret = secret
	return o
}

// issuer reads the name of an identity provider, which is compared to the
// letter and so kept as it is written.
func issuer(text string) (string, *fault) {
	if _, f := httpURL(text); f != nil {
		return "", f
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.RawQuery != "" || u.ForceQuery:
		return "", &fault{"has a query", "write it as the provider's own configuration names it"}
	case u.Scheme != "https" && !isLoopback(u.Hostname()):
		return "", &fault{"is not https", "write https://, else whoever is on the way can sign anybody in"}
	}
	return text, nil
}

// oidcRoles reads which values of the claim give which role; left out, the names
// of the roles do.
func oidcRoles(s *section) OIDCRoles {
	e, given := s.get("roles")
	if !given {
		return OIDCRoles{Viewer: []string{"viewer"}, Operator: []string{"operator"}, Admin: []string{"admin"}}
	}
	below := s.r.section("roles", e.line, e.value)
	defer below.close()
	var of [3][]string
	roles := map[string]string{}
	wrong := len(s.r.mistakes)
	for i, role := range []string{"viewer", "operator", "admin"} {
		of[i] = unique(below, role, list(below, role, nil, line))
		for _, value := range of[i] {
			if other, taken := roles[value]; taken && other != role {
				at, _ := below.get(role)
				s.r.mistake(at.line, "keep it in one of them", "the value %s gives the roles %s and %s", quote(value), other, role)
			}
			roles[value] = role
		}
	}
	if len(roles) == 0 && !below.broken && len(s.r.mistakes) == wrong {
		s.r.mistake(e.line, "write roles: {admin: [value]}, or leave it out", "roles gives nobody a role, so nobody could come in")
	}
	return OIDCRoles{Viewer: of[0], Operator: of[1], Admin: of[2]}
}

func sessions(s *section) Sessions {
	defer s.close()
	const most = 90 * 24 * time.Hour
	of := Sessions{
		Idle:     read(s, "idle", 30*time.Minute, duration(time.Minute, most)),
		Absolute: read(s, "absolute", 12*time.Hour, duration(time.Minute, most)),
	}
	if of.Absolute < of.Idle {
		e, given := s.get("absolute")
		if !given {
			e, _ = s.get("idle")
		}
		s.r.mistake(e.line, "make absolute the longer one", "a session ends after %s in all, before it can be idle for %s", spell(of.Absolute), spell(of.Idle))
	}
	return of
}

func ingestKeys(s *section, c *Config) []IngestKey {
	items, _ := s.items("ingest_keys")
	var keys []IngestKey
	names, hashes := map[string]int{}, map[[sha256.Size]byte]int{}
	for _, n := range items {
		below := s.r.section("ingest key", lineOf(n), n)
		k := ingestKey(below, c)
		keys = append(keys, k)
		if earlier, twice := names[k.Name]; twice && k.Name != "" {
			s.r.mistake(below.line, "give it another name", "there are two ingest keys called %q, the other in line %d", k.Name, earlier)
		}
		if earlier, twice := hashes[k.SHA256]; twice && k.SHA256 != ([sha256.Size]byte{}) {
			s.r.mistake(below.line, "make a key of its own for each sender and pipeline", "ingest key %q is the same key as the one in line %d", k.Name, earlier)
		}
		names[k.Name], hashes[k.SHA256] = below.line, below.line
	}
	return keys
}

func ingestKey(s *section, c *Config) IngestKey {
	defer s.close()
	k := IngestKey{
		Name:     required(s, "name", "name: and who sends with it", name),
		Pipeline: required(s, "pipeline", "pipeline: and the one it opens", name),
		SHA256:   required(s, "key_sha256", "key_sha256: and what `printf %s KEY | sha256sum` prints", keyHash),
	}
	if k.Pipeline == "" {
		return k
	}
	var names []string
	for _, p := range c.Pipelines {
		if p.Name == k.Pipeline {
			return k
		}
		names = append(names, p.Name)
	}
	e, _ := s.get("pipeline")
	s.r.mistake(lineOf(e.value), nearestIs(k.Pipeline, names), "ingest key %q opens pipeline %q, which is not under pipelines", k.Name, k.Pipeline)
	return k
}

// keyHash reads the SHA-256 of a key. That of nothing, or of a line end alone, is
// what a shell prints when the variable with the key is empty.
func keyHash(text string) (hash [sha256.Size]byte, f *fault) {
	const right = "write the 64 hex digits that `printf %s KEY | sha256sum` prints"
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(hash) {
		return hash, &fault{"is not a SHA-256", right}
	}
	copy(hash[:], raw)
	for _, nothing := range []string{"", "\n", "\r\n"} {
		if hash == sha256.Sum256([]byte(nothing)) {
			return [sha256.Size]byte{}, &fault{"is the hash of an empty key", right}
		}
	}
	return hash, nil
}
