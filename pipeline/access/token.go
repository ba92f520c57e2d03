package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"redrive/pipeline"
)

const (
	kindToken   = "token"
	tokenPrefix = "rdv_" // so that scanners of leaked secrets can know it
	tokenFor    = 90 * 24 * time.Hour
	tokenMost   = 366 * 24 * time.Hour
)

// Token lets a program in.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	Owner     string    `json:"owner"` // the token may no more than its owner
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	UsedAt    time.Time `json:"used_at,omitzero"` // to the hour
}

type storedToken struct {
	Token
	Digest  string `json:"digest"`
	version int64
}

// NewToken is a token to be made.
type NewToken struct {
	Name      string
	Role      Role
	ExpiresAt time.Time // zero: in 90 days
	Reason    string
}

// CreateToken makes a token of whoever acts and answers its secret, which is
// kept nowhere.
func (s *Service) CreateToken(ctx context.Context, n NewToken) (Token, string, error) {
	actor, now := pipeline.ActorFrom(ctx), time.Now().UTC()
	if err := n.check(Role(actor.Role), now); err != nil {
		return Token{}, "", err
	}
	if n.ExpiresAt.IsZero() {
		n.ExpiresAt = now.Add(tokenFor)
	}
	if id, ok := From(ctx); ok && id.Program() && n.ExpiresAt.After(id.Ends) {
		return Token{}, "", &pipeline.Error{Code: pipeline.CodeForbidden, Field: "expires_at",
			Text: "a token cannot make one that lasts longer than itself: expires_at must be given, at the latest " + id.Ends.UTC().Format(time.RFC3339)}
	}
	t := storedToken{Token: Token{ID: pipeline.NewID(), Name: strings.TrimSpace(n.Name), Role: n.Role, Owner: actor.Name, CreatedAt: now, ExpiresAt: n.ExpiresAt.UTC()}}
	secret := newSecret() + newSecret()
	t.Digest = digest(secret)
	entry := pipeline.NewEntry(ctx, "token.create", "tokens/"+t.ID, n.Reason, map[string]any{"after": t.facts()})
	if err := s.put(ctx, entry, t.record()); err != nil {
		return Token{}, "", err
	}
	return t.Token, tokenPrefix + t.ID + "_" + secret, nil
}

func (n NewToken) check(owner Role, now time.Time) error {
	name := strings.TrimSpace(n.Name)
	switch {
	case name == "" || len(name) > 100:
		return &pipeline.Error{Code: pipeline.CodeInvalid, Field: "name", Text: "the name says what the token is for, in 1 to 100 characters"}
	case n.Role.rank() == 0:
		_, err := ParseRole(string(n.Role))
		return err
	case !owner.Allows(n.Role):
		return &pipeline.Error{Code: pipeline.CodeForbidden, Field: "role", Text: "a token may no more than who makes it: at most " + string(owner)}
	case !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(now):
		return &pipeline.Error{Code: pipeline.CodeInvalid, Field: "expires_at", Text: "expires_at lies in the past"}
	case n.ExpiresAt.After(now.Add(tokenMost)):
		return &pipeline.Error{Code: pipeline.CodeInvalid, Field: "expires_at", Text: "expires_at must be within a year"}
	}
	return nil
}

func (t *storedToken) facts() map[string]any {
	return map[string]any{"name": t.Name, "role": t.Role, "owner": t.Owner, "expires_at": t.ExpiresAt}
}

func (t *storedToken) record() pipeline.Record {
	data, _ := json.Marshal(t) // of texts and times
	return pipeline.Record{Kind: kindToken, ID: t.ID, Version: t.version, Data: data, ExpiresAt: t.ExpiresAt}
}

func tokenOf(rec pipeline.Record) (*storedToken, error) {
	t := &storedToken{version: rec.Version}
	if err := json.Unmarshal(rec.Data, t); err != nil {
		return nil, fmt.Errorf("reading token %s: %w", rec.ID, err)
	}
	return t, nil
}

