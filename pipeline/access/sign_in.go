package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"redrive/pipeline"
)

// SignIn checks name and password and begins a session. Whether the name exists
// is not told, neither in words nor by how long it takes.
func (s *Service) SignIn(ctx context.Context, name, password string, c Client) (SignedIn, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	u, err := s.checked(ctx, name, password, c, "login.fail")
	if err != nil {
		return SignedIn{}, err
	}
	return s.begin(ctx, u, c, "login.do")
}

// checked is the user of a name whose password is right.
func (s *Service) checked(ctx context.Context, name, password string, c Client, action string) (*storedUser, error) {
	ctx = pipeline.WithActor(ctx, pipeline.Actor{Name: actorName(name), From: c.Address})
	var u *storedUser
	if nameForm.MatchString(name) {
		var err error
		if u, err = s.user(ctx, name); err != nil {
			return nil, err
		}
	}
	try := s.throttle.try(name, c, u)
	if news, err := try.allowed(); err != nil {
		if news {
			return nil, s.failed(ctx, pipeline.NewEntry(ctx, action, "users/"+actorName(name), "", nil), err)
		}
		return nil, err
	}
	hash := ""
	if u != nil && u.Source == Local && !u.Disabled {
		hash = u.Hash
	}
	right, err := s.passwords.match(ctx, password, hash)
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, s.failed(ctx, pipeline.NewEntry(ctx, action, "users/"+actorName(name), "", nil), try.failed())
	}
	try.succeeded()
	return u, nil
}

// actorName is what the audit calls somebody who says to be name.
func actorName(name string) string {
	if nameForm.MatchString(name) {
		return name
	}
	return "unknown" // it may be a password typed into the wrong field
}

// External is a user as an identity provider names them.
type External struct {
	Name    string // as people read it
	Subject string // the provider's own id, which never changes and is never given twice
	Role    Role
}

// SignInExternal begins a session of somebody an identity provider vouched for.
func (s *Service) SignInExternal(ctx context.Context, e External, c Client) (SignedIn, error) {
	u, err := s.user(ctx, e.Name)
	if err != nil {
		return SignedIn{}, err
	}
	now := time.Now().UTC()
	if u == nil {
		u = &storedUser{User: User{Name: e.Name, Source: OIDC, CreatedAt: now, CreatedBy: pipeline.Program}, Subject: e.Subject}
	}
	var why error
	switch {
	case u.Disabled:
		why = disabled()
	case u.Subject != e.Subject:
		why = &pipeline.Error{Code: pipeline.CodeForbidden, Text: "somebody else had this name at the provider before; an admin has to remove the user " + e.Name + " first"}
	}
	if why != nil {
		ctx = pipeline.WithActor(ctx, pipeline.Actor{Name: e.Name, From: c.Address})
		return SignedIn{}, s.failed(ctx, pipeline.NewEntry(ctx, "login.fail", "users/"+e.Name, "", nil), why)
	}
	u.Role = e.Role
	return s.begin(ctx, u, c, "login.do")
}

func disabled() error {
	return &pipeline.Error{Code: pipeline.CodeForbidden, Text: "this account is disabled here; an admin can enable it"}
}

// ExternalFailed notes a sign-in at an identity provider that came to nothing.
func (s *Service) ExternalFailed(ctx context.Context, c Client, why error) error {
	ctx = pipeline.WithActor(ctx, pipeline.Actor{Name: "unknown", From: c.Address})
	return s.failed(ctx, pipeline.NewEntry(ctx, "login.fail", "login/oidc", "", nil), why)
}

// Confirm takes the password again from somebody who is signed in: for five
// minutes it is known to be them and not who found the browser open.
func (s *Service) Confirm(ctx context.Context, token, password string, c Client) (Identity, error) {
	id := digest(token)
	rec, err := s.records.Get(ctx, kindSession, id)
	if errors.Is(err, pipeline.ErrNotFound) {
		return Identity{}, ErrUnknown
	}
	if err != nil {
		return Identity{}, fmt.Errorf("reading a session: %w", err)
	}
	sess, err := sessionOf(rec)
	if err != nil {
		return Identity{}, err
	}
	u, err := s.checked(ctx, sess.User, password, c, "login.confirm")
	if err != nil {
		return Identity{}, ofCurrent(err)
	}
	now := time.Now().UTC()
	sess.Fresh, sess.Used = now, now
	ctx = pipeline.WithActor(ctx, pipeline.Actor{Name: u.Name, Role: string(u.Role), From: c.Address})
	sess.version = pipeline.AnyVersion
	entry := pipeline.NewEntry(ctx, "login.confirm", "sessions/"+publicID(sess.id), "", nil)
	return s.identity(sess, u), s.put(ctx, entry, s.sessionRecord(sess))
}
