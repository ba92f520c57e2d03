package oidc

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	mostValues  = 10_000 // of the roles claim
	mostName    = 128    // characters
	mostSubject = 255    // bytes, as the standard has it
)

// claims are the claims of an ID token. Names are exact: a struct would match them
// without regard to case.
type claims map[string]json.RawMessage

// person reads who it is. Without a role the rest is still answered.
func (p *Provider) person(subject string, c claims) (Identity, error) {
	if subject == "" || len(subject) > mostSubject {
		return Identity{}, refused("the ID token does not say who signed in (sub)")
	}
	name := c.name(subject)
	if name == "" {
		return Identity{}, refused("the ID token has no name that can be shown; give this account a preferred_username")
	}
	session, _ := c.text("sid")
	who := Identity{Subject: subject, Name: Prefix + name, AuthTime: c.time("auth_time"), SessionID: session}
	role, err := p.role(c)
	if err != nil {
		return who, &Error{Code: CodeNoRole, Text: fmt.Sprintf("%q has no role here: %v", who.Name, err)}
	}
	who.Role = role
	return who, nil
}

// role is the highest the claim gives. Its errors end a sentence.
func (p *Provider) role(c claims) (string, error) {
	held, err := c.values(p.cfg.RolesClaim)
	if err != nil {
		return "", fmt.Errorf("the claim %q of the identity provider %w", p.cfg.RolesClaim, err)
	}
	for _, role := range roles {
		if slices.ContainsFunc(p.cfg.Roles[role], func(v string) bool { return slices.Contains(held, v) }) {
			return role, nil
		}
	}
	return "", fmt.Errorf("the claim %q of the identity provider holds none of the values that give one; have one of them added there", p.cfg.RolesClaim)
}

// values are the strings of a claim, which is one or a list of them. An address that the
// provider has not verified is whatever the person typed, so it counts as absent.
func (c claims) values(path string) ([]string, error) {
	raw, found := c.find(path)
	if !found || string(raw) == "null" {
		return nil, errors.New("is not in the ID token; have it added there")
	}
	if path == "email" && !c.verified() {
		return nil, errors.New("is not verified there")
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var many []*string
	if json.Unmarshal(raw, &many) != nil || slices.Contains(many, nil) {
		return nil, errors.New("is neither a text nor a list of texts")
	}
	if len(many) > mostValues {
		return nil, fmt.Errorf("has more than %d values; have the provider send only those that matter here", mostValues)
	}
	values := make([]string, len(many))
	for i, v := range many {
		values[i] = *v
	}
	return values, nil
}

// find looks a claim up: by its whole name, for some have dots in it, else by what leads
// to it, the shortest first.
func (c claims) find(path string) (json.RawMessage, bool) {
	if raw, ok := c[path]; ok {
		return raw, true
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		var inner claims
		if json.Unmarshal(c[path[:i]], &inner) != nil {
			continue
		}
		if raw, ok := inner.find(path[i+1:]); ok {
			return raw, true
		}
	}
	return nil, false
}

// name is what the person is called: the first that can be shown as it is.
func (c claims) name(subject string) string {
	username, _ := c.text("preferred_username")
	email, _ := c.text("email")
	if !c.verified() {
		email = ""
	}
	return cmp.Or(shown(username), shown(email), shown(subject))
}

// shown is s, or nothing where it would look like another name or not like one.
func shown(s string) string {
	strange := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	if strings.TrimSpace(s) != s || utf8.RuneCountInString(s) > mostName || strings.ContainsFunc(s, strange) {
		return ""
	}
	return s
}

// verified tells whether the provider vouches for the e-mail address. Some write the
// truth as a text.
func (c claims) verified() bool {
	v := string(c["email_verified"])
	return v == "true" || v == `"true"`
}

// text is a claim that is a text; given is true of anything that is there.
func (c claims) text(name string) (text string, given bool) {
	raw, given := c[name]
	if json.Unmarshal(raw, &text) != nil {
		return "", given
	}
	return text, given
}

// time is a claim that is a number of seconds, or the zero time.
func (c claims) time(name string) time.Time {
	var seconds float64
	if json.Unmarshal(c[name], &seconds) != nil || seconds <= 0 || seconds > math.MaxInt32*1000 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}