// Tokens lists the tokens of an owner, or all if the name is empty, the newest
// first.
func (s *Service) Tokens(ctx context.Context, owner string) ([]Token, error) {
	list := []Token{}
	err := s.each(ctx, kindToken, func(rec pipeline.Record) error {
		t, err := tokenOf(rec)
		if err == nil && (owner == "" || t.Owner == owner) && time.Now().Before(t.ExpiresAt) {
			list = append(list, t.Token)
		}
		return err
	})
	slices.SortFunc(list, func(a, b Token) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return list, err
}

// RevokeToken ends a token and answers what it was. With an owner it must be that
// owner's.
func (s *Service) RevokeToken(ctx context.Context, owner, id, reason string) (Token, error) {
	missing := &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no such token; it may have expired"}
	rec, err := s.records.Get(ctx, kindToken, id)
	if errors.Is(err, pipeline.ErrNotFound) {
		return Token{}, missing
	}
	if err != nil {
		return Token{}, fmt.Errorf("reading token %s: %w", id, err)
	}
	t, err := tokenOf(rec)
	if err != nil {
		return Token{}, err
	}
	if owner != "" && t.Owner != owner || !time.Now().Before(t.ExpiresAt) {
		return Token{}, missing
	}
	entry := pipeline.NewEntry(ctx, "token.revoke", "tokens/"+t.ID, reason, map[string]any{"before": t.facts()})
	return t.Token, s.put(ctx, entry, pipeline.Record{Kind: kindToken, ID: t.ID, Version: pipeline.AnyVersion})
}

// endTokens removes the tokens of a user who is gone. They let nobody in any more
// already; this is what is left of them.
func (s *Service) endTokens(ctx context.Context, owner string) error {
	list, err := s.Tokens(ctx, owner)
	for _, t := range list {
		err = errors.Join(err, s.records.Put(ctx, nil, pipeline.Record{Kind: kindToken, ID: t.ID, Version: pipeline.AnyVersion}))
	}
	return err
}

// Token tells who a program's token stands for; ErrUnknown if for nobody.
func (s *Service) Token(ctx context.Context, text string) (Identity, error) {
	id, secret, ok := strings.Cut(strings.TrimPrefix(text, tokenPrefix), "_")
	if !ok || !strings.HasPrefix(text, tokenPrefix) || len(id) > 64 || len(secret) > 128 {
		return Identity{}, ErrUnknown
	}
	found, err := s.seen(ctx, id+"/"+digest(secret), func(ctx context.Context, _ string) (sighting, error) { return s.readToken(ctx, id, secret) })
	if err != nil {
		return Identity{}, err
	}
	if found.identity.Name == "" {
		return Identity{}, ErrUnknown
	}
	return found.identity, nil
}

func (s *Service) readToken(ctx context.Context, id, secret string) (sighting, error) {
	rec, err := s.records.Get(ctx, kindToken, id)
	if errors.Is(err, pipeline.ErrNotFound) {
		return sighting{}, nil
	}
	if err != nil {
		return sighting{}, fmt.Errorf("reading token %s: %w", id, err)
	}
	t, err := tokenOf(rec)
	if err != nil || !sameDigest(t.Digest, digest(secret)) || !time.Now().Before(t.ExpiresAt) {
		return sighting{}, err
	}
	u, err := s.user(ctx, t.Owner)
	if err != nil || u == nil || u.Disabled || t.CreatedAt.Before(u.CreatedAt) { // of one who had the name before
		return sighting{}, err
	}
	s.use(ctx, t)
	return sighting{identity: Identity{Name: u.Name, Role: least(t.Role, u.Role), Source: u.Source, Token: t.ID, Ends: t.ExpiresAt}}, nil
}

// use notes that a token is used, to the hour. It may fail: then the next time does it.
func (s *Service) use(ctx context.Context, t *storedToken) {
	now := time.Now().UTC()
	if now.Sub(t.UsedAt) < time.Hour {
		return
	}
	t.UsedAt = now
	if err := s.records.Put(ctx, nil, t.record()); err != nil && !errors.Is(err, pipeline.ErrVersion) {
		s.log.WarnContext(ctx, "the use of a token was not noted", "token", t.ID, "error", err)
	}
}
